#include "reply_parser.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <optional>

using Json = nlohmann::ordered_json;

namespace {

constexpr std::string_view kThinkOpen = "<think>";
constexpr std::string_view kThinkClose = "</think>";
constexpr std::string_view kCallOpen = "<tool_call>";
constexpr std::string_view kCallClose = "</tool_call>";
constexpr std::array kTags = {kThinkOpen, kThinkClose, kCallOpen, kCallClose};

std::string_view strip(std::string_view text) {
  constexpr std::string_view kSpaces = " \t\r\n";
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

// The JSON schema's type of an argument; empty where nobody says.
std::string argument_type(const Json& tools, const ToolCall& call, const std::string& argument) {
  for (const Json& tool : tools) {
    const Json& function = tool.contains("function") ? tool["function"] : tool;
    if (!function.is_object() || function.value("name", "") != call.name) continue;
    const Json::json_pointer path("/parameters/properties");
    if (!function.contains(path) || !function[path].is_object()) return {};
    const Json& properties = function[path];
    if (!properties.contains(argument) || !properties[argument].is_object()) return {};
    const Json& schema = properties[argument];
    return schema.contains("type") && schema["type"].is_string() ? schema["type"] : Json("");
  }
  return {};
}

// Strings stay as they are; so does what does not read as its type.
Json convert(const std::string& value, const std::string& type) {
  if (type.empty() || type == "string") return value;
  if (value == "True") return true;
  if (value == "False") return false;
  if (value == "None") return nullptr;
  Json parsed = Json::parse(value, nullptr, /*allow_exceptions=*/false);
  return parsed.is_discarded() ? Json(value) : parsed;
}

}  // namespace

ReplyParser::ReplyParser(bool in_thoughts, Sink sink)
    : sink_(std::move(sink)), part_(in_thoughts ? Part::kReasoning : Part::kContent) {}

void ReplyParser::feed(std::string_view text) {
  pending_ += text;
  consume(/*is_end=*/false);
}

Reply ReplyParser::finish() {
  consume(/*is_end=*/true);
  enter(Part::kContent);
  reply_.reasoning = strip_line_breaks(reply_.reasoning);
  reply_.content = strip(reply_.content);
  return std::move(reply_);
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
    if (tag == kCallOpen) enter(Part::kToolCall);
    if (tag == kCallClose || (tag == kThinkClose && part_ == Part::kReasoning))
      enter(Part::kContent);
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
  if (part_ == Part::kToolCall) {
    call_ += text;
    return;
  }
  (part_ == Part::kReasoning ? reply_.reasoning : reply_.content) += text;
  sink_(part_, text);
}

void ReplyParser::enter(Part part) {
  if (part_ == Part::kToolCall)
    if (auto call = parse_call(call_)) reply_.tool_calls.push_back(std::move(*call));
  call_.clear();
  part_ = part;
}

std::string to_json(const std::vector<ToolCall>& calls, const std::string& tools_json) {
  Json tools = Json::parse(tools_json, nullptr, /*allow_exceptions=*/false);
  if (!tools.is_array()) tools = Json::array();
  Json out = Json::array();
  for (const ToolCall& call : calls) {
    Json arguments = Json::object();
    for (const auto& [key, value] : call.arguments)
      arguments[key] = convert(value, argument_type(tools, call, key));
    out.push_back({{"function", {{"name", call.name}, {"arguments", arguments}}}});
  }
  return out.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string to_line(const ToolCall& call) {
  std::string out = call.name + "(";
  for (const auto& [key, value] : call.arguments) {
    if (out.back() != '(') out += ", ";
    out += key + "=" + Json(value).dump(-1, ' ', false, Json::error_handler_t::replace);
  }
  return out + ")";
}
