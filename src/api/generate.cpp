// nemo_session_generate.
#include "session/generate.h"

#include <vector>

#include "api/handles.h"
#include "api/marshal.h"

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
  return [&session, callback = options.on_event, user = options.user](std::int32_t token,
                                                                      std::string_view text) {
    const nemo_generate_event event{sizeof event, token, text.data(), text.size()};
    session.callback_thread.store(std::this_thread::get_id());
    const std::int32_t stop = callback(&event, user);
    session.callback_thread.store(std::thread::id());
    return stop == 0;
  };
}

nemo_generate_result to_abi(const GenerateResult& result) {
  nemo_generate_result out{};
  out.struct_size = sizeof out;
  switch (result.finish_reason) {
    case FinishReason::kStop:
      out.finish_reason = NEMO_FINISH_STOP;
      break;
    case FinishReason::kLength:
      out.finish_reason = NEMO_FINISH_LENGTH;
      break;
    case FinishReason::kCancelled:
      out.finish_reason = NEMO_FINISH_CANCELLED;
      break;
  }
  out.n_prompt_tokens = static_cast<std::uint64_t>(result.n_prompt_tokens);
  out.n_generated_tokens = static_cast<std::uint64_t>(result.n_generated_tokens);
  out.prefill_us = static_cast<std::uint64_t>(result.prefill_us);
  out.decode_us = static_cast<std::uint64_t>(result.decode_us);
  return out;
}

Status run_generate(nemo_session& session, std::span<const std::int32_t> prompt,
                    const nemo_generate_options* user_options, nemo_generate_result* result) {
  nemo_generate_options options;
  NEMO_TRY(read_struct(user_options, "options", options));
  if (result != nullptr) NEMO_TRY(write_struct(result, "result", nemo_generate_result{}));
  if (!session.context->tokenizer)
    return {StatusCode::kState, "this model came without a tokenizer"};
  GenerateRequest request;
  request.prompt = prompt;
  request.params.max_tokens = options.max_tokens;
  request.params.ignore_stop_tokens = options.ignore_stop_tokens != 0;
  NEMO_TRY(read_sampling(options, request.params.sampling));
  NEMO_TRY(read_stop_strings(options, request.params.stop_strings));
  request.sink = make_sink(session, options);
  NEMO_ASSIGN(const GenerateResult outcome,
              generate(*session.session, *session.context->tokenizer, request));
  return result == nullptr ? Status::ok() : write_struct(result, "result", to_abi(outcome));
}

}  // namespace

}  // namespace nemotron::api

using namespace nemotron;
using namespace nemotron::api;

extern "C" nemo_status nemo_session_generate(nemo_session* session, const int32_t* prompt,
                                             size_t n_prompt, const nemo_generate_options* options,
                                             nemo_generate_result* result, nemo_error* err) {
  return guarded(err, [&] {
    if (session == nullptr) return null_argument("session");
    if (prompt == nullptr && n_prompt != 0) return null_argument("prompt");
    const SessionLock lock(*session);
    NEMO_TRY(lock.status());
    return run_generate(*session, {prompt, n_prompt}, options, result);
  });
}
