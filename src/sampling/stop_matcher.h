// Stop strings in a stream of text: lets through what can no longer become part of one, so that no
// byte of a stop string is ever delivered. The result does not depend on how the text is cut.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace nemotron {

inline constexpr std::size_t kMaxStopStrings = 64;

class StopMatcher {
 public:
  StopMatcher() = default;  // no stop strings: everything passes

  // kInvalidArgument for an empty string or more than kMaxStopStrings. With stop strings that are
  // UTF-8, a stream of whole characters stays one.
  static Result<StopMatcher> create(std::span<const std::string_view> stop_strings);

  struct Output {
    std::string_view text;    // to deliver; lives until the next call
    bool is_stopped = false;  // a stop string is complete: the text before it is all delivered
  };

  // The first stop string to be complete ends the text; of several complete at the same byte, the
  // longest. After a stop everything is dropped.
  Output feed(std::string_view piece);

  // Whether some of the text fed may still become part of a stop string.
  bool is_holding() const { return pending_.size() > delivered_; }

  // Makes room for pieces of that many bytes, so that feed() rarely allocates.
  void reserve(std::size_t n_bytes);

  // What was held back, when the stream ends without a stop.
  std::string_view finish();

 private:
  // One stop string and how much of it the text so far ends with (Knuth, Morris, Pratt).
  struct Pattern {
    std::string text;
    std::vector<std::size_t> border;  // [i]: longest proper prefix of text[0, i] that is its suffix
    std::size_t matched = 0;

    void advance(char c);
  };

  std::vector<Pattern> patterns_;
  std::string pending_;        // text that is not delivered
  std::size_t delivered_ = 0;  // bytes at the front of pending_ that the last call delivered
  bool is_stopped_ = false;
};

}  // namespace nemotron
