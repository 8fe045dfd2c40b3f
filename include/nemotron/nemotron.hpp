/** @file nemotron.hpp
 *  @brief C++20 handles over nemotron.h: owners that free themselves, strings and vectors instead of buffers, and
 *  exceptions instead of statuses.
 *
 *  Header-only: everything here is compiled into your program and calls the C ABI, so the library's version may
 *  change under it. What a function does, its limits and its thread rules stand at the C function that it names.
 *
 *  **Exceptions.** Every failure is a nemotron::Error. An exception thrown by one of your callbacks ends the call in
 *  an orderly way (the library sees a cancel) and is then thrown again to the caller; out of the callback of a submitted
 *  request, to who next polls, waits or submits.
 *
 *  @code{.cpp}
 *  nemotron::Context context = nemotron::Context::load("model.gguf");
 *  nemotron::Session session(context);
 *  session.generate(context.chat_tokenize({nemotron::Message::user("Hello")}), {},
 *                   [](std::string_view text) { std::cout << text << std::flush; });
 *  @endcode
 */
#ifndef NEMOTRON_HPP
#define NEMOTRON_HPP

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <nemotron/nemotron.h>

/** The C++ wrapper. */
namespace nemotron {

/** A call that failed: its status, its sentence (`what()`), and where in a file. */
class Error : public std::runtime_error {
 public:
  /** From what the library filled in. */
  explicit Error(const nemo_error &error)
      : std::runtime_error(error.message), status_(error.code), byte_offset_(error.byte_offset) {}

  /** The status, such as ::NEMO_E_BAD_FILE. */
  nemo_status status() const noexcept { return status_; }
  /** The status's name, such as "NEMO_E_BAD_FILE". */
  const char *status_name() const noexcept { return nemo_status_string(status_); }
  /** Where in the file or text the fault is; -1 where that means nothing. */
  std::int64_t byte_offset() const noexcept { return byte_offset_; }

 private:
  nemo_status status_;
  std::int64_t byte_offset_;
};

/** @cond internal */
namespace detail {

inline nemo_error empty_error() { return NEMO_ERROR_INIT; }

inline void check(nemo_status status, nemo_error &error) {
  if (status == NEMO_OK) return;
  error.code = status;
  throw Error(error);
}

// Fills a string or vector by call(data, capacity, &size, &error), with a second call only where `guess` was too
// small.
template <typename Container, typename Call>
Container fill(std::size_t guess, const Call &call) {
  Container out;
  std::size_t size = guess;
  for (;;) {
    out.resize(size);
    nemo_error error = empty_error();
    const nemo_status status = call(out.data(), out.size(), &size, &error);
    if (status == NEMO_E_BUFFER_TOO_SMALL && size > out.size()) continue;
    check(status, error);
    out.resize(size);
    return out;
  }
}

// A callback of the caller's program during one call, and the exception that came out of it.
template <typename Callback>
struct Guest {
  explicit Guest(Callback &function) : callback(&function) {}

  // 0 to go on, 1 to stop: after an exception, or where the callback returned false.
  template <typename... Arguments>
  std::int32_t call(Arguments &&...arguments) noexcept {
    try {
      if constexpr (std::is_void_v<std::invoke_result_t<Callback &, Arguments...>>) {
        std::invoke(*callback, std::forward<Arguments>(arguments)...);
        return 0;
      } else {
        return std::invoke(*callback, std::forward<Arguments>(arguments)...) ? 0 : 1;
      }
    } catch (...) {
      exception = std::current_exception();
      return 1;
    }
  }

  void rethrow() const {
    if (exception) std::rethrow_exception(exception);
  }

