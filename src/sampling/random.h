// Random numbers as a function of (seed, position) alone: no state to save, fork or rewind.
// Philox 4x32-10: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3",
// SC 2011.
#pragma once

#include <array>
#include <cstdint>

namespace nemotron {

using PhiloxCounter = std::array<std::uint32_t, 4>;
using PhiloxKey = std::array<std::uint32_t, 2>;

// Ten rounds of the bijection of 128 bits that `key` chooses.
PhiloxCounter philox4x32(PhiloxCounter counter, PhiloxKey key);

// 64 random bits for the token at `position`.
std::uint64_t random_bits(std::uint64_t seed, std::uint64_t position);

}  // namespace nemotron
