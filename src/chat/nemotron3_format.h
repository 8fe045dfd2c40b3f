// The chat format of Nemotron 3 Nano: messages and tools to the text that the model was trained
// on, as the model's own Jinja template writes it, byte for byte.
#pragma once

#include <span>

#include "base/result.h"
#include "chat/chat_messages.h"
#include "chat/prompt_writer.h"

namespace nemotron {

// kInvalidArgument: an unknown role, reasoning or tool calls of someone but the assistant.
// kInvalidUtf8, kInvalidJson: with the message's index and the position in it.
Result<RenderedPrompt> render_nemotron3(std::span<const ChatMessage> messages,
                                        const ChatOptions& options);

}  // namespace nemotron
