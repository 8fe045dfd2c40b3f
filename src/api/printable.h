// Text for the host. Names in it are a file's or the caller's and may be any bytes: what is no
// UTF-8 becomes U+FFFD, and control characters, with which a name could end a message or steer a
// terminal, become '?'.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/utf8.h"

namespace nemotron::api {

// Hands the characters to `take` (a string_view each, made fit to be shown) until that is false.
template <typename Take>
void for_each_printable(std::string_view text, Take&& take) {
  while (!text.empty()) {
    const DecodedChar decoded = decode_utf8(text);
    std::string_view shown = text.substr(0, decoded.n_bytes);
    if (decoded.code_point == kNoCodePoint) shown = "\xEF\xBF\xBD";
    if (is_control_char(decoded.code_point)) shown = "?";
    if (!take(shown)) return;
    text.remove_prefix(decoded.n_bytes);
  }
}

// The first of the characters, as many as fit whole, and a terminator.
template <std::size_t kCapacity>
void copy_printable(std::string_view text, char (&out)[kCapacity]) noexcept {
  std::size_t n = 0;
  for_each_printable(text, [&](std::string_view shown) {
    if (n + shown.size() >= kCapacity) return false;
    shown.copy(out + n, shown.size());
    n += shown.size();
    return true;
  });
  out[n] = '\0';
}

inline std::string printable(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for_each_printable(text, [&](std::string_view shown) {
    out += shown;
    return true;
  });
  return out;
}

}  // namespace nemotron::api
