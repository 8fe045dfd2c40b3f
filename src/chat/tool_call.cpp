#include "chat/tool_call.h"

#include <algorithm>
#include <initializer_list>
#include <optional>

#include "base/text.h"
#include "chat/python_text.h"
#include "chat/tools_block.h"

namespace nemotron {

namespace {

std::string_view strip(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(kReplySpaces);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kReplySpaces) - begin + 1);
}

// Without one line break at each end: more of them belong to the value.
std::string_view strip_line_breaks(std::string_view text) {
  if (text.starts_with('\n')) text.remove_prefix(1);
  if (text.ends_with('\n')) text.remove_suffix(1);
  return text;
}

// What follows `opening` and ends at the first of `endings`, or at the end of the text, which is
// cut off up to there; nothing where there is no `opening`.
std::optional<std::string_view> take_after(std::string_view& text, std::string_view opening,
                                           std::initializer_list<std::string_view> endings) {
  const std::size_t begin = text.find(opening);
  if (begin == std::string_view::npos) return std::nullopt;
  text.remove_prefix(begin + opening.size());
  std::size_t end = text.size();
  for (const std::string_view ending : endings) end = std::min(end, text.find(ending));
  const std::string_view out = text.substr(0, end);
  text.remove_prefix(end);
  return out;
}

// <function=NAME> then <parameter=KEY>\nVALUE\n</parameter> ... </function>
std::optional<ToolCall> parse_tagged_call(std::string_view text) {
  const auto name = take_after(text, "<function=", {">"});
  if (!name) return std::nullopt;
  ToolCall call{std::string(strip(*name))};
  while (const auto key = take_after(text, "<parameter=", {">"})) {
    const auto value = take_after(text, ">", {"</parameter>", "<parameter=", "</function>"});
    call.arguments.emplace_back(strip(*key), strip_line_breaks(value.value_or("")));
  }
  return call;
}

// {"name": ..., "arguments": {...}}; the arguments may also be such an object's text, or be left
// out.
std::optional<ToolCall> read_call(const CallerJson& entry) {
  const auto function = function_of(entry, "a call");
  if (!function.is_ok()) return std::nullopt;
  ToolCall call{function.value()->find("name")->text};
  const CallerJson* arguments = function.value()->find("arguments");
  if (arguments == nullptr || arguments->is_null()) {
    call.object = "{}";
    return call;
  }
  if (!arguments->is_string()) {
    call.object = python_json(*arguments);
    return arguments->is_object() ? std::optional(call) : std::nullopt;
  }
  const auto inner = parse_caller_json(arguments->text, "arguments");
  if (!inner.is_ok() || !inner->is_object()) return std::nullopt;
  call.object = python_json(inner.value());
  return call;
}

// A list of calls, or one that stands alone; the list may lack its end.
std::vector<ToolCall> parse_json_calls(std::string_view text) {
  auto list = parse_caller_json(text, "calls");
  if (!list.is_ok()) list = parse_caller_json(join(text, "]"), "calls");
  std::vector<ToolCall> calls;
  if (!list.is_ok()) return calls;
  const auto add = [&](const CallerJson& entry) {
    if (auto call = read_call(entry)) calls.push_back(std::move(*call));
  };
  if (list->is_object()) add(list.value());
  for (const CallerJson& entry : list->items) add(entry);
  return calls;
}

// The JSON schema of an argument; null where nobody declares it.
const CallerJson* argument_schema(const CallerJson& tools, const ToolCall& call,
                                  std::string_view argument) {
  for (const CallerJson& tool : tools.items) {
    const CallerJson* inner = tool.find("function");
    const CallerJson& function = inner != nullptr ? *inner : tool;
    const CallerJson* name = function.find("name");
    if (name == nullptr || !name->is_string() || name->text != call.name) continue;
    const CallerJson* parameters = function.find("parameters");
    const CallerJson* properties = parameters == nullptr ? nullptr : parameters->find("properties");
    return properties == nullptr ? nullptr : properties->find(argument);
  }
  return nullptr;
}

// Whether a value of this schema is text as it stands.
bool is_text(const CallerJson* schema) {
  const CallerJson* type = schema == nullptr ? nullptr : schema->find("type");
  return type == nullptr || !type->is_string() || type->text == "string";
}

CallerJson convert(const std::string& value, const CallerJson* schema) {
  CallerJson text;
  text.kind = CallerJson::Kind::kString;
  text.text = value;
  if (is_text(schema)) return text;
  std::string_view json = value;  // the model may write constants as Python does
  if (value == "True") json = "true";
  if (value == "False") json = "false";
  if (value == "None") json = "null";
  Result<CallerJson> parsed = parse_caller_json(json, "an argument");
  return parsed.is_ok() ? std::move(parsed).value() : text;
}

}  // namespace

std::vector<ToolCall> parse_calls(std::string_view text) {
  text = strip(text);
  if (text.starts_with('[') || text.starts_with('{')) return parse_json_calls(text);
  if (auto call = parse_tagged_call(text)) return {std::move(*call)};
  return {};
}

Result<CallerJson> parse_tools(std::string_view json, std::string_view name) {
  if (json.empty()) return CallerJson{};
  NEMO_ASSIGN(CallerJson tools, parse_caller_json(json, name));
  if (!tools.is_array())
    return Status(StatusCode::kInvalidJson, join(name, " is not a JSON array"));
  for (std::size_t i = 0; i < tools.items.size(); ++i)
    NEMO_TRY(function_of(tools.items[i], join(name, "[", i, "]")).status());
  return tools;
}

std::string arguments_json(const ToolCall& call, const CallerJson& tools) {
  if (!call.object.empty()) return call.object;
  CallerJson out;
  out.kind = CallerJson::Kind::kObject;
  for (const auto& [key, value] : call.arguments) {
    const auto same = std::find_if(out.members.begin(), out.members.end(),
                                   [&key = key](const CallerMember& m) { return m.key == key; });
    CallerJson converted = convert(value, argument_schema(tools, call, key));
    if (same != out.members.end()) {  // an object has a key once
      same->value = std::move(converted);
    } else {
      out.members.push_back({key, std::move(converted)});
    }
  }
  return python_json(out);
}

}  // namespace nemotron
