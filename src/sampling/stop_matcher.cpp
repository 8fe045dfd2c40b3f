#include "sampling/stop_matcher.h"

#include <algorithm>

#include "base/text.h"

namespace nemotron {

Result<StopMatcher> StopMatcher::create(std::span<const std::string_view> stop_strings) {
  if (stop_strings.size() > kMaxStopStrings)
    return Status(StatusCode::kInvalidArgument,
                  join(stop_strings.size(), " stop strings; at most ", kMaxStopStrings));
  StopMatcher matcher;
  for (std::size_t i = 0; i < stop_strings.size(); ++i) {
    const std::string_view text = stop_strings[i];
    if (text.empty())
      return Status(StatusCode::kInvalidArgument, join("stop string ", i, " is empty"));
    Pattern pattern{std::string(text), std::vector<std::size_t>(text.size(), 0)};
    for (std::size_t end = 1, length = 0; end < text.size(); ++end) {
      while (length > 0 && text[end] != text[length]) length = pattern.border[length - 1];
      if (text[end] == text[length]) ++length;
      pattern.border[end] = length;
    }
    matcher.patterns_.push_back(std::move(pattern));
  }
  return matcher;
}

void StopMatcher::reserve(std::size_t n_bytes) {
  std::size_t held = 0;
  for (const Pattern& pattern : patterns_) held = std::max(held, pattern.text.size());
  pending_.reserve(held + n_bytes);
}

// Requires matched < text.size(), which holds because a complete match ends the stream.
void StopMatcher::Pattern::advance(char c) {
  while (matched > 0 && c != text[matched]) matched = border[matched - 1];
  if (c == text[matched]) ++matched;
}

StopMatcher::Output StopMatcher::feed(std::string_view piece) {
  pending_.erase(0, delivered_);
  delivered_ = 0;
  if (is_stopped_) return {{}, true};
  for (const char c : piece) {
    pending_ += c;
    std::size_t longest_stop = 0;
    for (Pattern& pattern : patterns_) {
      pattern.advance(c);
      if (pattern.matched == pattern.text.size())
        longest_stop = std::max(longest_stop, pattern.matched);
    }
    if (longest_stop > 0) {
      is_stopped_ = true;
      pending_.resize(pending_.size() - longest_stop);
      delivered_ = pending_.size();
      return {pending_, true};
    }
  }
  std::size_t held = 0;
  for (const Pattern& pattern : patterns_) held = std::max(held, pattern.matched);
  delivered_ = pending_.size() - held;
  return {std::string_view(pending_).substr(0, delivered_), false};
}

std::string_view StopMatcher::finish() {
  pending_.erase(0, delivered_);
  delivered_ = pending_.size();
  return pending_;
}

}  // namespace nemotron
