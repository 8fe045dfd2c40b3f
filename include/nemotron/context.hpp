/** @file context.hpp
 *  @brief Part of nemotron.hpp: a loaded model, how to load it, conversations as prompts, and making model files. */
#ifndef NEMOTRON_CONTEXT_HPP
#define NEMOTRON_CONTEXT_HPP

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nemotron/error.hpp>
#include <nemotron/nemotron.h>

namespace nemotron {

/** The library's version as NEMO_VERSION_NUMBER counts it; see nemo_version(). */
inline std::uint32_t version() { return nemo_version(); }

/** The build and the processor in words; see nemo_build_info(). */
inline std::string build_info() { return detail::fill<std::string>(1024, nemo_build_info); }

/** The CPU, then the CUDA devices, or why there are none; see nemo_device_list(). */
inline std::vector<nemo_device_info> devices(const std::string &cuda_module = {}) {
  const nemo_device_info empty = NEMO_DEVICE_INFO_INIT;
  std::vector<nemo_device_info> out(8, empty);
  for (;;) {
    std::size_t n = 0;
    nemo_error error = detail::empty_error();
    const nemo_status status = nemo_device_list(cuda_module.empty() ? nullptr : cuda_module.c_str(), out.data(),
                                                out.size(), sizeof(nemo_device_info), &n, &error);
    if (status != NEMO_E_BUFFER_TOO_SMALL) detail::check(status, error);
    out.resize(n, empty);
    if (status == NEMO_OK) return out;
  }
}

/** How to load; see ::nemo_context_options. */
struct LoadOptions {
  std::uint32_t flags = 0;         /**< NEMO_LOAD_ bits. */
  std::uint32_t n_threads = 0;     /**< 0: one per usable core. */
  std::uint32_t isa = 0;           /**< NEMO_ISA_ value. */
  std::uint32_t max_step_rows = 0; /**< Most prompt tokens computed in one step; 0: the default. */
  std::uint32_t log_level = 0;     /**< The most detailed NEMO_LOG_ level; 0: ::NEMO_LOG_INFO. */
  bool worker = false;             /**< A thread of the context's own pumps. */
  std::uint32_t max_running = 0;   /**< Most sessions with a request in work at the same time; 0: the default. */
  std::uint64_t max_bytes = 0;     /**< Cap on all memory; 0: none. */
  std::uint64_t snapshot_bytes = 0; /**< Most bytes of the prefix cache; 0: the default; ::NEMO_NO_SNAPSHOTS: none. */
  /** Receives log lines as long as the context or a session of it lives. What it throws is dropped. */
  std::function<void(std::int32_t level, std::string_view text)> on_log{};
  /** Told how far loading is; returns false to cancel. */
  std::function<bool(std::uint64_t done_bytes, std::uint64_t total_bytes)> on_progress{};
  /** For all large memory; copied, but its functions and `user` must live as long as the context. NULL: system pages. */
  const nemo_allocator *allocator = nullptr;
  /** Computes on threads of your own: calls `job(arg, i)` for each i below `n_jobs` and returns when all have returned;
   *  see ::nemo_parallel_for. Kept as long as the context or a session of it lives; may not throw. */
  std::function<void(nemo_job job, void *arg, std::uint32_t n_jobs)> parallel_for{};
  /** Context::get() of a context on whose threads this one computes, too; NULL: threads of its own. */
  nemo_context *share_threads = nullptr;
  std::uint32_t device = 0;       /**< NEMO_DEVICE_ value. */
  std::uint32_t device_index = 0; /**< nemo_device_info::index. */
  std::string cuda_module{};      /**< Path of libnemotron-cuda.so; empty: beside the library. */
  void *cuda_context = nullptr;   /**< A CUcontext of yours; NULL: the device's primary one. */
  void *cuda_stream = nullptr;    /**< A CUstream of yours to compute on; NULL: one of the context's own. */
  std::int32_t cuda_priority = 0; /**< Of the context's own stream, as CUDA counts. */
  std::uint32_t cuda_plain_kernels = 0; /**< NEMO_CUDA_PLAIN_ bits: not to be fast. */
  std::uint64_t max_offload_bytes = 0; /**< Most of a GPU's states on the host; 0: the default; ::NEMO_NO_OFFLOAD: none. */
};

/** The sessions to plan for; see ::nemo_plan_options. */
struct PlanOptions {
  std::uint32_t n_sessions = 0; /**< 0: 1. */
  std::uint32_t n_tokens = 0;   /**< In each of them; 0: as many as the model allows. */
  std::uint32_t kv_type = 0;    /**< NEMO_KV_ value. */
  std::uint32_t state_type = 0; /**< NEMO_STATE_ value. */
};

/** One file of a model that is in memory; see ::nemo_memory_file. */
struct MemoryFile {
  std::string name;                /**< The published name, such as "config.json". */
  std::span<const std::byte> data; /**< Borrowed during the load; with ::NEMO_LOAD_MAPPED as long as the model lives. */
};

/** One message of a conversation; see ::nemo_chat_message. */
struct Message {
  std::string role;       /**< "system", "user", "assistant" or "tool". */
  std::string content;    /**< UTF-8. */
  std::string reasoning;  /**< Assistant only: its thoughts, without the tags. */
  std::string tool_calls; /**< Assistant only: JSON array of calls; empty for none. */

