#include "chat/reply_parser.h"

#include <algorithm>
#include <array>
#include <utility>

#include "chat/prompt_writer.h"

namespace nemotron {

namespace {

constexpr std::string_view kCallOpen = "<tool_call>";
constexpr std::string_view kCallClose = "</tool_call>";
constexpr std::string_view kCallsOpen = "<TOOLCALL>";
constexpr std::string_view kCallsClose = "</TOOLCALL>";
constexpr std::array kTags = {kThinkOpen, kThinkClose, kCallOpen,
                              kCallClose, kCallsOpen,  kCallsClose};
// Within calls other tags belong to values.
constexpr std::array kTagsOfCall = {kCallOpen, kCallClose};
constexpr std::array kTagsOfCalls = {kCallsClose};

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

std::span<const std::string_view> ReplyParser::tags() const {
  if (part_ != ReplyPart::kToolCall) return kTags;
  if (is_list_) return kTagsOfCalls;
  return kTagsOfCall;
}

void ReplyParser::consume(bool is_end) {
  while (true) {
    std::size_t at = std::string::npos;
    std::string_view tag;
    for (const std::string_view candidate : tags())
      if (const std::size_t found = pending_.find(candidate); found < at) {
        at = found;
        tag = candidate;
      }
    if (at == std::string::npos) break;
    add(std::string_view(pending_).substr(0, at));
    pending_.erase(0, at + tag.size());
    follow(tag);
  }
  // A tag that is not whole yet waits.
  std::size_t held = 0;
  for (const std::string_view tag : tags())
    for (std::size_t size = 1; size < tag.size() && !is_end; ++size)
      if (pending_.ends_with(tag.substr(0, size))) held = std::max(held, size);
  add(std::string_view(pending_).substr(0, pending_.size() - held));
  pending_.erase(0, pending_.size() - held);
}

void ReplyParser::follow(std::string_view tag) {
  if (tag == kCallOpen || tag == kCallsOpen) {
    enter(ReplyPart::kToolCall);
    is_list_ = tag == kCallsOpen;
  }
  if (tag == kCallClose || tag == kCallsClose ||
      (tag == kThinkClose && part_ == ReplyPart::kReasoning))
    enter(ReplyPart::kAnswer);
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
  const std::size_t last = text.find_last_not_of(kReplySpaces);
  if (last == std::string_view::npos) {
    spaces_ += text;
    return;
  }
  if (has_answer_) {
    if (!spaces_.empty()) sink_({ReplyPart::kAnswer, spaces_, nullptr});
  } else {
    text.remove_prefix(text.find_first_not_of(kReplySpaces));
  }
  has_answer_ = true;
  const std::size_t size = text.find_last_not_of(kReplySpaces) + 1;
  spaces_.assign(text.substr(size));
  sink_({ReplyPart::kAnswer, text.substr(0, size), nullptr});
}

void ReplyParser::enter(ReplyPart part) {
  if (part_ == ReplyPart::kToolCall)
    for (const ToolCall& call : parse_calls(call_)) sink_({ReplyPart::kToolCall, {}, &call});
  call_.clear();
  part_ = part;
}

}  // namespace nemotron
