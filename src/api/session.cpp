// Conversations: nemo_session_*, but for generate.
#include <algorithm>
#include <limits>
#include <span>
#include <vector>

#include "api/context_options.h"
#include "api/handles.h"
#include "api/marshal.h"

namespace nemotron::api {

SessionLock::SessionLock(nemo_session& session)
    : session_(session), is_owner_(!session.is_busy.exchange(true, std::memory_order_acquire)) {
  if (!is_owner_) is_in_callback_ = session.callback_thread.load() == std::this_thread::get_id();
}

SessionLock::~SessionLock() {
  if (is_owner_) session_.is_busy.store(false, std::memory_order_release);
}

Status SessionLock::status() const {
  if (is_owner_) return Status::ok();
  if (is_in_callback_)
    return {StatusCode::kReentrant, "not allowed inside a callback of the same session"};
  return {StatusCode::kBusy, "another thread is using this session"};
}

Status SessionLock::read_status() const { return is_in_callback_ ? Status::ok() : status(); }

namespace {

Status create_session(nemo_context& context, const nemo_session_options* user_options,
                      nemo_session** out) {
  nemo_session_options options;
  NEMO_TRY(read_struct(user_options, "options", options));
  if (!context.engine)
    return {StatusCode::kState, "the context was loaded with NEMO_LOAD_NO_WEIGHTS"};
  const auto max_context = static_cast<std::uint32_t>(context.config.max_context);
  if (options.max_tokens > max_context)
    return {StatusCode::kInvalidArgument,
            join("max_tokens ", options.max_tokens, " is more than the model's ", max_context)};
  if (options.snapshot_policy > NEMO_SNAPSHOT_NONE)
    return {StatusCode::kInvalidArgument,
            join("snapshot_policy ", options.snapshot_policy, " is not a NEMO_SNAPSHOT_")};
  Session::Options session_options;
  session_options.max_tokens = options.max_tokens == 0 ? max_context : options.max_tokens;
  NEMO_ASSIGN(session_options.kv_type, kv_type_of(options.kv_type));
  NEMO_ASSIGN(session_options.state_type, state_type_of(options.state_type));
  session_options.priority = options.priority;
  session_options.snapshot_policy = static_cast<SnapshotPolicy>(options.snapshot_policy);
  session_options.snapshot_every = options.snapshot_every;
  session_options.turn_starts = context.turn_starts;
  auto handle = std::make_unique<nemo_session>();
  NEMO_ASSIGN(handle->session, Session::create(context.engine, session_options));
  handle->context = nemo_context_retain(&context);
  *out = handle.release();
  return Status::ok();
}

}  // namespace

}  // namespace nemotron::api

using namespace nemotron;
using namespace nemotron::api;

extern "C" nemo_status nemo_session_create(nemo_context* context,
                                           const nemo_session_options* options,
                                           nemo_session** session, nemo_error* err) {
  return guarded(context, err, [&] {
    if (session == nullptr) return null_argument("session");
    *session = nullptr;
    if (context == nullptr) return null_argument("context");
    return create_session(*context, options, session);
  });
}

extern "C" void nemo_session_free(nemo_session* session) {
  if (session == nullptr || is_forked(*session)) return;
  nemo_context* context = session->context;
  delete session;  // before the context, whose memory it uses
  nemo_context_free(context);
}

extern "C" nemo_status nemo_session_reset(nemo_session* session, nemo_error* err) {
  return guarded(session, err, [&] {
    if (session == nullptr) return null_argument("session");
    const SessionLock lock(*session);
    NEMO_TRY(lock.status());
    return session->session->reset();
  });
}

extern "C" uint64_t nemo_session_position(const nemo_session* session) {
  return session == nullptr ? 0 : static_cast<uint64_t>(session->session->position());
}