  Callback *callback;
  std::exception_ptr exception;
};

}  // namespace detail
/** @endcond */

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

/** What to generate and when to stop; see ::nemo_generate_options. */
struct GenerateOptions {
  std::uint32_t max_tokens = 0;                        /**< 0: until a stop or the session is full. */
  std::uint32_t sampling_mode = NEMO_SAMPLING_DEFAULT; /**< NEMO_SAMPLING_ value. */
  std::uint32_t top_k = 0;                             /**< Literal mode: keep the k most probable; 0: all. */
  float temperature = 1;                               /**< Literal mode: 0 is greedy. */
  float top_p = 1;                                     /**< Literal mode: (0, 1]. */
  std::uint64_t seed = 0;                              /**< Random numbers are a function of (seed, position). */
  bool ignore_stop_tokens = false;                     /**< Go on past the model's stop tokens. */
  std::vector<std::string> stop_strings{};             /**< Generation ends before any of these. */
  bool whole_prompt = false;                           /**< See ::NEMO_GENERATE_WHOLE_PROMPT. */
  bool parse_reply = false;                            /**< See ::NEMO_GENERATE_PARSE_REPLY. */
  std::string tools{};                                 /**< With parse_reply: the JSON array of tools. */
};

/** How to make a session; see ::nemo_session_options. */
struct SessionOptions {
  std::uint32_t max_tokens = 0;                       /**< 0: as many as the model was made for. */
  std::uint32_t kv_type = NEMO_KV_DEFAULT;            /**< NEMO_KV_ value. */
  std::uint32_t state_type = NEMO_STATE_DEFAULT;      /**< NEMO_STATE_ value. */
  std::int32_t priority = 0;                          /**< Requests of higher priority run first. */
  std::uint32_t snapshot_policy = NEMO_SNAPSHOT_TURNS; /**< NEMO_SNAPSHOT_ value. */
  std::uint32_t snapshot_every = 0;                   /**< Also keep the state every so many tokens; 0: do not. */
};

/** What a request has to tell, with text of its own; see ::nemo_event. */
struct Event {
  std::uint32_t type = NEMO_EVENT_NONE; /**< NEMO_EVENT_ value. */
  std::uint64_t request_id = 0;         /**< Of the request that it belongs to. */
  std::int32_t token = -1;              /**< The token just sampled, or -1. */
  nemo_status status = NEMO_OK;         /**< ERROR: why; the sentence is `text`. */
  std::string text{};                   /**< Of the answer or the thoughts; TOOL_CALL: the arguments as JSON. */
  std::string name{};                   /**< TOOL_CALL: the tool's name. */
  std::uint32_t finish_reason = 0;      /**< FINISH: NEMO_FINISH_ value. */
  std::uint64_t n_prompt_tokens = 0;    /**< FINISH, ERROR: tokens of the prompt that were to be computed. */
  std::uint64_t n_reused_tokens = 0;    /**< FINISH, ERROR: tokens of a whole prompt that were found computed. */
  std::uint64_t n_generated_tokens = 0; /**< FINISH, ERROR: tokens sampled. */
  std::uint64_t prefill_us = 0;         /**< FINISH, ERROR: microseconds from submit to the first token. */
  std::uint64_t decode_us = 0;          /**< FINISH, ERROR: microseconds from there to the end. */

