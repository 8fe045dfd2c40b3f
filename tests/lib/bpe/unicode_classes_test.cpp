#include "bpe/unicode_classes.h"

#include <array>
#include <catch2/catch.hpp>
#include <cstdio>
#include <string>

#include "src/tokenizer/golden_file.h"

namespace nemotron {

// The golden is made by asking `tokenizers` about every code point.
TEST_CASE("every code point has the class that tokenizers gives it") {
  std::array<int, 7> counts{};
  std::uint64_t fnv1a = 0xCBF29CE484222325u;
  for (std::uint32_t point = 0; point < 0x110000; ++point) {
    const auto number = static_cast<std::size_t>(class_of(point));
    REQUIRE(number < counts.size());
    ++counts[number];
    fnv1a = (fnv1a ^ number) * 0x100000001B3u;
  }
  char checksum[17];
  std::snprintf(checksum, sizeof checksum, "%016llx", static_cast<unsigned long long>(fnv1a));
  const nlohmann::json golden = read_golden_json("unicode_classes.json");
  CHECK(golden["counts"].get<std::array<int, 7>>() == counts);
  CHECK(golden["fnv1a"].get<std::string>() == checksum);
}

TEST_CASE("values that are no code points are of no class") {
  CHECK(class_of(0x110000) == CharClass::kOther);
  CHECK(class_of(kNoCodePoint) == CharClass::kOther);
  CHECK(class_of(0xD800) == CharClass::kOther);
}

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

}  // namespace nemotron
