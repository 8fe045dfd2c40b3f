#include "tokenizer/stream_decoder.h"

#include <catch2/catch.hpp>

#include "src/tokenizer/golden_ids.h"

namespace nemotron {

namespace {

std::int32_t id_of_byte(const Tokenizer& tokenizer, unsigned char byte) {
  const char bytes[1] = {static_cast<char>(byte)};
  const std::int32_t id = tokenizer.token_id(std::string_view(bytes, 1));
  REQUIRE(id >= 0);
  return id;
}

std::string push(StreamDecoder& decoder, std::int32_t id) {
  std::string text;
  REQUIRE(decoder.push(id, text).is_ok());
  return text;
}

std::string flush(StreamDecoder& decoder) {
  std::string text;
  decoder.flush(text);
  return text;
}

}  // namespace

TEST_CASE("a stream of ids is the text, cut between characters") {
  const Tokenizer tokenizer = small_tokenizer();
  const nlohmann::json golden = read_golden_json("small_ids.json");
  for (const auto& entry : golden["cases"]) {
    const auto text = entry[0].get<std::string>();
    StreamDecoder decoder(tokenizer, /*skip_control=*/false);
    std::string streamed;
    for (const std::int32_t id : entry[1].get<Ids>()) {
      streamed += push(decoder, id);
      REQUIRE(decoder.held_back().size() < 4);
      // What came so far is a whole number of characters of the text.
      REQUIRE(text.compare(0, streamed.size(), streamed) == 0);
      REQUIRE((streamed.size() == text.size() || (text[streamed.size()] & 0xC0) != 0x80));
    }
    REQUIRE(flush(decoder).empty());
    REQUIRE(streamed == text);
  }
}

TEST_CASE("a character comes out with its last byte") {
  const Tokenizer tokenizer = small_tokenizer();
  StreamDecoder decoder(tokenizer);
  CHECK(push(decoder, id_of_byte(tokenizer, 0xF0)).empty());
  CHECK(push(decoder, id_of_byte(tokenizer, 0x9F)).empty());
  CHECK(push(decoder, id_of_byte(tokenizer, 0x9A)).empty());
  CHECK(decoder.held_back().size() == 3);
  CHECK(push(decoder, id_of_byte(tokenizer, 0x80)) == "🚀");
  CHECK(decoder.held_back().empty());
}

TEST_CASE("what cannot become a character becomes U+FFFD") {
  const Tokenizer tokenizer = small_tokenizer();
  StreamDecoder decoder(tokenizer);
  CHECK(push(decoder, id_of_byte(tokenizer, 0xE2)).empty());
  CHECK(push(decoder, id_of_byte(tokenizer, 0x82)).empty());
  CHECK(push(decoder, id_of_byte(tokenizer, 'a')) == "\uFFFDa");
  CHECK(push(decoder, id_of_byte(tokenizer, 0xFF)) == "\uFFFD");
  CHECK(push(decoder, id_of_byte(tokenizer, 0xC3)).empty());
  CHECK(flush(decoder) == "\uFFFD");
  CHECK(flush(decoder).empty());
}

TEST_CASE("control tokens are left out or shown, and end a half character") {
  const Tokenizer tokenizer = small_tokenizer();
  const std::int32_t control = tokenizer.token_id("<|im_end|>");
  StreamDecoder skipping(tokenizer);
  StreamDecoder showing(tokenizer, /*skip_control=*/false);
  CHECK(push(skipping, control).empty());
  CHECK(push(showing, control) == "<|im_end|>");
  CHECK(push(skipping, tokenizer.token_id("<think>")) == "<think>");
  CHECK(push(skipping, id_of_byte(tokenizer, 0xE2)).empty());
  CHECK(push(skipping, control) == "\uFFFD");
}

TEST_CASE("an id out of range changes nothing") {
  const Tokenizer tokenizer = small_tokenizer();
  StreamDecoder decoder(tokenizer);
  CHECK(push(decoder, id_of_byte(tokenizer, 0xC3)).empty());
  std::string text;
  CHECK(decoder.push(tokenizer.n_vocab(), text).code() == StatusCode::kInvalidToken);
  CHECK(decoder.push(-1, text).code() == StatusCode::kInvalidToken);
  CHECK(text.empty());
  CHECK(push(decoder, id_of_byte(tokenizer, 0xA9)) == "é");
}

}  // namespace nemotron