  /** Whether there is one. */
  explicit operator bool() const noexcept { return type != NEMO_EVENT_NONE; }
  /** Whether it is its request's last one. */
  bool is_end() const noexcept { return type == NEMO_EVENT_FINISH || type == NEMO_EVENT_ERROR; }
};

/** @cond internal */
namespace detail {

inline Event to_event(const nemo_event &event) {
  return {event.type,
          event.request_id,
          event.token,
          event.status,
          std::string(event.text, static_cast<std::size_t>(event.text_size)),
          std::string(event.name, static_cast<std::size_t>(event.name_size)),
          event.finish_reason,
          event.n_prompt_tokens,
          event.n_reused_tokens,
          event.n_generated_tokens,
          event.prefill_us,
          event.decode_us};
}

// The C form of options, which borrows from them.
struct CGenerateOptions {
  explicit CGenerateOptions(const GenerateOptions &from) {
    stop_strings.reserve(from.stop_strings.size());
    for (const std::string &text : from.stop_strings) stop_strings.push_back({text.data(), text.size()});
    options.max_tokens = from.max_tokens;
    options.sampling_mode = from.sampling_mode;
    options.top_k = from.top_k;
    options.temperature = from.temperature;
    options.top_p = from.top_p;
    options.seed = from.seed;
    options.ignore_stop_tokens = from.ignore_stop_tokens ? 1 : 0;
    options.n_stop_strings = static_cast<std::uint32_t>(stop_strings.size());
    options.stop_strings = stop_strings.data();
    options.flags = (from.whole_prompt ? std::uint32_t{NEMO_GENERATE_WHOLE_PROMPT} : 0u) |
                    (from.parse_reply ? std::uint32_t{NEMO_GENERATE_PARSE_REPLY} : 0u);
    options.tools = from.tools.data();
    options.tools_size = from.tools.size();
  }
  CGenerateOptions(const CGenerateOptions &) = delete;
  CGenerateOptions &operator=(const CGenerateOptions &) = delete;

  std::vector<nemo_text> stop_strings;
  nemo_generate_options options = NEMO_GENERATE_OPTIONS_INIT;
};

// A callback that runs for a submitted request, on whatever thread pumps, and the exception that came out of it, which
// the session's own thread throws again.
struct Listener : std::enable_shared_from_this<Listener> {
  static std::int32_t call(const nemo_event *event, void *user) noexcept {
    const auto self = static_cast<Listener *>(user)->shared_from_this();  // it may free the session
    if (self->has_thrown) return 1;
    try {
      return self->callback(to_event(*event)) ? 0 : 1;
    } catch (...) {
      self->exception = std::current_exception();
      self->has_thrown = true;
      return 1;
    }
  }

  void rethrow() {
    if (has_thrown && exception) std::rethrow_exception(std::exchange(exception, nullptr));
  }

  std::function<bool(const Event &)> callback;
  std::exception_ptr exception;
  std::atomic<bool> has_thrown{false};
};

}  // namespace detail
/** @endcond */

/** One conversation on a model, which it keeps alive. Movable; used by one thread at a time. */
class Session {
 public:
  /** Make an empty session; see nemo_session_create().
   *  @param context     a context with weights.
   *  @param max_tokens  most tokens it may hold; 0: as many as the model was made for.
   *  @param kv_type     NEMO_KV_ value.
   *  @param state_type  NEMO_STATE_ value. */
  explicit Session(const Context &context, std::uint32_t max_tokens = 0, std::uint32_t kv_type = NEMO_KV_DEFAULT,
                   std::uint32_t state_type = NEMO_STATE_DEFAULT)
      : Session(context, SessionOptions{max_tokens, kv_type, state_type}) {}
  /** The same with all options. */
  Session(const Context &context, const SessionOptions &options) : context_(context) {
    nemo_session_options c_options = NEMO_SESSION_OPTIONS_INIT;
    c_options.max_tokens = options.max_tokens;
    c_options.kv_type = options.kv_type;
    c_options.state_type = options.state_type;
    c_options.priority = options.priority;
    c_options.snapshot_policy = options.snapshot_policy;
    c_options.snapshot_every = options.snapshot_every;
    nemo_session *handle = nullptr;
    nemo_error error = detail::empty_error();
    detail::check(nemo_session_create(context.get(), &c_options, &handle, &error), error);
    handle_.reset(handle);
  }

  /** Take over another's conversation. */
  Session(Session &&other) noexcept = default;
  /** Drop this conversation and take over another's. */
  Session &operator=(Session &&other) noexcept {
    std::swap(context_, other.context_);
    std::swap(handle_, other.handle_);
    other.handle_.reset();
    listener_ = std::move(other.listener_);
    previous_listener_ = std::move(other.previous_listener_);
    return *this;
  }

