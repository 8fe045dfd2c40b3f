// Tokenizers from GGUF-like data (tokenizer_build.cpp).
#include <catch2/catch.hpp>

#include "bpe/byte_alphabet.h"
#include "src/tokenizer/golden_ids.h"
#include "tokenizer/tokenizer.h"

namespace nemotron {

namespace {

void add_token(VocabularyData& data, const std::string& text, TokenType type) {
  data.tokens.push_back(text);
  data.token_types.push_back(static_cast<std::int32_t>(type));
}

// <unk> <s> </s> <|im_end|> <think> [PAD5], the bytes from id 6, then "ab".
VocabularyData tiny_vocabulary() {
  VocabularyData data;
  data.pre = "pixtral";
  add_token(data, "<unk>", TokenType::kUnknown);
  add_token(data, "<s>", TokenType::kControl);
  add_token(data, "</s>", TokenType::kControl);
  add_token(data, "<|im_end|>", TokenType::kControl);
  add_token(data, "<think>", TokenType::kControl);
  add_token(data, "[PAD5]", TokenType::kUnused);
  for (int byte = 0; byte < 256; ++byte)
    add_token(data, alphabet_from_bytes(std::string(1, static_cast<char>(byte))),
              TokenType::kNormal);
  add_token(data, "ab", TokenType::kNormal);
  data.merges = {"a b"};
  data.bos_id = 1;
  data.eos_id = 3;
  data.unknown_id = 0;
  return data;
}

Tokenizer make(VocabularyData data) {
  Result<Tokenizer> tokenizer = Tokenizer::from_vocabulary(std::move(data));
  INFO(tokenizer.status().message());
  REQUIRE(tokenizer.is_ok());
  return std::move(tokenizer).value();
}

// The small vocabulary in the shape in which a GGUF file holds it.
VocabularyData small_vocabulary() {
  const nlohmann::json json = read_golden_json("small.tokenizer.json");
  const auto& vocab = json["model"]["vocab"];
  const auto& added = json["added_tokens"];
  VocabularyData data;
  data.pre = "pixtral";
  data.tokens.resize(vocab.size() + 1);
  data.token_types.resize(vocab.size() + 1, static_cast<std::int32_t>(TokenType::kNormal));
  for (const auto& [text, id] : vocab.items()) data.tokens[id.get<std::size_t>()] = text;
  for (const auto& token : added) {
    const auto id = token["id"].get<std::int32_t>();
    data.tokens[static_cast<std::size_t>(id)] = token["content"].get<std::string>();
    data.token_types[static_cast<std::size_t>(id)] = static_cast<std::int32_t>(
        token["special"].get<bool>() ? TokenType::kControl : TokenType::kUserDefined);
    if (token["normalized"].get<bool>()) data.second_pass_ids.push_back(id);
  }
  for (const auto& merge : json["model"]["merges"])
    data.merges.push_back(merge[0].get<std::string>() + " " + merge[1].get<std::string>());
  data.ignore_merges = false;
  return data;
}

}  // namespace

TEST_CASE("a vocabulary from GGUF gives the ids of the one from tokenizer.json") {
  check_golden_ids(make(small_vocabulary()), "small_ids.json");
}

TEST_CASE("token types decide what is an added token, what is control, what text can become") {
  const Tokenizer tokenizer = make(tiny_vocabulary());
  CHECK(tokenizer.n_vocab() == 263);
  CHECK(encode(tokenizer, "<s>ab<think>", true) == Ids{1, 262, 4});
  CHECK(encode(tokenizer, "[PAD5]", true).size() == 6);
  CHECK(tokenizer.is_control(0));
  CHECK(tokenizer.is_control(5));
  CHECK_FALSE(tokenizer.is_control(4));
  CHECK_FALSE(tokenizer.is_control(262));
  CHECK(tokenizer.token_bytes(5) == "[PAD5]");
  CHECK(tokenizer.token_id("<s>") == 1);
  CHECK(tokenizer.token_id("ab") == 262);
  CHECK(tokenizer.token_id("abc") == -1);
}

TEST_CASE("stop ids are EOS, the file's others, <|im_end|> and </s>") {
  VocabularyData data = tiny_vocabulary();
  data.eos_id = 4;
  data.extra_stop_ids = {262, 2};
  const Tokenizer tokenizer = make(data);
  const auto stop_ids = tokenizer.stop_ids();
  CHECK(Ids(stop_ids.begin(), stop_ids.end()) == Ids{2, 3, 4, 262});
  CHECK(tokenizer.eos_id() == 4);
}

TEST_CASE("BOS goes by the pre-tokenizer's name before the file's flag") {
  const auto adds_bos = [](const char* pre, std::optional<bool> flag, std::int64_t bos_id) {
    VocabularyData data = tiny_vocabulary();
    data.pre = pre;
    data.add_bos = flag;
    data.bos_id = bos_id;
    return make(data).adds_bos();
  };
  CHECK_FALSE(adds_bos("pixtral", true, 1));
  CHECK_FALSE(adds_bos("pixtral", std::nullopt, 1));
  CHECK(adds_bos("tekken", true, 1));
  CHECK(adds_bos("tekken", std::nullopt, 1));
  CHECK_FALSE(adds_bos("tekken", false, 1));
  CHECK_FALSE(adds_bos("tekken", true, -1));
}

TEST_CASE("bad vocabularies are refused with a sentence") {
  const auto message = [](StatusCode code, auto change) {
    VocabularyData data = tiny_vocabulary();
    change(data);
    const Result<Tokenizer> tokenizer = Tokenizer::from_vocabulary(std::move(data));
    REQUIRE_FALSE(tokenizer.is_ok());
    CHECK(tokenizer.status().code() == code);
    return tokenizer.status().message();
  };
  constexpr auto kBad = StatusCode::kBadFile;
  using Catch::Contains;
  using Data = VocabularyData;
  CHECK_THAT(message(StatusCode::kUnsupportedFormat, [](Data& d) { d.pre = "llama-bpe"; }),
             Contains("'llama-bpe'"));
  CHECK_THAT(message(kBad, [](Data& d) { d.tokens.clear(); }), Contains("0 tokens"));
  CHECK_THAT(message(kBad, [](Data& d) { d.token_types.pop_back(); }), Contains("262 token types"));
  CHECK_THAT(message(kBad, [](Data& d) { d.token_types[7] = 9; }), Contains("unknown type 9"));
  CHECK_THAT(message(kBad, [](Data& d) { d.token_types[7] = -3; }), Contains("unknown type -3"));
  CHECK_THAT(message(kBad, [](Data& d) { d.tokens[7] = ""; }), Contains("token 7"));
  CHECK_THAT(message(kBad, [](Data& d) { d.tokens[7] = "a b"; }), Contains("byte alphabet"));
  CHECK_THAT(message(kBad, [](Data& d) { d.tokens[262] = "a"; }), Contains("token 262"));
  CHECK_THAT(message(kBad, [](Data& d) { d.tokens[2] = "<s>"; }), Contains("same text"));
  CHECK_THAT(message(kBad, [](Data& d) { d.tokens[7] = "zz"; }), Contains("no token for byte"));
  CHECK_THAT(message(kBad, [](Data& d) { d.merges = {"a c"}; }), Contains("merge 0"));
  CHECK_THAT(message(kBad, [](Data& d) { d.eos_id = 263; }), Contains("EOS"));
  CHECK_THAT(message(kBad, [](Data& d) { d.bos_id = -2; }), Contains("BOS"));
  CHECK_THAT(message(kBad, [](Data& d) { d.unknown_id = INT64_MAX; }), Contains("unknown"));
  CHECK_THAT(message(kBad, [](Data& d) { d.extra_stop_ids = {300}; }), Contains("stop"));
  CHECK_THAT(message(kBad, [](Data& d) { d.second_pass_ids = {300}; }), Contains("300"));
}

}  // namespace nemotron
