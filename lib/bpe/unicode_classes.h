// The character classes that pre-tokenisation distinguishes, for every code point, and the decoding
// of UTF-8 that never fails: a byte that is not part of a well-formed character is a symbol of its
// own. The table is generated (cmake/scripts/make_unicode_tables.py) and constant.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace nemotron {

enum class CharClass : std::uint8_t {
  kOther = 0,        // punctuation, symbols, controls, unassigned, bytes that are not UTF-8
  kUpper = 1,        // Lu, Lt
  kLower = 2,        // Ll
  kOtherLetter = 3,  // Lm, Lo
  kMark = 4,         // M
  kNumber = 5,       // N
  kSpace = 6,        // \s
};

// kOther for values that are no code points.
CharClass class_of(std::uint32_t code_point);

struct DecodedChar {
  std::uint32_t code_point;  // 0xFFFFFFFF for a byte that is not UTF-8
  std::uint32_t n_bytes;     // 1 for such a byte
};

inline constexpr std::uint32_t kNoCodePoint = 0xFFFFFFFFu;

// The character at the front of `text`, which is not empty. Strict: overlong forms, surrogates and
// values above U+10FFFF are not characters.
DecodedChar decode_utf8(std::string_view text);

}  // namespace nemotron