  /** The model that it runs on. */
  const Context &context() const noexcept { return context_; }

  /** Forget everything; see nemo_session_reset(). */
  void reset() {
    nemo_error error = detail::empty_error();
    detail::check(nemo_session_reset(get(), &error), error);
  }
  /** How many tokens it holds; see nemo_session_position(). */
  std::uint64_t position() const noexcept { return nemo_session_position(get()); }
  /** The tokens it holds; see nemo_session_tokens(). */
  std::vector<std::int32_t> tokens() const {
    return detail::fill<std::vector<std::int32_t>>(
        static_cast<std::size_t>(position()),
        [&](std::int32_t *out, std::size_t capacity, std::size_t *size, nemo_error *error) {
          return nemo_session_tokens(get(), out, capacity, size, error);
        });
  }

  /** Run the model on more tokens; see nemo_session_eval().
   *  @param tokens  at least one.
   *  @param logits  receives the logits after the last token (n_vocab), those after each (tokens.size() * n_vocab),
   *                 or none. */
  void eval(std::span<const std::int32_t> tokens, std::span<float> logits = {}) {
    nemo_error error = detail::empty_error();
    detail::check(nemo_session_eval(get(), tokens.data(), tokens.size(), logits.empty() ? nullptr : logits.data(),
                                    logits.size(), &error),
                  error);
  }

  /** Save to a file; see nemo_session_save().
   *  @param path           the file, replaced if there is one.
   *  @param max_snapshots  most kept states beside the session's own; 0: none. */
  void save(const std::string &path, std::uint32_t max_snapshots = 2) const {
    const nemo_save_options options = save_options(max_snapshots);
    nemo_error error = detail::empty_error();
    detail::check(nemo_session_save(get(), path.c_str(), &options, &error), error);
  }
  /** Save to memory; see nemo_session_save_memory().
   *  @param max_snapshots  as for save(). */
  std::vector<std::byte> save_memory(std::uint32_t max_snapshots = 2) const {
    const nemo_save_options options = save_options(max_snapshots);
    return detail::fill<std::vector<std::byte>>(
        0, [&](std::byte *out, std::size_t capacity, std::size_t *size, nemo_error *error) {
          return nemo_session_save_memory(get(), &options, out, capacity, size, error);
        });
  }
  /** Make a session of a saved file; see nemo_session_restore().
   *  @param context     a context with weights.
   *  @param path        the file.
   *  @param max_tokens  most tokens it may hold; 0: as before.
   *  @param flags       NEMO_RESTORE_ bits. */
  static Session restore(const Context &context, const std::string &path, std::uint32_t max_tokens = 0,
                         std::uint32_t flags = 0) {
    return restored(context, max_tokens, flags,
                    [&](const nemo_restore_options &options, nemo_session **handle, nemo_error *error) {
                      return nemo_session_restore(context.get(), path.c_str(), &options, handle, error);
                    });
  }
  /** The same from memory; see nemo_session_restore_memory(). */
  static Session restore_memory(const Context &context, std::span<const std::byte> bytes, std::uint32_t max_tokens = 0,
                                std::uint32_t flags = 0) {
    return restored(context, max_tokens, flags,
                    [&](const nemo_restore_options &options, nemo_session **handle, nemo_error *error) {
                      return nemo_session_restore_memory(context.get(), bytes.data(), bytes.size(), &options, handle,
                                                         error);
                    });
  }

