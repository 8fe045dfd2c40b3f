#include <catch2/catch.hpp>
#include <random>
#include <string>
#include <vector>

#include "base/utf8.h"
#include "bpe/llama3_split.h"
#include "bpe/tekken_split.h"
#include "src/tokenizer/golden_file.h"

namespace nemotron {

namespace {

struct Splitter {
  std::size_t (*piece_length)(std::string_view text);
  const char* golden;
};
const Splitter kTekken = {tekken_piece_length, "tekken_split.json"};
const Splitter kLlama3 = {llama3_piece_length, "llama3_split.json"};

std::vector<std::size_t> piece_lengths(const Splitter& splitter, std::string_view text) {
  std::vector<std::size_t> lengths;
  while (!text.empty()) {
    lengths.push_back(splitter.piece_length(text));
    REQUIRE(lengths.back() > 0);
    REQUIRE(lengths.back() <= text.size());
    text.remove_prefix(lengths.back());
  }
  return lengths;
}

// Characters and bytes near each other in the rules, so that random texts meet them all.
std::string random_text(std::mt19937& random) {
  static const std::vector<std::string> kParts = {
      "a",  "'",  "B", "é", "Ǆ", "語",     "ʰ",      "\u0301", "1", "½",    " ",        "\t",  "\n",
      "\r", "\v", "/", "!", "_", "\u00a0", "\u2028", "\u200d", "🚀", "\xFF", "\xE2\x82", "\xF0"};
  std::string text;
  for (std::size_t n = random() % 24; n > 0; --n) text += kParts[random() % kParts.size()];
  return text;
}

}  // namespace

TEST_CASE("pieces are those of the regular expression") {
  const Splitter splitter = GENERATE(kTekken, kLlama3);
  const nlohmann::json golden = read_golden_json(splitter.golden);
  REQUIRE(golden["cases"].size() >= 1000);
  for (const auto& entry : golden["cases"]) {
    const auto text = entry[0].get<std::string>();
    INFO("text: " << text);
    CHECK(piece_lengths(splitter, text) == entry[1].get<std::vector<std::size_t>>());
  }
}

TEST_CASE("a byte that is not UTF-8 splits as a control character does") {
  const Splitter splitter = GENERATE(kTekken, kLlama3);
  std::mt19937 random(5);
  for (int i = 0; i < 20000; ++i) {
    const std::string text = random_text(random);
    std::string replaced;
    for (std::string_view rest = text; !rest.empty();) {
      const DecodedChar decoded = decode_utf8(rest);
      replaced += decoded.code_point == kNoCodePoint ? "\x01" : rest.substr(0, decoded.n_bytes);
      rest.remove_prefix(decoded.n_bytes);
    }
    REQUIRE(piece_lengths(splitter, text) == piece_lengths(splitter, replaced));
  }
}

// Each text makes some alternative look far ahead; a matcher that does so again for every piece
// would need hours here.
TEST_CASE("four megabytes without an end in sight are cut in linear time") {
  const Splitter splitter = GENERATE(kTekken, kLlama3);
  const std::string units[] = {"A",   "a",    "語A",  "\u0301A", "A\u0301", " ",  "\n ",
                               " \t", "!\n/", "\xFF", "Aa",      "1",       "語", " \n\u3000"};
  for (const std::string& unit : units) {
    std::string text;
    while (text.size() < (4u << 20)) text += unit;
    std::size_t n_bytes = 0;
    for (std::string_view rest = text; !rest.empty();) {
      const std::size_t length = splitter.piece_length(rest);
      n_bytes += length;
      rest.remove_prefix(length);
    }
    CHECK(n_bytes == text.size());
  }
}

}  // namespace nemotron
