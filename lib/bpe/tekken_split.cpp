// How the expression becomes a matcher. Write U for [\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}], L for
// [\p{Ll}\p{Lm}\p{Lo}\p{M}] and X for [^\r\n\p{L}\p{N}]; letters of no case and marks are in both U
// and L, marks are in X too. The alternatives, first match wins:
//   1  X? U* L+    with the prefix X first, then without. U* takes its whole run; if a lower-case
//                  letter follows, L+ goes on from there. Otherwise U* gives back characters until
//                  L+ can have one: the match ends after the last character of the run that is in
//                  L.
//   2  X? U+ L*    reached only where the run of U holds nothing in L: no backtracking at all.
//   3  \p{N}
//   4   ?[^\s\p{L}\p{N}]+[\r\n/]*
//   5  \s*[\r\n]+  \s* takes the whole run and gives back to its last newline.
//   6  \s+(?!\S)   a run of blanks; all but its last one, unless the text ends.
//   7  \s+         hence: a single blank.
// What an alternative looked at and did not take is looked at again by at most two more pieces, so
// the whole is linear.
#include "bpe/tekken_split.h"

#include <array>

#include "base/utf8.h"
#include "bpe/unicode_classes.h"

namespace nemotron {

namespace {

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

constexpr std::array<CharClass, 128> kAsciiClasses = make_ascii_classes();

constexpr std::size_t kNoMatch = 0;

bool is_newline(char byte) { return byte == '\n' || byte == '\r'; }
bool is_both_cases(CharClass c) { return c == CharClass::kOtherLetter || c == CharClass::kMark; }
bool is_in_u(CharClass c) { return c == CharClass::kUpper || is_both_cases(c); }
bool is_in_l(CharClass c) { return c == CharClass::kLower || is_both_cases(c); }
bool is_letter(CharClass c) {
  return c == CharClass::kUpper || c == CharClass::kLower || c == CharClass::kOtherLetter;
}
bool is_symbol(CharClass c) { return c == CharClass::kOther || c == CharClass::kMark; }

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

// U*L+ from `start`: where it ends, or kNoMatch.
std::size_t match_word_with_lower(std::string_view text, std::size_t start) {
  Cursor cursor(text, start);
  std::size_t last_in_l_end = kNoMatch;
  while (!cursor.is_at_end() && is_in_u(cursor.char_class())) {
    if (is_in_l(cursor.char_class())) last_in_l_end = cursor.next_position();
    cursor.advance();
  }
  if (cursor.is_at_end() || cursor.char_class() != CharClass::kLower) return last_in_l_end;
  cursor.skip_while(is_in_l);
  return cursor.position();
}

// U+L* from `start`: where it ends, or kNoMatch.
std::size_t match_word_with_upper(std::string_view text, std::size_t start) {
  Cursor cursor(text, start);
  cursor.skip_while(is_in_u);
  if (cursor.position() == start) return kNoMatch;
  cursor.skip_while(is_in_l);
  return cursor.position();
}

// Alternatives 1 and 2.
std::size_t match_word(std::string_view text, const Cursor& first) {
  const CharClass c = first.char_class();
  const bool may_be_prefix = !is_letter(c) && c != CharClass::kNumber && !is_newline(text[0]);
  const std::size_t after_prefix = first.next_position();
  std::size_t end = kNoMatch;
  if (may_be_prefix) end = match_word_with_lower(text, after_prefix);
  if (end == kNoMatch) end = match_word_with_lower(text, 0);
  if (end == kNoMatch && may_be_prefix) end = match_word_with_upper(text, after_prefix);
  if (end == kNoMatch) end = match_word_with_upper(text, 0);
  return end;
}

// Alternative 4.
std::size_t match_symbols(std::string_view text) {
  Cursor cursor(text, text[0] == ' ' ? 1 : 0);
  const std::size_t start = cursor.position();
  cursor.skip_while(is_symbol);
  std::size_t end = cursor.position();
  if (end == start) return kNoMatch;
  while (end < text.size() && (is_newline(text[end]) || text[end] == '/')) ++end;
  return end;
}

// Alternatives 5 to 7; the text begins with a blank.
std::size_t match_blanks(std::string_view text) {
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

}  // namespace

std::size_t tekken_piece_length(std::string_view text) {
  const Cursor first(text, 0);
  if (first.char_class() == CharClass::kNumber) return first.next_position();
  std::size_t end = match_word(text, first);
  if (end == kNoMatch) end = match_symbols(text);
  if (end == kNoMatch) end = match_blanks(text);
  return end;
}

}  // namespace nemotron
