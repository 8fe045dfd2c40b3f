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
  CHECK(class_of(0xFFFFFFFF) == CharClass::kOther);
  CHECK(class_of(0xD800) == CharClass::kOther);
}

}  // namespace nemotron
