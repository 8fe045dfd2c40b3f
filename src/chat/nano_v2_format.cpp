// The turn marks <SPECIAL_10> to <SPECIAL_12> are control tokens; the tags of thoughts and tools
// are control tokens or plain text as the vocabulary has it.
#include "chat/nano_v2_format.h"

#include <string>

#include "base/text.h"
#include "chat/python_text.h"
#include "chat/tools_block.h"

namespace nemotron {
namespace {

constexpr std::string_view kUserTurn = "<SPECIAL_11>User\n";
constexpr std::string_view kAssistantTurn = "<SPECIAL_11>Assistant\n";
constexpr std::string_view kAssistantEnd = "\n<SPECIAL_12>\n";
constexpr std::string_view kThinkSwitch = "/think";
constexpr std::string_view kNoThinkSwitch = "/no_think";

// The format's own words, which the model has seen in training: not a byte may differ.
constexpr std::string_view kToolsIntroduction =
    "You can use the following tools to assist the user if required:\n";
constexpr std::string_view kToolsInstructions =
    "\n\nIf you decide to call any tool(s), use the following format:\n"
    "<TOOLCALL>[{{\"name\": \"tool_name1\", \"arguments\": \"tool_args1\"}}, "
    "{{\"name\": \"tool_name2\", \"arguments\": \"tool_args2\"}}]</TOOLCALL>\n\n"
    "The user will execute tool-calls and return responses from tool(s) in this format:\n"
    "<TOOL_RESPONSE>[{{\"tool_response1\"}}, {{\"tool_response2\"}}]</TOOL_RESPONSE>\n\n"
    "Based on the tool responses, you can call additional tools if needed, correct tool calls if "
    "any errors are found, or just respond to the user.";

bool mentions(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

void erase_all(std::string& text, std::string_view part) {
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at))
    text.erase(at, part.size());
}

// Of two switches in one message "/think" wins, wherever they stand; it is also found in
// "</think>".
bool thinks(std::span<const ChatMessage> messages, bool by_default) {
  bool thinking = by_default;
  for (const ChatMessage& message : messages) {
    if (message.role != "user" && message.role != "system") continue;
    if (mentions(message.content, kThinkSwitch))
      thinking = true;
    else if (mentions(message.content, kNoThinkSwitch))
      thinking = false;
  }
  return thinking;
}

std::string without_switches(std::string_view content) {
  std::string text(content);
  erase_all(text, kThinkSwitch);
  erase_all(text, kNoThinkSwitch);
  return std::string(python_strip(text));
}

// What an earlier turn said after its thoughts, up to a second closing tag if there is one.
std::string_view without_thoughts(std::string_view content) {
  const std::size_t close = content.find(kThinkClose);
  if (close == std::string_view::npos) return python_strip(content);
  const std::string_view rest = content.substr(close + kThinkClose.size());
  return python_strip(rest.substr(0, rest.find(kThinkClose)));
}

Status write_system_part(std::string_view content, const ChatOptions& options,
                         PromptWriter& writer) {
  NEMO_ASSIGN(const CallerJson tools, parse_caller_array(options.tools_json, "tools"));
  const std::string text = without_switches(content);
  writer.format("<SPECIAL_10>System\n");
  writer.plain(text);
  if (!tools.items.empty()) {
    if (!text.empty()) writer.format("\n\n");
    writer.format(kToolsIntroduction);
    writer.format("<AVAILABLE_TOOLS>[");
    for (std::size_t i = 0; i < tools.items.size(); ++i) {
      NEMO_ASSIGN(const CallerJson* function, function_of(tools.items[i], join("tools[", i, "]")));
      if (i > 0) writer.format(", ");
      writer.plain(python_json(*function));
    }
    writer.format("]</AVAILABLE_TOOLS>");
    writer.format(kToolsInstructions);
  }
  writer.format("\n\n");
  return Status::ok();
}

// Arguments that are a string of JSON stand as they are.
Status write_call(const CallerJson& call, std::string_view name, PromptWriter& writer) {
  NEMO_ASSIGN(const CallerJson* function, function_of(call, name));
  const CallerJson* arguments = function->find("arguments");
  const bool is_absent = arguments == nullptr || arguments->is_null();
  if (!is_absent && !arguments->is_object() && !arguments->is_string())
    return {StatusCode::kInvalidJson, join(name, ".arguments is not a JSON object")};
  writer.format("{\"name\": \"");
  writer.plain(function->find("name")->text);
  writer.format("\", \"arguments\": ");
  writer.plain(is_absent                ? "{}"
               : arguments->is_string() ? arguments->text
                                        : python_json(*arguments));
  writer.format("}");
  return Status::ok();
}

Status write_calls(const CallerJson& calls, std::size_t index, PromptWriter& writer) {
  writer.format("<TOOLCALL>[");
  for (std::size_t i = 0; i < calls.items.size(); ++i) {
    if (i > 0) writer.format(", ");
    NEMO_TRY(write_call(calls.items[i], join(message_name(index), ".tool_calls[", i, "]"), writer));
  }
  writer.format("]</TOOLCALL>");
  return Status::ok();
}

Result<CallerJson> calls_of(const ChatMessage& message, std::size_t index) {
  return parse_caller_array(message.tool_calls_json, join(message_name(index), ".tool_calls"));
}

Status write_assistant_turn(const ChatMessage& message, std::size_t index, PromptWriter& writer) {
  NEMO_ASSIGN(const CallerJson calls, calls_of(message, index));
  const std::string_view text = without_thoughts(message.content);
  writer.format(kAssistantTurn);
  writer.plain(text);
  if (!calls.items.empty()) {
    if (!text.empty()) writer.format("\n\n");
    NEMO_TRY(write_calls(calls, index, writer));
  }
  writer.format(kAssistantEnd);
  return Status::ok();
}

// Neighbouring results share one user turn.
void write_tool_result(const ChatMessage& message, bool is_first, bool is_last,
                       PromptWriter& writer) {
  if (is_first) {
    writer.format(kUserTurn);
    writer.format("<TOOL_RESPONSE>[");
  } else {
    writer.format(", ");
  }
  writer.plain(message.content);
  if (is_last) writer.format("]</TOOL_RESPONSE>");
}

// The end of the prompt: the assistant's turn, opened with thoughts or without, and what the
// assistant is taken to have begun. A finished last message loses nothing and gains a mark of
// thoughts, and its calls a turn of their own: so the template has it.
Status write_end(const ChatMessage* last, std::size_t index, bool thinking,
                 const ChatOptions& options, PromptWriter& writer) {
  CallerJson calls;
  std::string_view begun;
  if (last != nullptr) {
    NEMO_ASSIGN(calls, calls_of(*last, index));
    begun = python_strip(last->content);
    PromptWriter unused;  // calls are judged whether they are written or not
    NEMO_TRY(write_calls(calls, index, unused));
  }
  if (options.add_generation_prompt || !begun.empty()) {
    writer.format(kAssistantTurn);
    writer.format(thinking ? "<think>\n" : "<think></think>");
    writer.plain(begun);
  }
  if (options.add_generation_prompt) return Status::ok();
  if (!begun.empty()) writer.format(kAssistantEnd);
  if (calls.items.empty()) return Status::ok();
  writer.format(kAssistantTurn);
  NEMO_TRY(write_calls(calls, index, writer));
  writer.format(kAssistantEnd);
  return Status::ok();
}

}  // namespace

