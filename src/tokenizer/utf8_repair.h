// Makes well-formed UTF-8 of any bytes, in pieces as they come.
#pragma once

#include <string>
#include <string_view>

namespace nemotron {

// Takes the well-formed text off the front of `bytes` and appends it to `text`. What is not UTF-8
// becomes U+FFFD, one for each maximal part of a character (as Unicode recommends and browsers do).
// Bytes at the end that may still become a character stay in `bytes`, at most three, unless
// `is_last`.
void take_utf8(std::string& bytes, bool is_last, std::string& text);

}  // namespace nemotron
