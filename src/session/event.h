// What a request tells its session: pieces of text as they come, then one finish or error.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/status.h"

namespace nemotron {

// kReasoning and kToolCall only where replies are parsed; kText is then the answer.
enum class EventType : std::uint8_t { kNone, kText, kReasoning, kToolCall, kFinish, kError };

enum class FinishReason : std::uint8_t { kStop, kLength, kCancelled };

// Counts and times of a request.
struct GenerateResult {
  FinishReason finish_reason = FinishReason::kStop;
  std::int64_t n_prompt_tokens = 0;     // computed for it
  std::int64_t n_reused_tokens = 0;     // of its prompt, found computed
  std::int64_t n_generated_tokens = 0;  // a stop token included
  std::int64_t prefill_us = 0;
  std::int64_t decode_us = 0;
};

struct Event {
  EventType type = EventType::kNone;
  std::uint64_t request_id = 0;
  std::int32_t token = -1;            // just sampled; -1: text that was held back
  std::string_view text;              // whole characters; of kToolCall: the arguments, as JSON
  std::string_view name;              // of kToolCall: the tool's
  GenerateResult result;              // of kFinish and kError
  StatusCode code = StatusCode::kOk;  // of kError, whose sentence is `text`
};

}  // namespace nemotron
