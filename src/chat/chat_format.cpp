#include "chat/chat_format.h"

#include "chat/nano_v2_format.h"
#include "chat/nemotron3_format.h"

namespace nemotron {

namespace {
constexpr std::string_view kNemotron3Mark = "<|im_start|>";
constexpr std::string_view kNanoV2Mark = "<SPECIAL_11>";
}  // namespace

ChatFormat choose_chat_format(std::string_view chat_template, const Tokenizer* tokenizer) {
  const auto in_template = [&](std::string_view mark) {
    return chat_template.find(mark) != std::string_view::npos;
  };
  if (in_template(kNemotron3Mark)) return ChatFormat::nemotron3;
  if (in_template(kNanoV2Mark)) return ChatFormat::nano_v2;
  // Reserved tokens are called <SPECIAL_n>: the mark of v2 says something only without the other.
  const bool is_v2 = tokenizer != nullptr && tokenizer->token_id(kNemotron3Mark) < 0 &&
                     tokenizer->token_id(kNanoV2Mark) >= 0;
  return is_v2 ? ChatFormat::nano_v2 : ChatFormat::nemotron3;
}

std::vector<std::int32_t> turn_start_ids(ChatFormat format, const Tokenizer& tokenizer) {
  std::vector<std::int32_t> starts;
  const auto add = [&](std::string_view mark) {
    if (const std::int32_t id = tokenizer.token_id(mark); id >= 0) starts.push_back(id);
  };
  if (format == ChatFormat::nano_v2) {
    add("<SPECIAL_10>");  // the system's turn
    add(kNanoV2Mark);
  } else {
    add(kNemotron3Mark);
  }
  return starts;
}

Result<RenderedPrompt> render_chat(ChatFormat format, std::span<const ChatMessage> messages,
                                   const ChatOptions& options) {
  return format == ChatFormat::nano_v2 ? render_nano_v2(messages, options)
                                       : render_nemotron3(messages, options);
}

}  // namespace nemotron
