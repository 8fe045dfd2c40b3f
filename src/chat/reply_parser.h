// The model's reply, piece by piece: thoughts, answer, tool calls. It forgives what models do: a
// call inside thoughts that were never closed, a tag twice, a block without its closing tags.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "chat/tool_call.h"

namespace nemotron {

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
  // That mean something in the present part.
  std::span<const std::string_view> tags() const;
  void consume(bool is_end);
  void follow(std::string_view tag);
  void add(std::string_view text);
  void add_reasoning(std::string_view text);
  void add_answer(std::string_view text);
  void enter(ReplyPart part);

  Sink sink_;
  ReplyPart part_;
  std::string pending_;   // not yet given to a part: may be the beginning of a tag
  std::string call_;      // the tool calls being read
  std::string spaces_;    // at the end of the answer, or before it
  bool is_list_ = false;  // of calls, in JSON
  bool has_answer_ = false;
  bool has_reasoning_ = false;
  bool has_line_break_ = false;  // at the end of the thoughts
};

}  // namespace nemotron
