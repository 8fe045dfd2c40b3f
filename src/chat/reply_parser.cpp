#include "chat/reply_parser.h"

#include <algorithm>
#include <array>
#include <optional>

#include "base/text.h"
#include "chat/prompt_writer.h"
#include "chat/python_text.h"
#include "chat/tools_block.h"

namespace nemotron {

namespace {

constexpr std::string_view kCallOpen = "<tool_call>";
constexpr std::string_view kCallClose = "</tool_call>";
constexpr std::array kTags = {kThinkOpen, kThinkClose, kCallOpen, kCallClose};

constexpr std::string_view kSpaces = " \t\r\n";

std::string_view strip(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(kSpaces);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpaces) - begin + 1);
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
std::optional<ToolCall> parse_call(std::string_view text) {
  const auto name = take_after(text, "<function=", {">"});
  if (!name) return std::nullopt;
  ToolCall call{std::string(strip(*name)), {}};
  while (const auto key = take_after(text, "<parameter=", {">"})) {
    const auto value = take_after(text, ">", {"</parameter>", "<parameter=", "</function>"});
    call.arguments.emplace_back(strip(*key), strip_line_breaks(value.value_or("")));
  }
  return call;
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

ReplyParser::ReplyParser(bool in_thoughts, Sink sink)
    : sink_(std::move(sink)), part_(in_thoughts ? ReplyPart::kReasoning : ReplyPart::kAnswer) {}

void ReplyParser::feed(std::string_view text) {
  pending_ += text;
  consume(/*is_end=*/false);
}

void ReplyParser::finish(bool is_whole) {
  consume(/*is_end=*/true);
  if (!is_whole) call_.clear();
  enter(ReplyPart::kAnswer);
}

void ReplyParser::consume(bool is_end) {
  while (true) {
    std::size_t at = std::string::npos;
    std::string_view tag;
    for (const std::string_view candidate : kTags)
      if (const std::size_t found = pending_.find(candidate); found < at) {
        at = found;
        tag = candidate;
      }
    if (at == std::string::npos) break;
    add(std::string_view(pending_).substr(0, at));
    pending_.erase(0, at + tag.size());
    if (tag == kCallOpen) enter(ReplyPart::kToolCall);
    if (tag == kCallClose || (tag == kThinkClose && part_ == ReplyPart::kReasoning))
      enter(ReplyPart::kAnswer);
  }
  // A tag that is not whole yet waits.
  std::size_t held = 0;
  for (const std::string_view tag : kTags)
    for (std::size_t size = 1; size < tag.size() && !is_end; ++size)
      if (pending_.ends_with(tag.substr(0, size))) held = std::max(held, size);
  add(std::string_view(pending_).substr(0, pending_.size() - held));
  pending_.erase(0, pending_.size() - held);
}

void ReplyParser::add(std::string_view text) {
  if (text.empty()) return;
  switch (part_) {
    case ReplyPart::kReasoning:
      return add_reasoning(text);
    case ReplyPart::kAnswer:
      return add_answer(text);
    case ReplyPart::kToolCall:
      call_ += text;
  }
}

void ReplyParser::add_reasoning(std::string_view text) {
  if (!std::exchange(has_reasoning_, true) && text.starts_with('\n')) text.remove_prefix(1);
  if (text.empty()) return;
  if (has_line_break_) sink_({ReplyPart::kReasoning, "\n", nullptr});
  has_line_break_ = text.ends_with('\n');
  if (has_line_break_) text.remove_suffix(1);
  if (!text.empty()) sink_({ReplyPart::kReasoning, text, nullptr});
}

void ReplyParser::add_answer(std::string_view text) {
  const std::size_t last = text.find_last_not_of(kSpaces);
  if (last == std::string_view::npos) {
    spaces_ += text;
    return;
  }
  if (has_answer_) {
    if (!spaces_.empty()) sink_({ReplyPart::kAnswer, spaces_, nullptr});
  } else {
    text.remove_prefix(text.find_first_not_of(kSpaces));
  }
  has_answer_ = true;
  const std::size_t size = text.find_last_not_of(kSpaces) + 1;
  spaces_.assign(text.substr(size));
  sink_({ReplyPart::kAnswer, text.substr(0, size), nullptr});
}

void ReplyParser::enter(ReplyPart part) {
  if (part_ == ReplyPart::kToolCall)
    if (const auto call = parse_call(call_)) sink_({ReplyPart::kToolCall, {}, &*call});
  call_.clear();
  part_ = part;
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
