#include "tokenizer/utf8_repair.h"

#include <catch2/catch.hpp>
#include <random>

namespace nemotron {

namespace {

std::string repair(std::string bytes) {
  std::string text;
  take_utf8(bytes, true, text);
  CHECK(bytes.empty());
  return text;
}

}  // namespace

// As Python's bytes.decode("utf-8", "replace") has it.
TEST_CASE("each maximal part of a character becomes one U+FFFD") {
  const std::string r = "\uFFFD";
  CHECK(repair("plain é 語 🚀") == "plain é 語 🚀");
  CHECK(repair("\x80\xBF") == r + r);
  CHECK(repair("\xC3") == r);
  CHECK(repair("\xC3(") == r + "(");
  CHECK(repair("\xC0\xAF") == r + r);
  CHECK(repair("\xE2\x82") == r);
  CHECK(repair("\xE2\x82\xE2\x82\xAC") == r + "€");
  CHECK(repair("\xE0\x80\xAF") == r + r + r);
  CHECK(repair("\xED\xA0\x80") == r + r + r);
  CHECK(repair("\xF0\x9F\x9A") == r);
  CHECK(repair("\xF0\x9F\x9A!") == r + "!");
  CHECK(repair("\xF4\x90\x80\x80") == r + r + r + r);
  CHECK(repair("\xF0\x80\x80\x80") == r + r + r + r);
  CHECK(repair("\xF5\x80") == r + r);
  CHECK(repair(std::string("a\0b", 3)) == std::string("a\0b", 3));
}

TEST_CASE("in any pieces it is the same text") {
  std::mt19937 random(23);
  const std::string alphabet = "a\x80\x90\xA0\xBF\xC2\xE0\xE2\xED\xEF\xF0\xF4\xF5\xFF";
  for (int i = 0; i < 20000; ++i) {
    std::string bytes, held_back, text;
    for (std::size_t n = random() % 12; n > 0; --n) {
      bytes += alphabet[random() % alphabet.size()];
      held_back += bytes.back();
      take_utf8(held_back, false, text);
      REQUIRE(held_back.size() < 4);
    }
    take_utf8(held_back, true, text);
    REQUIRE(text == repair(bytes));
  }
}

}  // namespace nemotron
