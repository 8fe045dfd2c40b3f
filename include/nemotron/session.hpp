/** @file session.hpp
 *  @brief Part of nemotron.hpp: one conversation on a model, requests and their events. */
#ifndef NEMOTRON_SESSION_HPP
#define NEMOTRON_SESSION_HPP

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <nemotron/context.hpp>
#include <nemotron/error.hpp>
#include <nemotron/nemotron.h>

namespace nemotron {

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
