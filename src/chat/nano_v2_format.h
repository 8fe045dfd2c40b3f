// The chat format of Nemotron Nano v2 (9B and 12B): messages and tools to the text that those
// models were trained on, as their own Jinja template writes it.
#pragma once

#include <span>

#include "base/result.h"
#include "chat/chat_messages.h"
#include "chat/prompt_writer.h"

namespace nemotron {

// What differs from Nemotron 3: "/think" and "/no_think" in a system or user message override
// options.thinking, the last one wins, and are taken out of the text; a conversation that ends with
// the assistant's message continues it; `reasoning` and options.keep_history_thinking have no
// meaning, since the format keeps no thoughts. Errors as render_nemotron3().
Result<RenderedPrompt> render_nano_v2(std::span<const ChatMessage> messages,
                                      const ChatOptions& options);

}  // namespace nemotron
