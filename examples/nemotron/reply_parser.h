// The model's reply, piece by piece: thoughts, answer, tool calls. It forgives what models do: a
// call inside thoughts that were never closed, a tag twice, a block without its closing tags.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

struct ToolCall {
  std::string name;
  std::vector<std::pair<std::string, std::string>> arguments;  // as written, in order
};

struct Reply {
  std::string reasoning;
  std::string content;
  std::vector<ToolCall> tool_calls;
};

class ReplyParser {
 public:
  enum class Part { kReasoning, kContent, kToolCall };
  // Receives what can be shown at once; never tags, never the text of tool calls.
  using Sink = std::function<void(Part part, std::string_view text)>;

  // `in_thoughts`: the prompt has opened the reasoning already.
  ReplyParser(bool in_thoughts, Sink sink);

  void feed(std::string_view text);
  // Requires nothing more to come.
  Reply finish();

 private:
  void consume(bool is_end);
  void add(std::string_view text);
  void enter(Part part);

  Sink sink_;
  Part part_;
  std::string pending_;  // not yet given to a part: may be the beginning of a tag
  std::string call_;     // the tool call being read
  Reply reply_;
};

// The calls as the JSON array that goes back into the conversation's history. `tools_json` (may be
// empty) tells which arguments are strings and which are numbers and the like.
std::string to_json(const std::vector<ToolCall>& calls, const std::string& tools_json);

// "set_light(room="kitchen", state="off")"
std::string to_line(const ToolCall& call);