Result<RenderedPrompt> render_nano_v2(std::span<const ChatMessage> messages,
                                      const ChatOptions& options) {
  NEMO_TRY(check_messages(messages));
  PromptWriter writer;
  const bool has_system = !messages.empty() && messages[0].role == "system";
  NEMO_TRY(write_system_part(has_system ? messages[0].content : "", options, writer));

  const std::size_t first = has_system ? 1 : 0;
  const bool is_open = messages.size() > first && messages.back().role == "assistant";
  const std::size_t end = messages.size() - (is_open ? 1 : 0);
  for (std::size_t i = first; i < end; ++i) {
    const ChatMessage& message = messages[i];
    if (message.role == "user") {
      writer.format(kUserTurn);
      writer.plain(without_switches(message.content));
      writer.format("\n");
    } else if (message.role == "tool") {
      write_tool_result(message, i == first || messages[i - 1].role != "tool",
                        i + 1 == end || messages[i + 1].role != "tool", writer);
    } else if (message.role == "assistant") {
      NEMO_TRY(write_assistant_turn(message, i, writer));
    }  // a later system message only switches
  }
  NEMO_TRY(write_end(is_open ? &messages.back() : nullptr, end, thinks(messages, options.thinking),
                     options, writer));
  return writer.take();
}

}  // namespace nemotron
