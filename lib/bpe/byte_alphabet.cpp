#include "bpe/byte_alphabet.h"

#include <array>
#include <cstdint>

#include "base/utf8.h"

namespace nemotron {

namespace {

// Bytes that print stand for themselves (as Latin-1); the other 68 are U+0100 and up, in order.
constexpr bool stands_for_itself(int byte) {
  return (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
}

constexpr std::uint32_t kAlphabetEnd = 0x100 + 68;

struct Alphabet {
  std::array<std::uint16_t, 256> char_of_byte{};
  std::array<std::int16_t, kAlphabetEnd> byte_of_char{};  // -1: not of the alphabet
};

constexpr Alphabet make_alphabet() {
  Alphabet alphabet;
  for (auto& byte : alphabet.byte_of_char) byte = -1;
  std::uint16_t next = 0x100;
  for (int byte = 0; byte < 256; ++byte) {
    const auto c = stands_for_itself(byte) ? static_cast<std::uint16_t>(byte) : next++;
    alphabet.char_of_byte[byte] = c;
    alphabet.byte_of_char[c] = static_cast<std::int16_t>(byte);
  }
  return alphabet;
}

constexpr Alphabet kAlphabet = make_alphabet();

}  // namespace

bool bytes_from_alphabet(std::string_view text, std::string& bytes) {
  bytes.clear();
  while (!text.empty()) {
    const DecodedChar decoded = decode_utf8(text);
    if (decoded.code_point >= kAlphabetEnd) return false;
    const int byte = kAlphabet.byte_of_char[decoded.code_point];
    if (byte < 0) return false;
    bytes.push_back(static_cast<char>(byte));
    text.remove_prefix(decoded.n_bytes);
  }
  return true;
}

std::string alphabet_from_bytes(std::string_view bytes) {
  std::string text;
  for (const char byte : bytes) {
    const std::uint32_t c = kAlphabet.char_of_byte[static_cast<unsigned char>(byte)];
    if (c < 0x80) {
      text.push_back(static_cast<char>(c));
    } else {  // below U+0144: two bytes of UTF-8
      text.push_back(static_cast<char>(0xC0u | c >> 6));
      text.push_back(static_cast<char>(0x80u | (c & 0x3Fu)));
    }
  }
  return text;
}

}  // namespace nemotron
