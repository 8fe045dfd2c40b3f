// Expected values: XXH3_64bits of the xxhash Python package, 3.5.0.
#include "io/checksum.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <string>

using namespace nemotron;

namespace {

std::span<const std::byte> bytes_of(const std::string& text) {
  return std::as_bytes(std::span(text));
}

std::string counting(std::size_t n) {
  std::string text;
  for (std::size_t i = 0; i < n; ++i) text.push_back(static_cast<char>(i * 7 % 251));
  return text;
}

}  // namespace

TEST_CASE("checksums are XXH3 with 64 bits") {
  CHECK(checksum_of({}) == 0x2d06800538d394c2);
  CHECK(checksum_of(bytes_of("nemotron")) == 0xc5ce2e6fa1427b85);
  CHECK(checksum_of(bytes_of(counting(5000))) == 0xce29a19460ee1bfc);
}

TEST_CASE("pieces do not matter") {
  const std::string text = counting(5000);
  for (const std::size_t piece : {1, 7, 64, 1000, 5000}) {
    Checksum checksum;
    for (std::size_t i = 0; i < text.size(); i += piece)
      checksum.update(bytes_of(text).subspan(i, std::min(piece, text.size() - i)));
    CHECK(checksum.digest() == 0xce29a19460ee1bfc);
  }
  CHECK(Checksum().digest() == checksum_of({}));
}
