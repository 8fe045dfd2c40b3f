#include "chat/chat_messages.h"

#include "base/text.h"
#include "chat/python_text.h"

namespace nemotron {
namespace {

Status check_message(const ChatMessage& message, std::size_t index) {
  const bool is_assistant = message.role == "assistant";
  if (!is_assistant && message.role != "system" && message.role != "user" && message.role != "tool")
    return {StatusCode::kInvalidArgument,
            join(message_name(index), " has the unknown role '", message.role,
                 "'; roles are system, user, assistant and tool")};
  if (!is_assistant && !message.tool_calls_json.empty())
    return {StatusCode::kInvalidArgument,
            join(message_name(index), ": only an assistant has tool calls")};
  if (!is_assistant && !message.reasoning.empty())
    return {StatusCode::kInvalidArgument,
            join(message_name(index), ": only an assistant has reasoning")};
  NEMO_TRY(check_utf8(message.content, join(message_name(index), ".content")));
  return check_utf8(message.reasoning, join(message_name(index), ".reasoning"));
}

}  // namespace

std::string message_name(std::size_t index) { return join("messages[", index, "]"); }

Status check_messages(std::span<const ChatMessage> messages) {
  for (std::size_t i = 0; i < messages.size(); ++i) NEMO_TRY(check_message(messages[i], i));
  return Status::ok();
}

Result<CallerJson> parse_caller_array(std::string_view json, std::string_view name) {
  if (json.empty()) return CallerJson{};
  NEMO_ASSIGN(CallerJson array, parse_caller_json(json, name));
  if (!array.is_array()) return Status(StatusCode::kInvalidJson, join(name, " is not an array"));
  return array;
}

}  // namespace nemotron
