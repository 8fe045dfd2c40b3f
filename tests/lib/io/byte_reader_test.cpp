// Sequential reading across the reader's window, and its errors at the end.
#include "io/byte_reader.h"

#include <catch2/catch.hpp>
#include <cstring>

using namespace nemotron;

namespace {
std::string pattern_bytes(std::size_t n) {
  std::string out(n, '\0');
  for (std::size_t i = 0; i < n; ++i) out[i] = static_cast<char>(i * 7 + i / 256);
  return out;
}
std::unique_ptr<DataSource> source_of(const std::string& text) {
  return memory_source("m", std::as_bytes(std::span(text.data(), text.size())));
}
}  // namespace

TEST_CASE("numbers are little-endian and the offset follows") {
  const std::string bytes("\x01\x02\x03\x04\xff\xfe\xff\x00\x00\x80\x3f", 11);
  const auto source = source_of(bytes);
  ByteReader reader(*source);
  std::uint32_t word = 0;
  std::int16_t half = 0;
  std::uint8_t byte = 0;
  float number = 0;
  REQUIRE(reader.read_number(word).is_ok());
  REQUIRE(reader.read_number(byte).is_ok());
  REQUIRE(reader.read_number(half).is_ok());
  REQUIRE(reader.read_number(number).is_ok());
  CHECK(word == 0x04030201u);
  CHECK(byte == 255);
  CHECK(half == -2);
  CHECK(number == 1.0f);
  CHECK(reader.offset() == 11);
  CHECK(reader.remaining() == 0);
}

TEST_CASE("pieces of any size give the same bytes, also across the window") {
  const std::string bytes = pattern_bytes(300001);
  const auto source = source_of(bytes);
  const std::size_t piece = GENERATE(1, 7, 4096, 131071, 131072, 131073, 300001);
  ByteReader reader(*source);
  std::string out;
  while (reader.remaining() > 0)
    REQUIRE(reader.append_bytes(std::min<std::uint64_t>(piece, reader.remaining()), out).is_ok());
  CHECK(out == bytes);
}

TEST_CASE("skipping inside and beyond the window") {
  const std::string bytes = pattern_bytes(400000);
  const auto source = source_of(bytes);
  ByteReader reader(*source, 5);
  std::uint64_t expected = 5;
  for (const std::uint64_t n : {0ull, 10ull, 131072ull, 1ull, 200000ull}) {
    char c = 0;
    REQUIRE(reader.read_number(c).is_ok());
    CHECK(c == bytes[expected]);
    REQUIRE(reader.skip(n).is_ok());
    expected += 1 + n;
    CHECK(reader.offset() == expected);
  }
}

TEST_CASE("a length beyond the end is refused before anything is allocated") {
  const std::string bytes = "abcdef";
  const auto source = source_of(bytes);
  ByteReader reader(*source);
  std::string out = "x";
  const Status status = reader.append_bytes(~0ull, out);
  CHECK(status.code() == StatusCode::kBadFile);
  CHECK(status.byte_offset() == 0);
  CHECK(out == "x");
  CHECK_FALSE(reader.skip(7).is_ok());
  std::uint64_t word = 0;
  CHECK_FALSE(reader.read_number(word).is_ok());
  CHECK(reader.append_bytes(6, out).is_ok());
  CHECK(out == "xabcdef");
  CHECK(ByteReader(*source, 100).remaining() == 0);
}
