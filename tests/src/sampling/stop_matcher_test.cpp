#include "sampling/stop_matcher.h"

#include <catch2/catch.hpp>
#include <random>
#include <string>
#include <vector>

using nemotron::StatusCode;
using nemotron::StopMatcher;

namespace {

using Stops = std::vector<std::string_view>;

struct Delivered {
  std::string text;
  bool is_stopped = false;
  bool operator==(const Delivered&) const = default;
};

StopMatcher matcher_of(const Stops& stops) {
  auto matcher = StopMatcher::create(stops);
  REQUIRE(matcher.status().message() == "");
  return std::move(matcher).value();
}

Delivered stream(const Stops& stops, const std::vector<std::string>& pieces) {
  StopMatcher matcher = matcher_of(stops);
  Delivered out;
  for (const std::string& piece : pieces) {
    const auto result = matcher.feed(piece);
    out.text += result.text;
    out.is_stopped = result.is_stopped;
  }
  out.text += matcher.finish();
  return out;
}

// The rule, over the whole text: the stop string that ends first, the longest of those.
Delivered brute_force(const Stops& stops, const std::string& text) {
  for (std::size_t end = 1; end <= text.size(); ++end) {
    std::size_t longest = 0;
    for (const std::string_view stop : stops)
      if (stop.size() <= end && text.compare(end - stop.size(), stop.size(), stop) == 0)
        longest = std::max(longest, stop.size());
    if (longest > 0) return {text.substr(0, end - longest), true};
  }
  return {text, false};
}

}  // namespace

TEST_CASE("without stop strings everything passes at once") {
  StopMatcher matcher;
  CHECK(matcher.feed("abc").text == "abc");
  CHECK(matcher.feed("").text == "");
  CHECK(matcher.finish() == "");
}

TEST_CASE("a stop string split across pieces is never delivered") {
  StopMatcher matcher = matcher_of({"STOP"});
  CHECK(matcher.feed("go S").text == "go ");
  CHECK(matcher.feed("TO").text == "");
  const auto end = matcher.feed("P and more");
  CHECK(end.text == "");
  CHECK(end.is_stopped);
  CHECK(matcher.feed("later").text == "");
  CHECK(matcher.finish() == "");
}

TEST_CASE("what was held back is delivered when it does not become a stop string") {
  StopMatcher matcher = matcher_of({"aab"});
  CHECK(matcher.feed("aa").text == "");
  CHECK(matcher.feed("a").text == "a");  // "aa" may still begin one
  CHECK(matcher.feed("c").text == "aac");
  CHECK(matcher.feed("a").text == "");
  CHECK(matcher.finish() == "a");
  CHECK(matcher.finish() == "");
}

TEST_CASE("stop strings that overlap") {
  CHECK(stream({"ab", "xabc"}, {"1xabc"}) == Delivered{"1x", true});
  CHECK(stream({"bc", "abc"}, {"1abc"}) == Delivered{"1", true});
  CHECK(stream({"abcd", "bce"}, {"abc", "e!"}) == Delivered{"a", true});
  CHECK(stream({"abcd", "bce"}, {"abc", "f!"}) == Delivered{"abcf!", false});
  CHECK(stream({"a", "a"}, {"xa"}) == Delivered{"x", true});
}

TEST_CASE("the cuts of the text change nothing: random texts against a brute force") {
  std::mt19937 random(3);
  const auto random_text = [&](std::size_t length) {
    std::string text;
    while (text.size() < length) text += static_cast<char>('a' + random() % 2);
    return text;
  };
  for (int round = 0; round < 3000; ++round) {
    std::vector<std::string> kept;
    for (unsigned i = 0; i < 1 + random() % 3; ++i) kept.push_back(random_text(1 + random() % 7));
    const Stops stops(kept.begin(), kept.end());
    const std::string text = random_text(random() % 24);
    std::vector<std::string> pieces;
    for (std::size_t at = 0; at < text.size(); at += pieces.back().size())
      pieces.push_back(text.substr(at, 1 + random() % 5));
    const Delivered found = stream(stops, pieces);
    const Delivered expected = brute_force(stops, text);
    INFO(text << " with " << kept.size() << " stops, the first " << kept[0]);
    REQUIRE(found.text == expected.text);
    REQUIRE(found.is_stopped == expected.is_stopped);
  }
}

TEST_CASE("whole characters stay whole") {
  StopMatcher matcher = matcher_of({"\xc3\xa9!"});
  CHECK(matcher.feed("caf\xc3\xa9").text == "caf");
  CHECK(matcher.feed("\xc3\xa8").text == "\xc3\xa9\xc3\xa8");
}

TEST_CASE("stop strings that are refused") {
  CHECK(StopMatcher::create(Stops{""}).status().code() == StatusCode::kInvalidArgument);
  CHECK(StopMatcher::create(Stops{"a", ""}).status().code() == StatusCode::kInvalidArgument);
  CHECK(StopMatcher::create(Stops(65, "a")).status().code() == StatusCode::kInvalidArgument);
  CHECK(StopMatcher::create(Stops(64, "a")).is_ok());
}
