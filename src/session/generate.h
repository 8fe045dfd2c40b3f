// The blocking form of generation: submit, wait, deliver on the calling thread.
#pragma once

#include <cstdint>
#include <span>

#include "session/session.h"
#include "tokenizer/tokenizer.h"

namespace nemotron {

// Receives kText, kReasoning and kToolCall on the calling thread. Returns false to stop.
using GenerateSink = EventSink;

struct GenerateRequest {
  std::span<const std::int32_t> prompt;
  bool is_whole = false;  // see Session::submit()
  GenerateParams params;
  GenerateSink sink;  // may be empty
};

// Afterwards the session holds the prompt and all sampled tokens but the last. An error of the
// prompt's evaluation leaves the session unchanged; a cancel is no error.
Result<GenerateResult> generate(Session& session, const Tokenizer& tokenizer,
                                GenerateRequest& request);

}  // namespace nemotron