  /** The instructions that a conversation begins with. */
  static Message system(std::string content) { return {"system", std::move(content), {}, {}}; }
  /** What the user says. */
  static Message user(std::string content) { return {"user", std::move(content), {}, {}}; }
  /** What the model said, in parts. */
  static Message assistant(std::string content, std::string reasoning = {}, std::string tool_calls = {}) {
    return {"assistant", std::move(content), std::move(reasoning), std::move(tool_calls)};
  }
  /** What a tool answered. */
  static Message tool(std::string content) { return {"tool", std::move(content), {}, {}}; }
};

/** How to render a conversation; see ::nemo_chat_options. */
struct ChatOptions {
  std::uint32_t thinking = NEMO_THINKING_DEFAULT; /**< NEMO_THINKING_ value. */
  std::uint32_t flags = 0;                        /**< NEMO_CHAT_ bits. */
  std::string tools{};                            /**< JSON array of tools; empty for none. */
};

/** A loaded model. Copies share it; the last one, sessions included, frees it. Any thread may use it. */
class Context {
 public:
  /** Load a file or folder; see nemo_context_load(). */
  static Context load(const std::string &path, const LoadOptions &options = {}) {
    return load_with(options, [&](const nemo_context_options *c_options, nemo_context **out, nemo_error *error) {
      return nemo_context_load(path.c_str(), c_options, out, error);
    });
  }

  /** Load from memory; see nemo_context_load_memory(). */
  static Context load_memory(const std::vector<MemoryFile> &files, const LoadOptions &options = {}) {
    std::vector<nemo_memory_file> c_files;
    c_files.reserve(files.size());
    for (const MemoryFile &file : files) {
      nemo_memory_file c_file = NEMO_MEMORY_FILE_INIT;
      c_file.name = file.name.c_str();
      c_file.data = file.data.data();
      c_file.size = file.data.size();
      c_files.push_back(c_file);
    }
    return load_with(options, [&](const nemo_context_options *c_options, nemo_context **out, nemo_error *error) {
      return nemo_context_load_memory(c_files.data(), c_files.size(), sizeof(nemo_memory_file), c_options, out, error);
    });
  }

  /** What a model and its sessions will take in memory, before anything is loaded; see nemo_plan(). */
  static nemo_memory_plan plan(const std::string &path, const LoadOptions &options = {},
                               const PlanOptions &sessions = {}) {
    const nemo_context_options c_options = to_c(options);
    nemo_plan_options c_sessions = NEMO_PLAN_OPTIONS_INIT;
    c_sessions.n_sessions = sessions.n_sessions;
    c_sessions.n_tokens = sessions.n_tokens;
    c_sessions.kv_type = sessions.kv_type;
    c_sessions.state_type = sessions.state_type;
    nemo_memory_plan out = NEMO_MEMORY_PLAN_INIT;
    nemo_error error = detail::empty_error();
    detail::check(nemo_plan(path.c_str(), &c_options, &c_sessions, &out, &error), error);
    return out;
  }

  /** What the model is and what it costs; see nemo_context_model_info(). */
  nemo_model_info model_info() const {
    nemo_model_info info{};
    info.struct_size = sizeof info;
    nemo_error error = detail::empty_error();
    detail::check(nemo_context_model_info(get(), &info, &error), error);
    return info;
  }
  /** The kinds of the layers, one letter each; see nemo_context_layer_pattern(). */
  std::string_view layer_pattern() const { return nemo_context_layer_pattern(get()); }
  /** The container: "GGUF v3" or "safetensors"; see nemo_context_format(). */
  std::string_view format() const { return nemo_context_format(get()); }
  /** Tensor `index` of the file; its strings live as long as the context. See nemo_context_tensor(). */
  nemo_tensor_info tensor(std::size_t index) const {
    nemo_tensor_info info{};
    info.struct_size = sizeof info;
    nemo_error error = detail::empty_error();
    detail::check(nemo_context_tensor(get(), index, &info, &error), error);
    return info;
  }

