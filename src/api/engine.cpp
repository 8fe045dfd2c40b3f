// Request, pump, events: nemo_session_submit and those around it.
#include <chrono>
#include <limits>
#include <memory>
#include <utility>

#include "api/handles.h"
#include "api/marshal.h"
#include "api/request.h"

namespace nemotron::api {

namespace {

using Clock = Engine::Clock;

Clock::time_point deadline_after(std::uint64_t us) {
  const Clock::time_point now = Clock::now();
  const auto left = std::chrono::duration_cast<std::chrono::microseconds>(Engine::kNever - now);
  return us >= static_cast<std::uint64_t>(left.count()) ? Engine::kNever
                                                        : now + std::chrono::microseconds(us);
}

nemo_event to_abi(const Event& event) {
  nemo_event out = NEMO_EVENT_INIT;
  out.type = event_type_to_abi(event.type);
  if (event.type == EventType::kNone) return out;
  if (event.type == EventType::kFinish)
    out.finish_reason = finish_reason_to_abi(event.result.finish_reason);
  if (event.type == EventType::kError) out.status = static_cast<nemo_status>(event.code);
  out.request_id = event.request_id;
  out.token = event.token;
  out.text = event.text.data();
  out.text_size = event.text.size();
  out.name = event.name.data();
  out.name_size = event.name.size();
  out.n_prompt_tokens = static_cast<std::uint64_t>(event.result.n_prompt_tokens);
  out.n_reused_tokens = static_cast<std::uint64_t>(event.result.n_reused_tokens);
  out.n_generated_tokens = static_cast<std::uint64_t>(event.result.n_generated_tokens);
  out.prefill_us = static_cast<std::uint64_t>(event.result.prefill_us);
  out.decode_us = static_cast<std::uint64_t>(event.result.decode_us);
  return out;
}

Status submit(nemo_session& session, const nemo_request* user_request, std::uint64_t* request_id) {
  nemo_request request;
  if (user_request == nullptr) return null_argument("request");
  NEMO_TRY(read_struct(user_request, "request", request));
  if (request.prompt == nullptr && request.n_prompt != 0) return null_argument("request.prompt");
  GenerateRequest generate;
  NEMO_TRY(read_generate_options(session, request.options, generate));
  EventSink sink;
  if (request.on_event != nullptr)
    sink = [callback = request.on_event, user = request.user](const Event& event) {
      const nemo_event out = to_abi(event);
      return callback(&out, user) == 0;
    };
  NEMO_ASSIGN(
      const std::uint64_t id,
      session.session->submit(*session.context->tokenizer, {request.prompt, request.n_prompt},
                              generate.is_whole, std::move(generate.params), std::move(sink)));
  if (request_id != nullptr) *request_id = id;
  return Status::ok();
}

nemo_context_stats to_abi(const EngineStats& stats) {
  nemo_context_stats out = NEMO_CONTEXT_STATS_INIT;
  out.n_sessions = static_cast<std::uint32_t>(stats.n_sequences);
  out.n_running = static_cast<std::uint32_t>(stats.n_running);
  out.n_snapshots = static_cast<std::uint32_t>(stats.cache.n_snapshots);
  out.n_steps = stats.n_steps;
  out.n_prefill_tokens = stats.n_prefill_rows;
  out.n_decode_tokens = stats.n_decode_rows;
  out.used_bytes = stats.used_bytes;
  out.peak_bytes = stats.peak_bytes;
  out.state_bytes = stats.state_bytes;
  out.snapshot_bytes = stats.cache.size_bytes;
  out.n_cache_hits = stats.cache.n_hits;
  out.n_cache_misses = stats.cache.n_misses;
  out.n_reused_tokens = stats.cache.n_reused_tokens;
  out.n_evictions = stats.cache.n_evictions;
  out.n_parked = stats.n_parked;
  out.offload_bytes = stats.offload_bytes;
  return out;
}

}  // namespace

}  // namespace nemotron::api

using namespace nemotron;
using namespace nemotron::api;

extern "C" nemo_status nemo_session_submit(nemo_session* session, const nemo_request* request,
                                           uint64_t* request_id, nemo_error* err) {
  return guarded(session, err, [&] {
    if (session == nullptr) return null_argument("session");
    const SessionLock lock(*session);
    NEMO_TRY(lock.status());
    return submit(*session, request, request_id);
  });
}

extern "C" nemo_status nemo_session_poll(nemo_session* session, nemo_event* event,
                                         nemo_error* err) {
  return nemo_session_wait(session, 0, event, err);
}

extern "C" nemo_status nemo_session_wait(nemo_session* session, uint64_t timeout_us,
                                         nemo_event* event, nemo_error* err) {
  return guarded(session, err, [&] {
    if (session == nullptr) return null_argument("session");
    NEMO_TRY(write_struct(event, "event", nemo_event NEMO_EVENT_INIT));
    const SessionLock lock(*session);
    NEMO_TRY(lock.status());
    Event found;
    if (!session->session->poll(found) && timeout_us != 0)
      NEMO_TRY(session->session->wait(found, deadline_after(timeout_us)));
    return write_struct(event, "event", to_abi(found));
  });
}

extern "C" nemo_status nemo_session_truncate_reply(nemo_session* session, uint64_t n_text_bytes,
                                                   nemo_error* err) {
  return guarded(err, [&] {
    if (session == nullptr) return null_argument("session");
    const SessionLock lock(*session);
    NEMO_TRY(lock.status());
    return session->session->truncate_reply(n_text_bytes);
  });
}

extern "C" nemo_status nemo_context_pump(nemo_context* context, uint64_t max_us,
                                         nemo_pump_result* result, nemo_error* err) {
  return guarded(context, err, [&]() -> Status {
    if (context == nullptr) return null_argument("context");
    if (!context->engine)
      return {StatusCode::kState, "the context was loaded with NEMO_LOAD_NO_WEIGHTS"};
    if (result != nullptr)
      NEMO_TRY(write_struct(result, "result", nemo_pump_result NEMO_PUMP_RESULT_INIT));
    // A callback may drop the host's last reference.
    const std::unique_ptr<nemo_context, decltype(&nemo_context_free)> reference(
        nemo_context_retain(context), nemo_context_free);
    const Clock::time_point start = Clock::now();
    NEMO_ASSIGN(const Engine::Progress progress,
                context->engine->pump(max_us == 0 ? Engine::kNever : deadline_after(max_us)));
    if (result == nullptr) return Status::ok();
    nemo_pump_result out = NEMO_PUMP_RESULT_INIT;
    out.has_more = progress == Engine::Progress::kMore ? 1 : 0;
    out.elapsed_us = static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - start).count());
    return write_struct(result, "result", out);
  });
}

extern "C" nemo_status nemo_context_get_stats(const nemo_context* context,
                                              nemo_context_stats* stats, nemo_error* err) {
  return guarded(context, err, [&] {
    if (context == nullptr) return null_argument("context");
    return write_struct(stats, "stats",
                        to_abi(context->engine ? context->engine->stats() : EngineStats{}));
  });
}
