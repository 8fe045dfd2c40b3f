// The blocking form of generation: submit, wait, deliver on the calling thread.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string_view>

#include "session/session.h"
#include "tokenizer/tokenizer.h"

namespace nemotron {

// Receives a sampled token (-1: none, text that was held back) and the text that is whole now.
// Returns false to stop.
using GenerateSink = std::function<bool(std::int32_t token, std::string_view text)>;

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
