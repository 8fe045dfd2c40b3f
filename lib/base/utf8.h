// UTF-8: decoding that never fails (a byte that is not part of a well-formed character is a symbol
// of its own), and what a name in a file has to be.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace nemotron {

struct DecodedChar {
  std::uint32_t code_point;  // kNoCodePoint for a byte that is not UTF-8
  std::uint32_t n_bytes;     // 1 for such a byte
};

inline constexpr std::uint32_t kNoCodePoint = 0xFFFFFFFFu;

namespace detail {

// Bytes of the character that `lead` opens, 0 if it opens none.
constexpr std::uint32_t utf8_length_of(unsigned char lead) {
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead <= 0xDF) return 2;
  if (lead >= 0xE0 && lead <= 0xEF) return 3;
  if (lead >= 0xF0 && lead <= 0xF4) return 4;
  return 0;
}

}  // namespace detail

// The character at the front of `text`, which is not empty. Strict: overlong forms, surrogates and
// values above U+10FFFF are not characters.
inline DecodedChar decode_utf8(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  constexpr DecodedChar kInvalid{kNoCodePoint, 1};
  const std::uint32_t n_bytes = detail::utf8_length_of(byte(0));
  if (n_bytes == 1) return {byte(0), 1};
  if (n_bytes == 0 || n_bytes > text.size()) return kInvalid;
  std::uint32_t code_point = byte(0) & (0xFFu >> (n_bytes + 1));
  for (std::uint32_t i = 1; i < n_bytes; ++i) {
    if ((byte(i) & 0xC0u) != 0x80u) return kInvalid;
    code_point = code_point << 6 | (byte(i) & 0x3Fu);
  }
  constexpr std::uint32_t kSmallest[5] = {0, 0, 0x80, 0x800, 0x10000};
  const bool is_surrogate = code_point >= 0xD800 && code_point <= 0xDFFF;
  if (code_point < kSmallest[n_bytes] || code_point > 0x10FFFF || is_surrogate) return kInvalid;
  return {code_point, n_bytes};
}

constexpr bool is_control_char(std::uint32_t code_point) {
  return code_point < 0x20 || (code_point >= 0x7f && code_point < 0xa0);
}

// Whether `text` is well-formed from its beginning to its end.
inline bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const DecodedChar decoded = decode_utf8(text);
    if (decoded.code_point == kNoCodePoint) return false;
    text.remove_prefix(decoded.n_bytes);
  }
  return true;
}

// Whether `text` can be handed on as a null-terminated string and shown: well-formed characters,
// none of them a NUL, behind which two names would look the same, or one that steers a terminal.
inline bool is_printable_utf8(std::string_view text) {
  while (!text.empty()) {
    const DecodedChar decoded = decode_utf8(text);
    if (decoded.code_point == kNoCodePoint || is_control_char(decoded.code_point)) return false;
    text.remove_prefix(decoded.n_bytes);
  }
  return true;
}

}  // namespace nemotron
