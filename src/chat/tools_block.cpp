#include "chat/tools_block.h"

#include <algorithm>
#include <initializer_list>

#include "base/text.h"
#include "chat/python_text.h"

namespace nemotron {
namespace {

// The format's own words, which the model has seen in training: not a byte may differ.
constexpr std::string_view kInstructions =
    "\n\nIf you choose to call a function ONLY reply in the following format with NO suffix:\n\n"
    "<tool_call>\n<function=example_function_name>\n"
    "<parameter=example_parameter_1>\nvalue_1\n</parameter>\n"
    "<parameter=example_parameter_2>\n"
    "This is the value for the second parameter\nthat can span\nmultiple lines\n"
    "</parameter>\n</function>\n</tool_call>\n\n"
    "<IMPORTANT>\nReminder:\n"
    "- Function calls MUST follow the specified format: an inner <function=...></function> block "
    "must be nested within <tool_call></tool_call> XML tags\n"
    "- Required parameters MUST be specified\n"
    "- You may provide optional reasoning for your function call in natural language BEFORE the "
    "function call, but NOT after\n"
    "- If there is no function call available, answer the question like normal with your current "
    "knowledge and do not tell the user about function calls\n"
    "</IMPORTANT>";

using Keys = std::initializer_list<std::string_view>;

// "\n<key>value</key>"
void write_element(PromptWriter& writer, std::string_view key, std::string_view value) {
  writer.format("\n<");
  writer.plain(key);
  writer.format(">");
  writer.plain(value);
  writer.format("</");
  writer.plain(key);
  writer.format(">");
}

// Every member of an object that is not written elsewhere; nothing for what is no object.
void write_other_members(PromptWriter& writer, const CallerJson& object, Keys written_elsewhere) {
  for (const CallerMember& member : object.members)
    if (std::find(written_elsewhere.begin(), written_elsewhere.end(), member.key) ==
        written_elsewhere.end())
      write_element(writer, member.key, format_value(member.value));
}

void write_parameter(PromptWriter& writer, const CallerMember& parameter) {
  const CallerJson& schema = parameter.value;
  writer.format("\n<parameter>");
  write_element(writer, "name", parameter.key);
  if (const CallerJson* type = schema.find("type"))
    write_element(writer, "type", python_str(*type));
  if (const CallerJson* description = schema.find("description"))
    write_element(writer, "description", python_strip(python_str(*description)));
  if (const CallerJson* choices = schema.find("enum"))
    write_element(writer, "enum", python_json(*choices));
  write_other_members(writer, schema, {"name", "type", "description", "enum"});
  writer.format("\n</parameter>");
}

void write_function(PromptWriter& writer, const CallerJson& function) {
  writer.format("\n<function>");
  write_element(writer, "name", function.find("name")->text);
  if (const CallerJson* description = function.find("description"))
    write_element(writer, "description", python_strip(python_str(*description)));
  writer.format("\n<parameters>");
  if (const CallerJson* schema = function.find("parameters")) {
    if (const CallerJson* properties = schema->find("properties"))
      for (const CallerMember& parameter : properties->members) write_parameter(writer, parameter);
    write_other_members(writer, *schema, {"type", "properties", "required"});
    if (const CallerJson* required = schema->find("required"))
      write_element(writer, "required", python_json(*required));
  }
  writer.format("\n</parameters>");
  write_other_members(writer, function, {"type", "name", "description", "parameters"});
  writer.format("\n</function>");
}

}  // namespace

std::string format_value(const CallerJson& value) {
  return value.is_object() || value.is_array() ? python_json(value) : python_str(value);
}

Result<const CallerJson*> function_of(const CallerJson& entry, std::string_view name) {
  const CallerJson* inner = entry.find("function");
  const CallerJson& function = inner != nullptr ? *inner : entry;
  if (!function.is_object())
    return Status(StatusCode::kInvalidJson, join(name, " is not a JSON object"));
  const CallerJson* function_name = function.find("name");
  if (function_name == nullptr || !function_name->is_string())
    return Status(StatusCode::kInvalidJson, join(name, " has no string \"name\""));
  return &function;
}

Status write_tools_block(const CallerJson& tools, PromptWriter& writer) {
  writer.format("# Tools\n\nYou have access to the following functions:\n\n<tools>");
  for (std::size_t i = 0; i < tools.items.size(); ++i) {
    NEMO_ASSIGN(const CallerJson* function, function_of(tools.items[i], join("tools[", i, "]")));
    write_function(writer, *function);
  }
  writer.format("\n</tools>");
  writer.format(kInstructions);
  return Status::ok();
}

}  // namespace nemotron
