// Which of the family's chat formats a model speaks, and the one door to all of them.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "chat/chat_messages.h"
#include "chat/prompt_writer.h"
#include "tokenizer/tokenizer.h"

namespace nemotron {

enum class ChatFormat : std::uint8_t { nemotron3, nano_v2 };

// By the marks of turns: those in the model's own template or, where it has none, those of its
// vocabulary. `tokenizer` may be null. Nemotron 3 where neither says anything.
ChatFormat choose_chat_format(std::string_view chat_template, const Tokenizer* tokenizer);

// The ids of the control tokens with which a turn begins; empty where the vocabulary lacks them.
std::vector<std::int32_t> turn_start_ids(ChatFormat format, const Tokenizer& tokenizer);

// See nemotron3_format.h and nano_v2_format.h.
Result<RenderedPrompt> render_chat(ChatFormat format, std::span<const ChatMessage> messages,
                                   const ChatOptions& options);

}  // namespace nemotron
