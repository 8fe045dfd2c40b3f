// What a conversation is before a chat format makes text of it, and the checks that all formats
// share.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "chat/caller_json.h"

namespace nemotron {

// Views: borrowed for the call.
struct ChatMessage {
  std::string_view role;  // "system", "user", "assistant" or "tool"
  std::string_view content;
  std::string_view reasoning;        // assistant only: its thoughts without the tags
  std::string_view tool_calls_json;  // assistant only: JSON array; empty for none
};

struct ChatOptions {
  bool thinking = true;                // the reply begins with reasoning
  bool add_generation_prompt = true;   // end by opening the assistant's turn
  bool keep_history_thinking = false;  // keep the reasoning before the last user message
  std::string_view tools_json;         // JSON array; empty for none
};

// kInvalidArgument: an unknown role, reasoning or tool calls of someone but the assistant.
// kInvalidUtf8: with the message's index and the position in it.
Status check_messages(std::span<const ChatMessage> messages);

std::string message_name(std::size_t index);  // "messages[3]"

// Parses a JSON array from the caller; no text is null, which has no items either. kInvalidJson.
Result<CallerJson> parse_caller_array(std::string_view json, std::string_view name);

}  // namespace nemotron
