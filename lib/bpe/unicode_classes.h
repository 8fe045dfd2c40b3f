// The character classes that pre-tokenisation distinguishes, for every code point. The table is
// generated (cmake/scripts/make_unicode_tables.py) and constant.
#pragma once

#include <cstdint>

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

}  // namespace nemotron
