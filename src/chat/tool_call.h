// A tool call that a model wrote, and its arguments as JSON.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "chat/caller_json.h"

namespace nemotron {

// What models put around the parts of a reply.
inline constexpr std::string_view kReplySpaces = " \t\r\n";

struct ToolCall {
  std::string name;
  std::vector<std::pair<std::string, std::string>> arguments = {};  // as written, in order
  std::string object = {};  // or all of them, where they were written as a JSON object
};

// What stands between the tags of calls: one in the form of Nemotron 3 (<function=...>), or a JSON
// list of them as Nano v2 writes. Leaves out what is no call.
std::vector<ToolCall> parse_calls(std::string_view text);

// Tools as callers pass them, checked. kInvalidJson, kInvalidUtf8. No text: no tools.
Result<CallerJson> parse_tools(std::string_view json, std::string_view name);

// The arguments as a JSON object. `tools` tells which are strings and which numbers and the like;
// what nobody declares is a string, and so is what does not read as its type.
std::string arguments_json(const ToolCall& call, const CallerJson& tools);

}  // namespace nemotron