  /** Text to token ids; see nemo_tokenize(). */
  std::vector<std::int32_t> tokenize(std::string_view text, bool parse_special = false) const {
    return detail::fill<std::vector<std::int32_t>>(
        text.size(), [&](std::int32_t *out, std::size_t capacity, std::size_t *size, nemo_error *error) {
          return nemo_tokenize(get(), text.data(), text.size(), parse_special ? 1 : 0, out, capacity, size, error);
        });
  }
  /** Token ids to the bytes they stand for; see nemo_detokenize(). */
  std::string detokenize(std::span<const std::int32_t> tokens, bool skip_control = false) const {
    return detail::fill<std::string>(
        8 * tokens.size(), [&](char *out, std::size_t capacity, std::size_t *size, nemo_error *error) {
          return nemo_detokenize(get(), tokens.data(), tokens.size(), skip_control ? 1 : 0, out, capacity, size,
                                 error);
        });
  }

  /** A conversation as the model reads it, to look at; see nemo_chat_render(). */
  std::string render(const std::vector<Message> &messages, const ChatOptions &options = {}) const {
    const std::vector<nemo_chat_message> views = to_c(messages);
    const nemo_chat_options c_options = to_c(options);
    return detail::fill<std::string>(
        4096, [&](char *out, std::size_t capacity, std::size_t *size, nemo_error *error) {
          return nemo_chat_render(get(), views.data(), views.size(), sizeof(nemo_chat_message), &c_options, out,
                                  capacity, size, error);
        });
  }
  /** A conversation straight to token ids, to run; see nemo_chat_tokenize(). */
  std::vector<std::int32_t> chat_tokenize(const std::vector<Message> &messages,
                                          const ChatOptions &options = {}) const {
    const std::vector<nemo_chat_message> views = to_c(messages);
    const nemo_chat_options c_options = to_c(options);
    return detail::fill<std::vector<std::int32_t>>(
        4096, [&](std::int32_t *out, std::size_t capacity, std::size_t *size, nemo_error *error) {
          return nemo_chat_tokenize(get(), views.data(), views.size(), sizeof(nemo_chat_message), &c_options, out,
                                    capacity, size, error);
        });
  }

  /** Move all sessions' requests forward; see nemo_context_pump().
   *  @param max_us  the budget in microseconds; 0: until there is nothing left to run. */
  nemo_pump_result pump(std::uint64_t max_us = 0) {
    nemo_pump_result result = NEMO_PUMP_RESULT_INIT;
    nemo_error error = detail::empty_error();
    detail::check(nemo_context_pump(get(), max_us, &result, &error), error);
    return result;
  }
  /** What it has done and holds; see nemo_context_get_stats(). */
  nemo_context_stats stats() const {
    nemo_context_stats stats = NEMO_CONTEXT_STATS_INIT;
    nemo_error error = detail::empty_error();
    detail::check(nemo_context_get_stats(get(), &stats, &error), error);
    return stats;
  }

  /** Measure each kind of operation from now on, or stop; see nemo_context_set_profiling(). */
  void set_profiling(bool enabled) {
    nemo_error error = detail::empty_error();
    detail::check(nemo_context_set_profiling(get(), enabled ? 1 : 0, &error), error);
  }
  /** What was measured since; see nemo_context_get_profile(). */
  std::vector<nemo_operation_stats> profile() const {
    const nemo_operation_stats empty = NEMO_OPERATION_STATS_INIT;
    for (std::vector<nemo_operation_stats> operations(32, empty);;) {
      std::size_t n = 0;
      nemo_error error = detail::empty_error();
      const nemo_status status = nemo_context_get_profile(get(), operations.data(), operations.size(),
                                                          sizeof(nemo_operation_stats), &n, &error);
      operations.resize(n, empty);
      if (status == NEMO_E_BUFFER_TOO_SMALL) continue;
      detail::check(status, error);
      return operations;
    }
  }

