// The chat format of Nemotron 3 Nano: messages and tools to the text that the model was trained
// on, as the model's own Jinja template writes it, byte for byte.
#pragma once

#include <span>
#include <string_view>

#include "base/result.h"
#include "chat/prompt_writer.h"

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
// kInvalidUtf8, kInvalidJson: with the message's index and the position in it.
Result<RenderedPrompt> render_nemotron3(std::span<const ChatMessage> messages,
                                        const ChatOptions& options);

}  // namespace nemotron
