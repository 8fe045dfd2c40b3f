// What the pre-tokenizers' hand-written matchers share: a cursor over the characters of a text, and
// the alternatives that their expressions end with.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

#include "base/utf8.h"
#include "bpe/unicode_classes.h"

namespace nemotron::split {

inline constexpr std::size_t kNoMatch = 0;

constexpr std::array<CharClass, 128> make_ascii_classes() {
  std::array<CharClass, 128> classes{};
  for (int c = 0; c < 128; ++c) {
    if (c >= 'A' && c <= 'Z') classes[c] = CharClass::kUpper;
    if (c >= 'a' && c <= 'z') classes[c] = CharClass::kLower;
    if (c >= '0' && c <= '9') classes[c] = CharClass::kNumber;
    if (c == ' ' || (c >= '\t' && c <= '\r')) classes[c] = CharClass::kSpace;
  }
  return classes;
}

inline constexpr std::array<CharClass, 128> kAsciiClasses = make_ascii_classes();

inline bool is_newline(char byte) { return byte == '\n' || byte == '\r'; }
inline bool is_letter(CharClass c) {
  return c == CharClass::kUpper || c == CharClass::kLower || c == CharClass::kOtherLetter;
}
inline bool is_symbol(CharClass c) { return c == CharClass::kOther || c == CharClass::kMark; }

// A place in the text and the class of the character there.
class Cursor {
 public:
  Cursor(std::string_view text, std::size_t position) : text_(text), position_(position) { look(); }

  bool is_at_end() const { return position_ == text_.size(); }
  std::size_t position() const { return position_; }
  char byte() const { return text_[position_]; }
  CharClass char_class() const { return class_; }
  std::size_t next_position() const { return position_ + n_bytes_; }

  void advance() {
    position_ += n_bytes_;
    look();
  }

  template <typename Predicate>
  void skip_while(Predicate predicate) {
    while (!is_at_end() && predicate(class_)) advance();
  }

 private:
  void look() {
    if (is_at_end()) return;
    const auto first = static_cast<unsigned char>(text_[position_]);
    if (first < 0x80) {
      class_ = kAsciiClasses[first];
      n_bytes_ = 1;
      return;
    }
    const DecodedChar decoded = decode_utf8(text_.substr(position_));
    class_ = class_of(decoded.code_point);
    n_bytes_ = decoded.n_bytes;
  }

  std::string_view text_;
  std::size_t position_;
  std::size_t n_bytes_ = 0;
  CharClass class_ = CharClass::kOther;
};

//  ?[^\s\p{L}\p{N}]+[\r\n]*, where newlines are followed by slashes too if `takes_slashes`: where
//  it
// ends, or kNoMatch. The text is not empty.
inline std::size_t match_symbols(std::string_view text, bool takes_slashes) {
  Cursor cursor(text, text[0] == ' ' ? 1 : 0);
  const std::size_t start = cursor.position();
  cursor.skip_while(is_symbol);
  std::size_t end = cursor.position();
  if (end == start) return kNoMatch;
  while (end < text.size() && (is_newline(text[end]) || (takes_slashes && text[end] == '/'))) ++end;
  return end;
}

// \s*[\r\n]+|\s+(?!\S)|\s+ at a text that begins with a blank: where it ends. \s* takes the whole
// run and gives back to its last newline; without one, all but the last blank, unless the text
// ends; hence at last a single blank.
inline std::size_t match_blanks(std::string_view text) {
  Cursor cursor(text, 0);
  std::size_t last_newline_end = kNoMatch;
  std::size_t last_start = 0;
  while (!cursor.is_at_end() && cursor.char_class() == CharClass::kSpace) {
    last_start = cursor.position();
    if (is_newline(cursor.byte())) last_newline_end = last_start + 1;
    cursor.advance();
  }
  if (last_newline_end != kNoMatch) return last_newline_end;
  if (cursor.is_at_end() || last_start == 0) return cursor.position();
  return last_start;
}

}  // namespace nemotron::split
