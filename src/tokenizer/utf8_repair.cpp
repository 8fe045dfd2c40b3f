#include "tokenizer/utf8_repair.h"

#include <algorithm>
#include <cstddef>

#include "base/utf8.h"

namespace nemotron {

namespace {

// How many bytes at the front of `text`, which begins with no character, begin one that the next
// bytes could complete or make ill-formed: 1 for a byte that begins none. `can_continue` tells
// whether the text ended before that showed.
std::size_t broken_length(std::string_view text, bool& can_continue) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  can_continue = false;
  if (lead < 0xC2 || lead > 0xF4) return 1;
  const std::size_t wanted = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  // The second byte excludes overlong forms, surrogates and what is above U+10FFFF.
  const unsigned char lowest = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
  const unsigned char highest = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  std::size_t n = 1;
  while (n < wanted && n < text.size() && byte(n) >= (n == 1 ? lowest : 0x80) &&
         byte(n) <= (n == 1 ? highest : 0xBF))
    ++n;
  can_continue = n == text.size();
  return n;
}

}  // namespace

void take_utf8(std::string& bytes, bool is_last, std::string& text) {
  std::string_view rest = bytes;
  while (!rest.empty()) {
    const DecodedChar decoded = decode_utf8(rest);
    if (decoded.code_point != kNoCodePoint) {
      text += rest.substr(0, decoded.n_bytes);
      rest.remove_prefix(decoded.n_bytes);
      continue;
    }
    bool can_continue = false;
    const std::size_t n_bytes = broken_length(rest, can_continue);
    if (can_continue && !is_last) break;
    text += "\xEF\xBF\xBD";
    rest.remove_prefix(n_bytes);
  }
  bytes.erase(0, bytes.size() - rest.size());
}

}  // namespace nemotron
