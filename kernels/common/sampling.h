// What is the same wherever a token is chosen: the form of the outcome, and a token's weight.
#pragma once

#include <bit>
#include <cstdint>

namespace nemotron::kernels {

// Why no token can be chosen.
enum class SamplingFault : std::int32_t { kNone, kNan, kInfinite, kAllExcluded };

struct SampledToken {
  std::int32_t id = 0;  // with kNan and kInfinite the token whose logit that is
  SamplingFault fault = SamplingFault::kNone;
};

// round(2^40 * relative), to even, for 0 <= relative <= 1: in integers alone, which any device has.
constexpr std::uint64_t sampling_weight(float relative) {
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(relative);
  const std::uint32_t exponent = bits >> 23;
  const std::uint64_t mantissa = (bits & 0x7fffffu) | (exponent > 0 ? 0x800000u : 0u);
  // relative = mantissa * 2^(exponent - 150), and smaller ones are below half of 2^-40.
  const int shift = static_cast<int>(exponent) - 110;
  if (shift >= 0) return mantissa << shift;
  if (shift < -24) return 0;
  const std::uint64_t whole = mantissa >> -shift;
  const std::uint64_t rest = mantissa - (whole << -shift);
  const std::uint64_t half = std::uint64_t{1} << (-shift - 1);
  return whole + (rest > half || (rest == half && whole % 2 == 1) ? 1 : 0);
}

}  // namespace nemotron::kernels
