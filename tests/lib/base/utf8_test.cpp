#include "base/utf8.h"

#include <catch2/catch.hpp>
#include <string>

namespace nemotron {

TEST_CASE("each code point decodes from its UTF-8") {
  for (std::uint32_t point = 0x80; point < 0x110000; point += point < 0x3000 ? 1 : 7) {
    const int n_more = point < 0x800 ? 1 : point < 0x10000 ? 2 : 3;
    char text[4];
    text[0] = static_cast<char>((0xF80 >> n_more & 0xFF) | point >> 6 * n_more);
    for (int i = 1; i <= n_more; ++i)
      text[i] = static_cast<char>(0x80 | (point >> 6 * (n_more - i) & 63));
    const DecodedChar decoded = decode_utf8(std::string_view(text, n_more + 1));
    const bool is_surrogate = point >= 0xD800 && point < 0xE000;
    REQUIRE(decoded.code_point == (is_surrogate ? kNoCodePoint : point));
    REQUIRE(decoded.n_bytes == (is_surrogate ? 1u : n_more + 1u));
  }
}

TEST_CASE("bytes that are no character decode one by one") {
  const std::string texts[] = {"\x80",         "\xBF",     "\xC0\x80",         "\xC1\xBF",
                               "\xC2",         "\xC2 ",    "\xE0\x9F\xBF",     "\xE2\x82",
                               "\xED\xA0\x80", "\xF0\x9F", "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80",
                               "\xF5",         "\xFF",     "\xE2\x28\xA1"};
  for (const std::string& text : texts) {
    const DecodedChar decoded = decode_utf8(text);
    CHECK(decoded.code_point == kNoCodePoint);
    CHECK(decoded.n_bytes == 1);
  }
}

TEST_CASE("what can be shown is UTF-8 without control characters") {
  using namespace std::string_view_literals;
  CHECK(is_printable_utf8(""));
  CHECK(is_printable_utf8("blk.0.\xE2\x82\xAC\xC2\xA0~"));
  for (const std::string_view text :
       {"a\0b"sv, "a\xFF"sv, "\xE2\x82"sv, "\x1B[31m"sv, "a\n"sv, "\x7F"sv, "\xC2\x9B"sv})
    CHECK_FALSE(is_printable_utf8(text));
}

}  // namespace nemotron
