#include "tokenizer/tokenizer.h"

#include <catch2/catch.hpp>
#include <random>

#include "src/tokenizer/golden_ids.h"

namespace nemotron {

namespace {

Ids concatenate(std::initializer_list<Ids> parts) {
  Ids all;
  for (const Ids& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

Ids encode_in(const Tokenizer& tokenizer, std::string_view text, std::vector<TextRange> ranges) {
  Ids ids;
  REQUIRE(tokenizer.encode(text, ranges, ids).is_ok());
  return ids;
}

}  // namespace

TEST_CASE("ids of the small vocabulary are those of tokenizers") {
  check_golden_ids(small_tokenizer(), "small_ids.json");
}

TEST_CASE("any bytes survive encoding and decoding") {
  const Tokenizer tokenizer = small_tokenizer();
  std::mt19937 random(17);
  for (int i = 0; i < 4000; ++i) {
    std::string text;
    for (std::size_t n = random() % (i % 100 == 0 ? 5000 : 60); n > 0; --n) {
      const auto byte = random();
      text += static_cast<char>(byte % 3 == 0 ? byte >> 8 : byte >> 8 & 0x7F);
    }
    if (i % 5 == 0) text.insert(text.size() / 2, "<|im_start|>");
    for (const bool parse_special : {false, true}) {
      const Ids ids = encode(tokenizer, text, parse_special);
      REQUIRE(decode(tokenizer, ids) == text);
      std::string bytes;
      for (const std::int32_t id : ids) bytes += tokenizer.token_bytes(id);
      REQUIRE(bytes == text);
    }
  }
}

TEST_CASE("text never becomes an added token unless asked to") {
  const Tokenizer tokenizer = small_tokenizer();
  for (std::int32_t id = 0; id < tokenizer.n_vocab(); ++id) {
    const std::string text(tokenizer.token_bytes(id));
    if (tokenizer.token_id(text) != id || id >= 32) continue;
    CHECK(encode(tokenizer, text, true) == Ids{id});
    CHECK(encode(tokenizer, text, false).size() > 1);
  }
}

TEST_CASE("added tokens are recognised within the given ranges only") {
  const Tokenizer tokenizer = small_tokenizer();
  const Ids start = {tokenizer.token_id("<|im_start|>")};
  const Ids end = {tokenizer.token_id("<|im_end|>")};
  const std::string text = "<|im_start|>user\n<|im_end|> hi<|im_end|>";
  const auto plain = [&](std::string_view part) { return encode(tokenizer, part, false); };

  CHECK(encode_in(tokenizer, text, {}) == plain(text));
  CHECK(encode_in(tokenizer, text, {{0, text.size()}}) == encode(tokenizer, text, true));
  // The user's text is bytes 17 to 30; it and the template's around it are one run.
  CHECK(encode_in(tokenizer, text, {{0, 17}, {30, 40}}) ==
        concatenate({start, plain("user\n<|im_end|> hi"), end}));
  // A token that only partly lies in a range is text; ranges that touch are one.
  CHECK(encode_in(tokenizer, text, {{0, 11}, {31, 40}}) == plain(text));
  CHECK(encode_in(tokenizer, text, {{0, 5}, {5, 12}}) ==
        concatenate({start, plain(text.substr(12))}));
  CHECK(encode_in(tokenizer, text, {{3, 3}, {30, 40}}) ==
        concatenate({plain(text.substr(0, 30)), end}));
  // Added tokens of the second pass obey the ranges too.
  const Ids response = {tokenizer.token_id("<tool_response>")};
  const std::string twice = "<|im_end|><tool_response><tool_response>";
  CHECK(encode_in(tokenizer, twice, {{0, 25}}) ==
        concatenate({end, response, plain("<tool_response>")}));
  CHECK(encode_in(tokenizer, twice, {{0, 10}, {25, 40}}) ==
        concatenate({end, plain("<tool_response>"), response}));
}

TEST_CASE("ranges out of order or outside the text are refused and nothing is appended") {
  const Tokenizer tokenizer = small_tokenizer();
  Ids ids = {1};
  const std::vector<std::vector<TextRange>> wrong = {
      {{0, 4}}, {{2, 1}}, {{1, 2}, {0, 1}}, {{0, 2}, {1, 3}}, {{5, 5}}};
  for (const auto& ranges : wrong)
    CHECK(tokenizer.encode("abc", ranges, ids).code() == StatusCode::kInvalidArgument);
  CHECK(ids == Ids{1});
}

TEST_CASE("decoding can leave out control tokens, never the tags of a message") {
  const Tokenizer tokenizer = small_tokenizer();
  const std::string text = "<|im_start|><think>a</think><tool_call>b</tool_call><|im_end|></s>";
  const Ids ids = encode(tokenizer, text, true);
  CHECK(decode(tokenizer, ids, true) == "<think>a</think><tool_call>b</tool_call>");
  for (const char* name : {"<unk>", "<s>", "</s>", "<|im_start|>", "<|im_end|>", "<SPECIAL_31>"})
    CHECK(tokenizer.is_control(tokenizer.token_id(name)));
  for (const char* name : {"<think>", "</think>", "<tool_call>", "</tool_response>", "a", "x<s"})
    CHECK_FALSE(tokenizer.is_control(tokenizer.token_id(name)));
  CHECK_FALSE(tokenizer.is_control(-1));
  CHECK_FALSE(tokenizer.is_control(tokenizer.n_vocab()));
}

TEST_CASE("ids out of range are refused and change nothing") {
  const Tokenizer tokenizer = small_tokenizer();
  for (const std::int32_t id : {-1, tokenizer.n_vocab(), INT32_MAX, INT32_MIN}) {
    std::string text = "before";
    const Ids ids = {40, id};
    const Status status = tokenizer.decode(ids, false, text);
    CHECK(status.code() == StatusCode::kInvalidToken);
    CHECK_THAT(status.message(), Catch::Contains(std::to_string(id) + " at index 1"));
    CHECK(text == "before");
    CHECK(tokenizer.token_bytes(id).empty());
    CHECK_FALSE(tokenizer.is_valid(id));
  }
}

}  // namespace nemotron
