// nemo_session_generate.
#include <vector>

#include "api/handles.h"
#include "api/marshal.h"
#include "api/request.h"

namespace nemotron::api {

namespace {

Status read_stop_strings(const nemo_generate_options& options, StopMatcher& out) {
  if (options.n_stop_strings != 0 && options.stop_strings == nullptr)
    return null_argument("options.stop_strings");
  if (options.n_stop_strings > kMaxStopStrings)
    return {StatusCode::kInvalidArgument,
            join("n_stop_strings is ", options.n_stop_strings, "; at most ", kMaxStopStrings)};
  std::vector<std::string_view> strings(options.n_stop_strings);
  for (std::size_t i = 0; i < strings.size(); ++i)
    NEMO_TRY(read_text(options.stop_strings[i].data, options.stop_strings[i].size,
                       "options.stop_strings[]", strings[i]));
  NEMO_ASSIGN(out, StopMatcher::create(strings));
  return Status::ok();
}

Status read_reply_format(const nemo_generate_options& options, GenerateParams& out) {
  std::string_view tools;
  NEMO_TRY(read_text(options.tools, options.tools_size, "options.tools", tools));
  out.parses_reply = (options.flags & NEMO_GENERATE_PARSE_REPLY) != 0;
  NEMO_ASSIGN(out.tools, parse_tools(tools, "options.tools"));
  return Status::ok();
}

Status read_sampling(const nemo_generate_options& options, SamplingParams& out) {
  out.seed = options.seed;
  switch (options.sampling_mode) {
    case NEMO_SAMPLING_DEFAULT:
      out.mode = SamplingMode::kModelDefault;
      return Status::ok();
    case NEMO_SAMPLING_GREEDY:
      out.mode = SamplingMode::kGreedy;
      return Status::ok();
    case NEMO_SAMPLING_LITERAL:
      out.mode = SamplingMode::kLiteral;
      out.temperature = options.temperature;
      out.top_k = options.top_k;
      out.top_p = options.top_p;
      return check_sampling_params(out);
    default:
      return {StatusCode::kInvalidArgument,
              join("sampling_mode ", options.sampling_mode, " is not a NEMO_SAMPLING_")};
  }
}

// Calls the host's callback, noting the thread so that a call back into the session is recognised.
GenerateSink make_sink(nemo_session& session, const nemo_generate_options& options) {
  if (options.on_event == nullptr) return {};
  return [&session, callback = options.on_event, user = options.user](const Event& piece) {
    const nemo_generate_event event{sizeof event,
                                    piece.token,
                                    piece.text.data(),
                                    piece.text.size(),
                                    event_type_to_abi(piece.type),
                                    0,
                                    piece.name.data(),
                                    piece.name.size()};
    session.callback_thread.store(std::this_thread::get_id());
    const std::int32_t stop = callback(&event, user);
    session.callback_thread.store(std::thread::id());
    return stop == 0;
  };
}

nemo_generate_result to_abi(const GenerateResult& result) {
  nemo_generate_result out = NEMO_GENERATE_RESULT_INIT;
  out.finish_reason = finish_reason_to_abi(result.finish_reason);
  out.n_prompt_tokens = static_cast<std::uint64_t>(result.n_prompt_tokens);
  out.n_generated_tokens = static_cast<std::uint64_t>(result.n_generated_tokens);
  out.prefill_us = static_cast<std::uint64_t>(result.prefill_us);
  out.decode_us = static_cast<std::uint64_t>(result.decode_us);
  out.n_reused_tokens = static_cast<std::uint64_t>(result.n_reused_tokens);
  return out;
}

Status run_generate(nemo_session& session, std::span<const std::int32_t> prompt,
                    const nemo_generate_options* user_options, nemo_generate_result* result) {
  nemo_generate_options options;
  NEMO_TRY(read_struct(user_options, "options", options));
  if (result != nullptr)
    NEMO_TRY(write_struct(result, "result", nemo_generate_result NEMO_GENERATE_RESULT_INIT));
  GenerateRequest request;
  NEMO_TRY(read_generate_options(session, user_options, request));
  request.prompt = prompt;
  request.sink = make_sink(session, options);
  NEMO_ASSIGN(const GenerateResult outcome,
              generate(*session.session, *session.context->tokenizer, request));
  return result == nullptr ? Status::ok() : write_struct(result, "result", to_abi(outcome));
}

}  // namespace

Status read_generate_options(const nemo_session& session, const nemo_generate_options* user_options,
                             GenerateRequest& out) {
  nemo_generate_options options;
  NEMO_TRY(read_struct(user_options, "options", options));
  if (!session.context->tokenizer)
    return {StatusCode::kState, "this model came without a tokenizer"};
  constexpr std::uint32_t kFlags = NEMO_GENERATE_WHOLE_PROMPT | NEMO_GENERATE_PARSE_REPLY;
  if ((options.flags & ~kFlags) != 0)
    return {StatusCode::kInvalidArgument,
            join("flags ", options.flags, " has bits that are not NEMO_GENERATE_")};
  out.is_whole = (options.flags & NEMO_GENERATE_WHOLE_PROMPT) != 0;
  out.params.max_tokens = options.max_tokens;
  out.params.ignore_stop_tokens = options.ignore_stop_tokens != 0;
  NEMO_TRY(read_reply_format(options, out.params));
  NEMO_TRY(read_sampling(options, out.params.sampling));
  return read_stop_strings(options, out.params.stop_strings);
}

std::uint32_t event_type_to_abi(EventType type) {
  switch (type) {
    case EventType::kNone:
      return NEMO_EVENT_NONE;
    case EventType::kText:
      return NEMO_EVENT_TEXT;
    case EventType::kReasoning:
      return NEMO_EVENT_REASONING;
    case EventType::kToolCall:
      return NEMO_EVENT_TOOL_CALL;
    case EventType::kFinish:
      return NEMO_EVENT_FINISH;
    case EventType::kError:
      return NEMO_EVENT_ERROR;
  }
  return NEMO_EVENT_NONE;
}

std::uint32_t finish_reason_to_abi(FinishReason reason) {
  switch (reason) {
    case FinishReason::kStop:
      return NEMO_FINISH_STOP;
    case FinishReason::kLength:
      return NEMO_FINISH_LENGTH;
    case FinishReason::kCancelled:
      return NEMO_FINISH_CANCELLED;
  }
  return 0;
}

}  // namespace nemotron::api

using namespace nemotron;
using namespace nemotron::api;

extern "C" nemo_status nemo_session_generate(nemo_session* session, const int32_t* prompt,
                                             size_t n_prompt, const nemo_generate_options* options,
                                             nemo_generate_result* result, nemo_error* err) {
  return guarded(session, err, [&] {
    if (session == nullptr) return null_argument("session");
    if (prompt == nullptr && n_prompt != 0) return null_argument("prompt");
    const SessionLock lock(*session);
    NEMO_TRY(lock.status());
    return run_generate(*session, {prompt, n_prompt}, options, result);
  });
}
