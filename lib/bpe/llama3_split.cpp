// The alternatives in their order, first match wins; none but the last ones looks back.
#include "bpe/llama3_split.h"

#include "bpe/split_cursor.h"

namespace nemotron {

namespace {

using split::Cursor;
using split::is_letter;
using split::kNoMatch;

char lower(char byte) { return byte >= 'A' && byte <= 'Z' ? static_cast<char>(byte + 32) : byte; }

// (?i:'s|'t|'re|'ve|'m|'ll|'d)
std::size_t match_contraction(std::string_view text) {
  if (text[0] != '\'' || text.size() < 2) return kNoMatch;
  const char first = lower(text[1]);
  if (first == 's' || first == 't' || first == 'm' || first == 'd') return 2;
  if (text.size() < 3) return kNoMatch;
  const char second = lower(text[2]);
  const bool is_match =
      ((first == 'r' || first == 'v') && second == 'e') || (first == 'l' && second == 'l');
  return is_match ? 3 : kNoMatch;
}

// [^\r\n\p{L}\p{N}]?\p{L}+
std::size_t match_word(std::string_view text) {
  Cursor cursor(text, 0);
  const CharClass c = cursor.char_class();
  if (!is_letter(c)) {
    if (c == CharClass::kNumber || split::is_newline(text[0])) return kNoMatch;
    cursor.advance();
    if (cursor.is_at_end() || !is_letter(cursor.char_class())) return kNoMatch;
  }
  cursor.skip_while(is_letter);
  return cursor.position();
}

// \p{N}{1,3}
std::size_t match_number(std::string_view text) {
  Cursor cursor(text, 0);
  for (int n = 0; n < 3 && !cursor.is_at_end() && cursor.char_class() == CharClass::kNumber; ++n)
    cursor.advance();
  return cursor.position();
}

}  // namespace

std::size_t llama3_piece_length(std::string_view text) {
  std::size_t end = match_contraction(text);
  if (end == kNoMatch) end = match_word(text);
  if (end == kNoMatch) end = match_number(text);
  if (end == kNoMatch) end = split::match_symbols(text, false);
  if (end == kNoMatch) end = split::match_blanks(text);
  return end;
}

}  // namespace nemotron
