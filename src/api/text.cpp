// Text, tokens and conversations: nemo_tokenize, nemo_detokenize, nemo_chat_*.
#include <span>
#include <string>
#include <vector>

#include "api/handles.h"
#include "api/marshal.h"
#include "chat/chat_format.h"

namespace nemotron::api {

namespace {

Result<const Tokenizer*> tokenizer_of(const nemo_context* context) {
  if (context == nullptr) return null_argument("context");
  if (!context->tokenizer) return Status(StatusCode::kState, "this model came without a tokenizer");
  return &*context->tokenizer;
}

Status read_message(const nemo_chat_message& from, ChatMessage& out) {
  if (from.role == nullptr) return null_argument("messages[].role");
  out.role = from.role;
  NEMO_TRY(read_text(from.content, from.content_size, "messages[].content", out.content));
  NEMO_TRY(read_text(from.reasoning, from.reasoning_size, "messages[].reasoning", out.reasoning));
  return read_text(from.tool_calls, from.tool_calls_size, "messages[].tool_calls",
                   out.tool_calls_json);
}

Status read_chat_options(const nemo_chat_options* from, ChatOptions& out) {
  nemo_chat_options options;
  NEMO_TRY(read_struct(from, "options", options));
  if (options.thinking > NEMO_THINKING_OFF)
    return {StatusCode::kInvalidArgument,
            join("thinking ", options.thinking, " is not a NEMO_THINKING_")};
  constexpr std::uint32_t kKnown = NEMO_CHAT_NO_GENERATION_PROMPT | NEMO_CHAT_KEEP_HISTORY_THINKING;
  if ((options.flags & ~kKnown) != 0)
    return {StatusCode::kInvalidArgument,
            join("flags ", options.flags, " has bits that are not NEMO_CHAT_")};
  out.thinking = options.thinking != NEMO_THINKING_OFF;
  out.add_generation_prompt = (options.flags & NEMO_CHAT_NO_GENERATION_PROMPT) == 0;
  out.keep_history_thinking = (options.flags & NEMO_CHAT_KEEP_HISTORY_THINKING) != 0;
  return read_text(options.tools, options.tools_size, "options.tools", out.tools_json);
}

Result<RenderedPrompt> render(const nemo_context& context, const nemo_chat_message* messages,
                              std::size_t n_messages, std::size_t stride_bytes,
                              const nemo_chat_options* user_options) {
  ChatOptions options;
  NEMO_TRY(read_chat_options(user_options, options));
  NEMO_TRY(check_array(messages, n_messages, stride_bytes, "messages"));
  std::vector<ChatMessage> views(n_messages);
  for (std::size_t i = 0; i < n_messages; ++i) {
    nemo_chat_message message;
    NEMO_TRY(read_element(messages, i, stride_bytes, "messages", message));
    NEMO_TRY(read_message(message, views[i]));
  }
  return render_chat(context.chat_format, views, options);
}

}  // namespace

}  // namespace nemotron::api

using namespace nemotron;
using namespace nemotron::api;

extern "C" nemo_status nemo_tokenize(const nemo_context* context, const char* text,
                                     size_t text_size, int32_t parse_special, int32_t* tokens,
                                     size_t capacity, size_t* n_tokens, nemo_error* err) {
  return guarded(context, err, [&]() -> Status {
    NEMO_ASSIGN(const Tokenizer* tokenizer, tokenizer_of(context));
    std::string_view view;
    NEMO_TRY(read_text(text, text_size, "text", view));
    std::vector<std::int32_t> ids;
    NEMO_TRY(tokenizer->encode(view, parse_special != 0, ids));
    return write_buffer(std::span<const std::int32_t>(ids), tokens, capacity, n_tokens);
  });
}

extern "C" nemo_status nemo_detokenize(const nemo_context* context, const int32_t* tokens,
                                       size_t n_tokens, int32_t skip_control, char* text,
                                       size_t capacity, size_t* text_size, nemo_error* err) {
  return guarded(context, err, [&]() -> Status {
    NEMO_ASSIGN(const Tokenizer* tokenizer, tokenizer_of(context));
    if (tokens == nullptr && n_tokens != 0) return null_argument("tokens");
    std::string bytes;
    NEMO_TRY(tokenizer->decode({tokens, n_tokens}, skip_control != 0, bytes));
    return write_buffer(std::span<const char>(bytes), text, capacity, text_size);
  });
}

extern "C" nemo_status nemo_chat_render(const nemo_context* context,
                                        const nemo_chat_message* messages, size_t n_messages,
                                        size_t stride_bytes, const nemo_chat_options* options,
                                        char* text, size_t capacity, size_t* text_size,
                                        nemo_error* err) {
  return guarded(context, err, [&]() -> Status {
    if (context == nullptr) return null_argument("context");
    NEMO_ASSIGN(const RenderedPrompt prompt,
                render(*context, messages, n_messages, stride_bytes, options));
    return write_buffer(std::span<const char>(prompt.text), text, capacity, text_size);
  });
}

extern "C" nemo_status nemo_chat_tokenize(const nemo_context* context,
                                          const nemo_chat_message* messages, size_t n_messages,
                                          size_t stride_bytes, const nemo_chat_options* options,
                                          int32_t* tokens, size_t capacity, size_t* n_tokens,
                                          nemo_error* err) {
  return guarded(context, err, [&]() -> Status {
    NEMO_ASSIGN(const Tokenizer* tokenizer, tokenizer_of(context));
    NEMO_ASSIGN(const RenderedPrompt prompt,
                render(*context, messages, n_messages, stride_bytes, options));
    std::vector<std::int32_t> ids;
    NEMO_TRY(tokenizer->encode(prompt.text, prompt.special_ranges, ids));
    return write_buffer(std::span<const std::int32_t>(ids), tokens, capacity, n_tokens);
  });
}