  /** Run a prompt and generate; see nemo_session_generate().
   *  @param prompt    ids, added to what the session holds; at least one.
   *  @param options   what to generate and when to stop.
   *  @param on_event  called for each token with the new text of the answer (std::string_view, maybe empty), or, if it
   *                   takes that instead, with each whole `const nemo_generate_event &`. It may return nothing, or
   *                   false to end.
   *  @return counts, times and why it ended. */
  template <typename Callback>
  nemo_generate_result generate(std::span<const std::int32_t> prompt, const GenerateOptions &options,
                                Callback &&on_event) {
    using Guest = detail::Guest<std::remove_reference_t<Callback>>;
    Guest guest(on_event);
    return generate_with(prompt, options, &guest, deliver<Guest>, [&] { guest.rethrow(); });
  }
  /** The same without a callback: the tokens are in tokens() afterwards, but for the last one. */
  nemo_generate_result generate(std::span<const std::int32_t> prompt, const GenerateOptions &options = {}) {
    return generate_with(prompt, options, nullptr, nullptr, [] {});
  }

  /** Put a request on the session and return at once; see nemo_session_submit(). Its events wait for poll() and wait().
   *  @return the request's number. */
  std::uint64_t submit(std::span<const std::int32_t> prompt, const GenerateOptions &options = {}) {
    return submit_with(prompt, options, nullptr);
  }
  /** The same with a callback, called on the thread that pumps.
   *  @param prompt    ids; at least one.
   *  @param options   what to generate and when to stop.
   *  @param on_event  copied; called with each `const Event &`. It may return nothing, or false to end. What it throws
   *                   ends the request and is thrown again by the next poll(), wait() or submit() of this session.
   *  @return the request's number. */
  template <typename Callback>
  std::uint64_t submit(std::span<const std::int32_t> prompt, const GenerateOptions &options, Callback &&on_event) {
    auto listener = std::make_shared<detail::Listener>();
    listener->callback = [callback = std::forward<Callback>(on_event)](const Event &event) mutable -> bool {
      if constexpr (std::is_void_v<decltype(std::invoke(callback, event))>) {
        std::invoke(callback, event);
        return true;
      } else {
        return static_cast<bool>(std::invoke(callback, event));
      }
    };
    return submit_with(prompt, options, std::move(listener));
  }
  /** The next event, or one of type ::NEMO_EVENT_NONE; see nemo_session_poll(). */
  Event poll() { return wait(0); }
  /** The next event, waiting for it; see nemo_session_wait().
   *  @param timeout_us  most microseconds to wait. */
  Event wait(std::uint64_t timeout_us = UINT64_MAX) {
    nemo_event event = NEMO_EVENT_INIT;
    nemo_error error = detail::empty_error();
    const nemo_status status = nemo_session_wait(get(), timeout_us, &event, &error);
    if (listener_) listener_->rethrow();
    detail::check(status, error);
    return detail::to_event(event);
  }

  /** Stop what the session is doing, from any thread; see nemo_session_cancel().
   *  @param request_id  0: the current request; else only if this is the one that runs. */
  void cancel(std::uint64_t request_id = 0) noexcept { nemo_session_cancel(get(), request_id, nullptr); }

  /** Drop what comes behind a position; see nemo_session_rewind(). */
  void rewind(std::uint64_t position) {
    nemo_error error = detail::empty_error();
    detail::check(nemo_session_rewind(get(), position, &error), error);
  }
  /** Cut the last reply to what was heard; see nemo_session_truncate_reply(). */
  void truncate_reply(std::uint64_t n_text_bytes) {
    nemo_error error = detail::empty_error();
    detail::check(nemo_session_truncate_reply(get(), n_text_bytes, &error), error);
  }
  /** A second session that holds the same; see nemo_session_fork(). */
  Session fork() {
    nemo_session *handle = nullptr;
    nemo_error error = detail::empty_error();
    detail::check(nemo_session_fork(get(), &handle, &error), error);
    return Session(context_, handle);
  }
  /** Take over what another session holds, which is empty afterwards; see nemo_session_adopt(). */
  void adopt(Session &from) {
    nemo_error error = detail::empty_error();
    detail::check(nemo_session_adopt(get(), from.get(), &error), error);
  }
  /** Keep the state here in the prefix cache; see nemo_session_keep(). */
  void keep() {
    nemo_error error = detail::empty_error();
    detail::check(nemo_session_keep(get(), &error), error);
  }
  /** What it holds; see nemo_session_get_stats(). */
  nemo_session_stats stats() const {
    nemo_session_stats stats = NEMO_SESSION_STATS_INIT;
    nemo_error error = detail::empty_error();
    detail::check(nemo_session_get_stats(get(), &stats, &error), error);
    return stats;
  }

