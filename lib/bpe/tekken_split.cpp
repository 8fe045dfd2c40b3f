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
//   5  \s*[\r\n]+
//   6  \s+(?!\S)
//   7  \s+
// What an alternative looked at and did not take is looked at again by at most two more pieces, so
// the whole is linear.
#include "bpe/tekken_split.h"

#include "bpe/split_cursor.h"

namespace nemotron {

namespace {

using split::Cursor;
using split::is_letter;
using split::is_newline;
using split::kNoMatch;

bool is_both_cases(CharClass c) { return c == CharClass::kOtherLetter || c == CharClass::kMark; }
bool is_in_u(CharClass c) { return c == CharClass::kUpper || is_both_cases(c); }
bool is_in_l(CharClass c) { return c == CharClass::kLower || is_both_cases(c); }

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

}  // namespace

std::size_t tekken_piece_length(std::string_view text) {
  const Cursor first(text, 0);
  if (first.char_class() == CharClass::kNumber) return first.next_position();
  std::size_t end = match_word(text, first);
  if (end == kNoMatch) end = split::match_symbols(text, true);
  if (end == kNoMatch) end = split::match_blanks(text);
  return end;
}

}  // namespace nemotron
