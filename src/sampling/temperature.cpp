#include "sampling/temperature.h"

#include <algorithm>
#include <bit>

#include "kernels/common/math.h"
#include "sampling/candidate.h"

namespace nemotron {
namespace {

// Rounds to the nearest integer, for 0 <= value <= 2^51: in a sum with 2^52 the integer stands in
// the low bits. Unlike a conversion, this vectorises on every processor.
std::uint64_t round_to_integer(double value) {
  constexpr double kShift = 0x1p52;
  return std::bit_cast<std::uint64_t>(value + kShift) - std::bit_cast<std::uint64_t>(kShift);
}

constexpr double kOne = static_cast<double>(kMaxWeight);

// Tokens at a time; their weights in f32 stay in the first-level cache.
constexpr std::size_t kBlock = 256;

}  // namespace

void compute_weights(std::span<const float> logits, float max_logit, float temperature,
                     std::span<std::uint64_t> weights) {
  float block[kBlock];
  for (std::size_t start = 0; start < logits.size(); start += kBlock) {
    const std::size_t n = std::min(kBlock, logits.size() - start);
    // At a tiny temperature the quotient is -inf, and 0 / temperature stays 0 for the maximum.
    for (std::size_t i = 0; i < n; ++i)
      block[i] = kernels::exp_f32((logits[start + i] - max_logit) / temperature);
    for (std::size_t i = 0; i < n; ++i)
      weights[start + i] = round_to_integer(double{block[i]} * kOne);
  }
}

}  // namespace nemotron