  /** The C handle, still owned by this object. */
  nemo_session *get() const noexcept { return handle_.get(); }

 private:
  struct Free {
    void operator()(nemo_session *session) const noexcept { nemo_session_free(session); }
  };

  Session(const Context &context, nemo_session *handle) : context_(context), handle_(handle) {}

  static nemo_save_options save_options(std::uint32_t max_snapshots) {
    nemo_save_options options = NEMO_SAVE_OPTIONS_INIT;
    options.max_snapshots = max_snapshots;
    options.flags = max_snapshots == 0 ? NEMO_SAVE_NO_SNAPSHOTS : 0;
    return options;
  }

  template <typename Restore>
  static Session restored(const Context &context, std::uint32_t max_tokens, std::uint32_t flags,
                          const Restore &restore) {
    nemo_restore_options options = NEMO_RESTORE_OPTIONS_INIT;
    options.max_tokens = max_tokens;
    options.flags = flags;
    nemo_session *handle = nullptr;
    nemo_error error = detail::empty_error();
    detail::check(restore(options, &handle, &error), error);
    return Session(context, handle);
  }

  template <typename Guest>
  static std::int32_t deliver(const nemo_generate_event *event, void *user) {
    using Callback = std::remove_pointer_t<decltype(Guest::callback)>;
    auto &guest = *static_cast<Guest *>(user);
    if constexpr (std::is_invocable_v<Callback &, std::string_view>) {
      if (event->type != NEMO_EVENT_TEXT) return 0;
      return guest.call(std::string_view(event->text, static_cast<std::size_t>(event->text_size)));
    } else {
      return guest.call(*event);
    }
  }

  template <typename Rethrow>
  nemo_generate_result generate_with(std::span<const std::int32_t> prompt, const GenerateOptions &options, void *user,
                                     nemo_generate_callback on_event, const Rethrow &rethrow) {
    const detail::CGenerateOptions borrowed(options);
    nemo_generate_options c_options = borrowed.options;
    c_options.on_event = on_event;
    c_options.user = user;
    nemo_generate_result result = NEMO_GENERATE_RESULT_INIT;
    nemo_error error = detail::empty_error();
    const nemo_status status =
        nemo_session_generate(get(), prompt.data(), prompt.size(), &c_options, &result, &error);
    rethrow();
    detail::check(status, error);
    return result;
  }

  std::uint64_t submit_with(std::span<const std::int32_t> prompt, const GenerateOptions &options,
                            std::shared_ptr<detail::Listener> listener) {
    if (listener_) listener_->rethrow();
    const detail::CGenerateOptions c_options(options);
    nemo_request request = NEMO_REQUEST_INIT;
    request.prompt = prompt.data();
    request.n_prompt = prompt.size();
    request.options = &c_options.options;
    if (listener) {
      request.on_event = detail::Listener::call;
      request.user = listener.get();
    }
    std::swap(listener, listener_);  // before: a worker may call it before submit returns
    std::uint64_t id = 0;
    nemo_error error = detail::empty_error();
    const nemo_status status = nemo_session_submit(get(), &request, &id, &error);
    if (status != NEMO_OK) std::swap(listener, listener_);
    detail::check(status, error);
    previous_listener_ = std::move(listener);  // may still be telling its request's end
    return id;
  }

  Context context_;  // first, so that the log's function outlives the session
  std::shared_ptr<detail::Listener> listener_, previous_listener_;  // before the session, which calls them
  std::unique_ptr<nemo_session, Free> handle_;
};

}  // namespace nemotron

#endif
