#include "chat/nemotron3_format.h"

#include <optional>
#include <string>

#include "base/text.h"
#include "chat/caller_json.h"
#include "chat/python_text.h"
#include "chat/tools_block.h"

namespace nemotron {
namespace {

constexpr std::string_view kTurnEnd = "<|im_end|>\n";
constexpr std::string_view kNoThoughts = "<think></think>";

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

Status write_system_turn(std::string_view content, const ChatOptions& options,
                         PromptWriter& writer) {
  NEMO_ASSIGN(const CallerJson tools, parse_caller_array(options.tools_json, "tools"));
  writer.format("<|im_start|>system\n");
  writer.plain(content);
  if (!tools.items.empty()) {
    if (!content.empty()) writer.format("\n\n");
    NEMO_TRY(write_tools_block(tools, writer));
  }
  writer.format(kTurnEnd);
  return Status::ok();
}

// Thoughts and answer in one text, as the model writes them.
std::string with_thoughts(const ChatMessage& message) {
  if (!python_strip(message.reasoning).empty())
    return join("<think>\n", message.reasoning, "\n</think>\n", message.content);
  if (contains(message.content, kThinkOpen) || contains(message.content, kThinkClose))
    return std::string(message.content);
  return join(kNoThoughts, message.content);
}

// The text of an assistant's turn without its thoughts. The two kinds of turns differ, in the
// model's template and so in its training: with calls the text loses its leading white space and
// an orphan tag ends the thoughts, without calls neither.
std::string without_thoughts(const std::string& body, bool has_calls) {
  const std::size_t close = body.rfind(kThinkClose);
  const bool has_close = close != std::string::npos;
  const std::size_t after = close + kThinkClose.size();
  if (!has_calls) {
    if (!has_close || !contains(body, kThinkOpen)) return body;
    return join(kNoThoughts, std::string_view(body).substr(after));
  }
  const std::string_view rest = has_close ? std::string_view(body).substr(after)
                                          : std::string_view(body).substr(0, body.find(kThinkOpen));
  return join(kNoThoughts, python_strip(rest));
}

// The object "arguments" of a call; some callers pass it as a string of JSON.
Result<CallerJson> call_arguments(const CallerJson& function, std::string_view name) {
  const CallerJson* arguments = function.find("arguments");
  if (arguments == nullptr || arguments->is_null()) return CallerJson{};
  if (arguments->is_object()) return *arguments;
  const std::string arguments_name = join(name, ".arguments");
  if (arguments->is_string()) {
    NEMO_ASSIGN(CallerJson parsed, parse_caller_json(arguments->text, arguments_name));
    if (parsed.is_object()) return parsed;
  }
  return Status(StatusCode::kInvalidJson, join(arguments_name, " is not a JSON object"));
}

Status write_tool_call(const CallerJson& call, std::string_view name, PromptWriter& writer) {
  NEMO_ASSIGN(const CallerJson* function, function_of(call, name));
  NEMO_ASSIGN(const CallerJson arguments, call_arguments(*function, name));
  writer.format("<tool_call>\n<function=");
  writer.plain(function->find("name")->text);
  writer.format(">\n");
  for (const CallerMember& argument : arguments.members) {
    writer.format("<parameter=");
    writer.plain(argument.key);
    writer.format(">\n");
    writer.plain(format_value(argument.value));
    writer.format("\n</parameter>\n");
  }
  writer.format("</function>\n</tool_call>\n");
  return Status::ok();
}

Status write_assistant_turn(const ChatMessage& message, std::size_t index, bool drops_thoughts,
                            PromptWriter& writer) {
  const std::string calls_name = join(message_name(index), ".tool_calls");
  NEMO_ASSIGN(const CallerJson calls, parse_caller_array(message.tool_calls_json, calls_name));
  const bool has_calls = !calls.items.empty();
  std::string body = with_thoughts(message);
  if (drops_thoughts) body = without_thoughts(body, has_calls);

  writer.format("<|im_start|>assistant\n");
  writer.assistant(python_strip(body));
  if (has_calls) writer.format("\n");
  for (std::size_t i = 0; i < calls.items.size(); ++i)
    NEMO_TRY(write_tool_call(calls.items[i], join(calls_name, "[", i, "]"), writer));
  writer.format(kTurnEnd);
  return Status::ok();
}

// Neighbouring tool messages share one user turn. The template opens that turn only after another
// message, so a conversation that begins with a tool's result lacks the opening.
void write_tool_result(const ChatMessage& message, const ChatMessage* previous,
                       const ChatMessage* next, PromptWriter& writer) {
  if (previous != nullptr && previous->role != "tool") writer.format("<|im_start|>user\n");
  writer.format("<tool_response>\n");
  writer.plain(message.content);
  writer.format("\n</tool_response>\n");
  if (next == nullptr || next->role != "tool") writer.format(kTurnEnd);
}

std::ptrdiff_t last_user_index(std::span<const ChatMessage> messages) {
  for (std::size_t i = messages.size(); i-- > 0;)
    if (messages[i].role == "user") return static_cast<std::ptrdiff_t>(i);
  return -1;
}

}  // namespace

Result<RenderedPrompt> render_nemotron3(std::span<const ChatMessage> messages,
                                        const ChatOptions& options) {
  NEMO_TRY(check_messages(messages));

  PromptWriter writer;
  const bool has_system = !messages.empty() && messages[0].role == "system";
  const std::size_t first = has_system ? 1 : 0;
  NEMO_TRY(write_system_turn(has_system ? messages[0].content : "", options, writer));

  const std::ptrdiff_t last_user = last_user_index(messages);
  for (std::size_t i = first; i < messages.size(); ++i) {
    const ChatMessage& message = messages[i];
    if (message.role == "assistant") {
      const bool is_history = static_cast<std::ptrdiff_t>(i) < last_user;
      NEMO_TRY(
          write_assistant_turn(message, i, is_history && !options.keep_history_thinking, writer));
    } else if (message.role == "tool") {
      write_tool_result(message, i > first ? &messages[i - 1] : nullptr,
                        i + 1 < messages.size() ? &messages[i + 1] : nullptr, writer);
    } else {
      writer.format(message.role == "user" ? "<|im_start|>user\n" : "<|im_start|>system\n");
      writer.plain(message.content);
      writer.format(kTurnEnd);
    }
  }
  if (options.add_generation_prompt)
    writer.format(options.thinking ? "<|im_start|>assistant\n<think>\n"
                                   : "<|im_start|>assistant\n<think></think>");
  return writer.take();
}

}  // namespace nemotron
