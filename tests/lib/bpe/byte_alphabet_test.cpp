#include "bpe/byte_alphabet.h"

#include <catch2/catch.hpp>

namespace nemotron {

TEST_CASE("the byte alphabet writes each byte and reads it back") {
  std::string all;
  for (int byte = 0; byte < 256; ++byte) all += static_cast<char>(byte);
  const std::string text = alphabet_from_bytes(all);
  std::string bytes;
  REQUIRE(bytes_from_alphabet(text, bytes));
  CHECK(bytes == all);
  CHECK(alphabet_from_bytes(" \n\tA\xC3\xA9\x7F\xAD") == "ĠĊĉAÃ©ġŃ");
}

TEST_CASE("what is not of the byte alphabet is refused") {
  std::string bytes;
  for (const char* text : {" ", "\n", "a b", "\u00ad", "\u0144", "語", "\xFF", "a\xC4"}) {
    INFO(text);
    CHECK_FALSE(bytes_from_alphabet(text, bytes));
  }
}

}  // namespace nemotron