extern "C" nemo_status nemo_session_tokens(nemo_session* session, int32_t* tokens, size_t capacity,
                                           size_t* n_tokens, nemo_error* err) {
  return guarded(session, err, [&] {
    if (session == nullptr) return null_argument("session");
    const SessionLock lock(*session);
    NEMO_TRY(lock.read_status());
    const std::vector<std::int32_t> held = session->session->tokens();
    return write_buffer(std::span(held), tokens, capacity, n_tokens);
  });
}

extern "C" nemo_status nemo_session_eval(nemo_session* session, const int32_t* tokens,
                                         size_t n_tokens, float* logits, size_t n_logits,
                                         nemo_error* err) {
  return guarded(session, err, [&] {
    if (session == nullptr) return null_argument("session");
    if (tokens == nullptr && n_tokens != 0) return null_argument("tokens");
    if (logits == nullptr && n_logits != 0) return null_argument("logits");
    const SessionLock lock(*session);
    NEMO_TRY(lock.status());
    return session->session->eval({tokens, n_tokens}, {logits, logits == nullptr ? 0 : n_logits});
  });
}

extern "C" nemo_status nemo_session_cancel(nemo_session* session, uint64_t request_id,
                                           nemo_error* err) {
  return guarded(session, err, [&]() -> Status {
    if (session == nullptr) return null_argument("session");
    session->session->cancel(request_id);
    return Status::ok();
  });
}

extern "C" nemo_status nemo_session_rewind(nemo_session* session, uint64_t position,
                                           nemo_error* err) {
  return guarded(session, err, [&]() -> Status {
    if (session == nullptr) return null_argument("session");
    const SessionLock lock(*session);
    NEMO_TRY(lock.status());
    constexpr auto kMax = static_cast<uint64_t>(std::numeric_limits<std::int64_t>::max());
    return session->session->rewind(static_cast<std::int64_t>(std::min(position, kMax)));
  });
}

extern "C" nemo_status nemo_session_fork(nemo_session* session, nemo_session** fork,
                                         nemo_error* err) {
  return guarded(session, err, [&]() -> Status {
    if (fork == nullptr) return null_argument("fork");
    *fork = nullptr;
    if (session == nullptr) return null_argument("session");
    const SessionLock lock(*session);
    NEMO_TRY(lock.status());
    auto handle = std::make_unique<nemo_session>();
    NEMO_ASSIGN(handle->session, session->session->fork());
    handle->context = nemo_context_retain(session->context);
    *fork = handle.release();
    return Status::ok();
  });
}

extern "C" nemo_status nemo_session_adopt(nemo_session* session, nemo_session* from,
                                          nemo_error* err) {
  return guarded(session, err, [&]() -> Status {
    if (session == nullptr) return null_argument("session");
    if (from == nullptr) return null_argument("from");
    if (session == from) return {StatusCode::kInvalidArgument, "'session' and 'from' are the same"};
    const SessionLock lock(*session);
    NEMO_TRY(lock.status());
    if (is_forked(*from)) return {StatusCode::kForked, "'from' was made before fork()"};
    const SessionLock from_lock(*from);
    NEMO_TRY(from_lock.status());
    return session->session->adopt(*from->session);
  });
}

extern "C" nemo_status nemo_session_keep(nemo_session* session, nemo_error* err) {
  return guarded(session, err, [&] {
    if (session == nullptr) return null_argument("session");
    const SessionLock lock(*session);
    NEMO_TRY(lock.status());
    return session->session->keep();
  });
}

extern "C" nemo_status nemo_session_get_stats(const nemo_session* session,
                                              nemo_session_stats* stats, nemo_error* err) {
  return guarded(session, err, [&] {
    if (session == nullptr) return null_argument("session");
    const Session::Stats held = session->session->stats();
    nemo_session_stats out = NEMO_SESSION_STATS_INIT;
    out.is_running = held.is_running ? 1 : 0;
    out.n_tokens = static_cast<uint64_t>(held.n_tokens);
    out.n_computed_tokens = static_cast<uint64_t>(held.n_computed_tokens);
    out.kv_bytes = held.kv_bytes;
    out.recurrent_bytes = held.recurrent_bytes;
    return write_struct(stats, "stats", out);
  });
}
