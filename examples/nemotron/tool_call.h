// A tool call of a reply, in the forms that the command shows and sends back.
#pragma once

#include <string>
#include <vector>

struct ToolCall {
  std::string name;
  std::string arguments;  // a JSON object
};

struct Reply {
  std::string reasoning;
  std::string content;
  std::vector<ToolCall> tool_calls;
};

// The calls as the JSON array that goes back into the conversation's history.
std::string to_json(const std::vector<ToolCall>& calls);

// "set_light(room="kitchen", state="off")"
std::string to_line(const ToolCall& call);
