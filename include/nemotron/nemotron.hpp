/** @file nemotron.hpp
 *  @brief C++20 handles over nemotron.h: owners that free themselves, strings and vectors instead of buffers, and
 *  exceptions instead of statuses.
 *
 *  Header-only: everything here is compiled into your program and calls the C ABI, so the library's version may
 *  change under it. What a function does, its limits and its thread rules stand at the C function that it names.
 *
 *  **Exceptions.** Every failure is a nemotron::Error. An exception thrown by one of your callbacks ends the call in
 *  an orderly way (the library sees a cancel) and is then thrown again to the caller.
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

/** How to load; see ::nemo_context_options. */
struct LoadOptions {
  std::uint32_t flags = 0;         /**< NEMO_LOAD_ bits. */
  std::uint32_t n_threads = 0;     /**< 0: one per usable core. */
  std::uint32_t isa = 0;           /**< NEMO_ISA_ value. */
  std::uint32_t max_step_rows = 0; /**< Most prompt tokens computed in one step; 0: the default. */
  std::uint32_t log_level = 0;     /**< The most detailed NEMO_LOG_ level; 0: ::NEMO_LOG_INFO. */
  /** Receives log lines as long as the context or a session of it lives. What it throws is dropped. */
  std::function<void(std::int32_t level, std::string_view text)> on_log{};
  /** Told how far loading is; returns false to cancel. */
  std::function<bool(std::uint64_t done_bytes, std::uint64_t total_bytes)> on_progress{};
};

/** One file of a model that is in memory; see ::nemo_memory_file. */
struct MemoryFile {
  std::string name;                /**< The published name, such as "config.json". */
  std::span<const std::byte> data; /**< Borrowed during the load. */
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

  /** The C handle, still owned by this object. */
  nemo_context *get() const noexcept { return handle_.get(); }

 private:
  using LogCallback = std::function<void(std::int32_t, std::string_view)>;
  using ProgressGuest = detail::Guest<const std::function<bool(std::uint64_t, std::uint64_t)>>;

  explicit Context(std::shared_ptr<nemo_context> handle) : handle_(std::move(handle)) {}

  template <typename Load>
  static Context load_with(const LoadOptions &options, const Load &load) {
    nemo_context_options c_options = NEMO_CONTEXT_OPTIONS_INIT;
    c_options.flags = options.flags;
    c_options.n_threads = options.n_threads;
    c_options.isa = options.isa;
    c_options.max_step_rows = options.max_step_rows;
    c_options.log_level = options.log_level;
    // The log's function must outlive the model, so the deleter below owns it.
    std::shared_ptr<LogCallback> log;
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
        handle, [log](nemo_context *context) noexcept { nemo_context_free(context); });
    progress.rethrow();
    detail::check(status, error);
    return Context(owner);
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
};

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
      : context_(context) {
    nemo_session_options options = NEMO_SESSION_OPTIONS_INIT;
    options.max_tokens = max_tokens;
    options.kv_type = kv_type;
    options.state_type = state_type;
    nemo_session *handle = nullptr;
    nemo_error error = detail::empty_error();
    detail::check(nemo_session_create(context.get(), &options, &handle, &error), error);
    handle_.reset(handle);
  }

  /** Take over another's conversation. */
  Session(Session &&other) noexcept = default;
  /** Drop this conversation and take over another's. */
  Session &operator=(Session &&other) noexcept {
    std::swap(context_, other.context_);
    std::swap(handle_, other.handle_);
    other.handle_.reset();
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
   *  @param on_event  called for each token with the new text (std::string_view, maybe empty), or, if it takes that
   *                   instead, with the whole `const nemo_generate_event &`. It may return nothing, or false to end.
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

  /** Stop what the session is doing, from any thread; see nemo_session_cancel(). */
  void cancel() noexcept { nemo_session_cancel(get(), 0, nullptr); }

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
      return guest.call(std::string_view(event->text, static_cast<std::size_t>(event->text_size)));
    } else {
      return guest.call(*event);
    }
  }

  template <typename Rethrow>
  nemo_generate_result generate_with(std::span<const std::int32_t> prompt, const GenerateOptions &options, void *user,
                                     nemo_generate_callback on_event, const Rethrow &rethrow) {
    std::vector<nemo_text> stop_strings;
    stop_strings.reserve(options.stop_strings.size());
    for (const std::string &text : options.stop_strings) stop_strings.push_back({text.data(), text.size()});
    nemo_generate_options c_options = NEMO_GENERATE_OPTIONS_INIT;
    c_options.max_tokens = options.max_tokens;
    c_options.sampling_mode = options.sampling_mode;
    c_options.top_k = options.top_k;
    c_options.temperature = options.temperature;
    c_options.top_p = options.top_p;
    c_options.seed = options.seed;
    c_options.ignore_stop_tokens = options.ignore_stop_tokens ? 1 : 0;
    c_options.n_stop_strings = static_cast<std::uint32_t>(stop_strings.size());
    c_options.stop_strings = stop_strings.data();
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

  Context context_;  // first, so that the log's function outlives the session
  std::unique_ptr<nemo_session, Free> handle_;
};

}  // namespace nemotron

#endif
