#include "sampling/random.h"

#include <catch2/catch.hpp>
#include <set>

using nemotron::philox4x32;
using nemotron::PhiloxCounter;
using nemotron::random_bits;

TEST_CASE("Philox 4x32-10 gives the known answers that Random123 publishes") {
  CHECK(philox4x32({0, 0, 0, 0}, {0, 0}) ==
        PhiloxCounter{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  CHECK(philox4x32({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, {0xffffffff, 0xffffffff}) ==
        PhiloxCounter{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  CHECK(philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}) ==
        PhiloxCounter{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

TEST_CASE("every bit of seed and position counts") {
  std::set<std::uint64_t> seen;
  seen.insert(random_bits(0, 0));
  for (int bit = 0; bit < 64; ++bit) {
    seen.insert(random_bits(std::uint64_t{1} << bit, 0));
    seen.insert(random_bits(0, std::uint64_t{1} << bit));
  }
  CHECK(seen.size() == 129);
  CHECK(random_bits(0, 0) == 0xe169c58d6627e8d5u);
}
