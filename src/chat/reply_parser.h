// The model's reply, piece by piece: thoughts, answer, tool calls. It forgives what models do: a
// call inside thoughts that were never closed, a tag twice, a block without its closing tags.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "chat/caller_json.h"

namespace nemotron {

struct ToolCall {
  std::string name;
  std::vector<std::pair<std::string, std::string>> arguments;  // as written, in order
};

enum class ReplyPart : std::uint8_t { kReasoning, kAnswer, kToolCall };

struct ReplyPiece {
  ReplyPart part = ReplyPart::kAnswer;
  std::string_view text;           // of thoughts and answers; lives during the call
  const ToolCall* call = nullptr;  // of kToolCall: a whole call
};

class ReplyParser {
 public:
  // Receives the pieces in order; never tags. The answer's are together without spaces at their
  // ends, the thoughts' without one line break at each end: what a conversation's history wants.
  using Sink = std::function<void(const ReplyPiece& piece)>;

  // `in_thoughts`: the prompt has opened the reasoning already.
  ReplyParser(bool in_thoughts, Sink sink);

  void feed(std::string_view text);
  // The end of the text. A call that is not closed is told if the reply `is_whole`, and dropped
  // where it was cut: its arguments may be, too.
  void finish(bool is_whole);

  ReplyPart part() const { return part_; }
  // Whether some of the text belongs to no part yet.
  bool is_undecided() const { return !pending_.empty(); }
  // Bytes that the answer grows by before what comes next, if anything comes.
  std::size_t n_held_spaces() const { return has_answer_ ? spaces_.size() : 0; }

 private:
  void consume(bool is_end);
  void add(std::string_view text);
  void add_reasoning(std::string_view text);
  void add_answer(std::string_view text);
  void enter(ReplyPart part);

  Sink sink_;
  ReplyPart part_;
  std::string pending_;  // not yet given to a part: may be the beginning of a tag
  std::string call_;     // the tool call being read
  std::string spaces_;   // at the end of the answer, or before it
  bool has_answer_ = false;
  bool has_reasoning_ = false;
  bool has_line_break_ = false;  // at the end of the thoughts
};

// Tools as callers pass them, checked. kInvalidJson, kInvalidUtf8. No text: no tools.
Result<CallerJson> parse_tools(std::string_view json, std::string_view name);

// The arguments as a JSON object. `tools` tells which are strings and which numbers and the like;
// what nobody declares is a string, and so is what does not read as its type.
std::string arguments_json(const ToolCall& call, const CallerJson& tools);

}  // namespace nemotron
