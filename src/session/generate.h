// The blocking loop of generation: run the prompt, then sample, deliver and feed back one token
// after the other until something says stop.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string_view>

#include "sampling/sampler.h"
#include "sampling/stop_matcher.h"
#include "session/session.h"
#include "tokenizer/tokenizer.h"

namespace nemotron {

enum class FinishReason : std::uint8_t { kStop, kLength, kCancelled };

// Receives a sampled token (-1: none, text that was held back) and the text that is whole now.
// Returns false to stop.
using GenerateSink = std::function<bool(std::int32_t token, std::string_view text)>;

struct GenerateRequest {
  std::span<const std::int32_t> prompt;
  std::int64_t max_tokens = 0;  // 0: no limit but the session's
  SamplingParams sampling;
  bool ignore_stop_tokens = false;
  StopMatcher stop_strings;
  GenerateSink sink;  // may be empty
};

struct GenerateResult {
  FinishReason finish_reason = FinishReason::kStop;
  std::int64_t n_prompt_tokens = 0;
  std::int64_t n_generated_tokens = 0;  // a stop token included
  std::int64_t prefill_us = 0;
  std::int64_t decode_us = 0;
};

// Afterwards the session holds the prompt and all sampled tokens but the last. An error of the
// prompt's evaluation leaves the session unchanged; a cancel is no error.
Result<GenerateResult> generate(Session& session, const Tokenizer& tokenizer,
                                GenerateRequest& request);

}  // namespace nemotron