  /** The C handle, still owned by this object. */
  nemo_context *get() const noexcept { return handle_.get(); }

 private:
  using LogCallback = std::function<void(std::int32_t, std::string_view)>;
  using ParallelFor = std::function<void(nemo_job, void *, std::uint32_t)>;
  using ProgressGuest = detail::Guest<const std::function<bool(std::uint64_t, std::uint64_t)>>;

  explicit Context(std::shared_ptr<nemo_context> handle) : handle_(std::move(handle)) {}

  template <typename Load>
  static Context load_with(const LoadOptions &options, const Load &load) {
    nemo_context_options c_options = to_c(options);
    // Functions that must outlive the model, so the deleter below owns them.
    std::shared_ptr<LogCallback> log;
    std::shared_ptr<ParallelFor> parallel;
    if (options.parallel_for) {
      parallel = std::make_shared<ParallelFor>(options.parallel_for);
      c_options.parallel_for = [](nemo_job job, void *arg, std::uint32_t n_jobs, void *user) noexcept {
        (*static_cast<ParallelFor *>(user))(job, arg, n_jobs);
      };
      c_options.parallel_user = parallel.get();
    }
    if (options.on_log) {
      log = std::make_shared<LogCallback>(options.on_log);
      c_options.on_log = [](std::int32_t level, const char *text, std::size_t size, void *user) {
        detail::Guest<LogCallback>(*static_cast<LogCallback *>(user)).call(level, std::string_view(text, size));
      };
      c_options.log_user = log.get();
    }
    ProgressGuest progress(options.on_progress);
    if (options.on_progress) {
      c_options.on_progress = [](std::uint64_t done, std::uint64_t total, void *user) {
        return static_cast<ProgressGuest *>(user)->call(done, total);
      };
      c_options.progress_user = &progress;
    }
    nemo_context *handle = nullptr;
    nemo_error error = detail::empty_error();
    const nemo_status status = load(&c_options, &handle, &error);
    const std::shared_ptr<nemo_context> owner(
        handle, [log, parallel](nemo_context *context) noexcept { nemo_context_free(context); });
    progress.rethrow();
    detail::check(status, error);
    return Context(owner);
  }

  // All but the callbacks.
  static nemo_context_options to_c(const LoadOptions &options) {
    nemo_context_options out = NEMO_CONTEXT_OPTIONS_INIT;
    out.flags = options.flags;
    out.n_threads = options.n_threads;
    out.isa = options.isa;
    out.max_step_rows = options.max_step_rows;
    out.log_level = options.log_level;
    out.worker = options.worker ? 1 : 0;
    out.max_running = options.max_running;
    out.max_bytes = options.max_bytes;
    out.snapshot_bytes = options.snapshot_bytes;
    out.allocator = options.allocator;
    out.share_threads = options.share_threads;
    out.device = options.device;
    out.device_index = options.device_index;
    out.cuda_module = options.cuda_module.empty() ? nullptr : options.cuda_module.c_str();
    out.cuda_context = options.cuda_context;
    out.cuda_stream = options.cuda_stream;
    out.cuda_priority = options.cuda_priority;
    out.cuda_plain_kernels = options.cuda_plain_kernels;
    out.max_offload_bytes = options.max_offload_bytes;
    return out;
  }
  // The C structs borrow from the arguments.
  static std::vector<nemo_chat_message> to_c(const std::vector<Message> &messages) {
    std::vector<nemo_chat_message> views;
    views.reserve(messages.size());
    for (const Message &message : messages) {
      nemo_chat_message view = NEMO_CHAT_MESSAGE_INIT;
      view.role = message.role.c_str();
      view.content = message.content.data();
      view.content_size = message.content.size();
      if (!message.reasoning.empty()) view.reasoning = message.reasoning.data();
      view.reasoning_size = message.reasoning.size();
      if (!message.tool_calls.empty()) view.tool_calls = message.tool_calls.data();
      view.tool_calls_size = message.tool_calls.size();
      views.push_back(view);
    }
    return views;
  }
  static nemo_chat_options to_c(const ChatOptions &options) {
    nemo_chat_options out = NEMO_CHAT_OPTIONS_INIT;
    out.thinking = options.thinking;
    out.flags = options.flags;
    if (!options.tools.empty()) out.tools = options.tools.data();
    out.tools_size = options.tools.size();
    return out;
  }

  std::shared_ptr<nemo_context> handle_;
};

}  // namespace nemotron

#endif
