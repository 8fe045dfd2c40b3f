// The types of 32 elements: the extreme value, or the range, decides the scale.
#include <cmath>

#include "quant/quantize_block.h"
#include "quant/store_block.h"

namespace nemotron {
namespace {

constexpr int kBlock = 32;

struct Range {
  explicit Range(const float* x) : min(x[0]), max(x[0]) {
    for (int j = 1; j < kBlock; ++j) {
      if (x[j] < min) min = x[j];
      if (x[j] > max) max = x[j];
    }
  }
  float min;
  float max;
};

float inverse(float d) { return d != 0.0f ? 1.0f / d : 0.0f; }

// The integer part of x, in 0..max; 0 for NaN, which comes of 0 times an infinite inverse.
std::uint8_t truncate(float x, float max) {
  return static_cast<std::uint8_t>(std::min(std::max(0.0f, x), max));
}

// d * (q - kOffset), where the extreme value becomes -kOffset.
template <int kOffset>
f16_bits quantize_signed(const float* x, std::uint8_t* q) {
  const float d = extreme_of<kBlock>(x) / -kOffset;
  const float inverse_d = inverse(d);
  for (int j = 0; j < kBlock; ++j)
    q[j] = truncate(x[j] * inverse_d + (kOffset + 0.5f), 2 * kOffset - 1);
  return float_to_f16(d);
}

// d * q + m, from the least value to the greatest.
template <int kMax>
f16_bits quantize_range(const float* x, std::uint8_t* q, f16_bits& m) {
  const Range range(x);
  const float d = (range.max - range.min) / kMax;
  const float inverse_d = inverse(d);
  for (int j = 0; j < kBlock; ++j) q[j] = truncate((x[j] - range.min) * inverse_d + 0.5f, kMax);
  m = float_to_f16(range.min);
  return float_to_f16(d);
}

// Halves away from zero. The difference is exact, where x + 0.5 would round.
std::int8_t round_away(float x) {
  const float bounded = std::min(std::max(-127.0f, x), 127.0f);
  const int whole = static_cast<int>(bounded);
  const float rest = bounded - static_cast<float>(whole);
  return static_cast<std::int8_t>(whole + (rest >= 0.5f ? 1 : 0) - (rest <= -0.5f ? 1 : 0));
}

}  // namespace

void quantize_block(const float* x, BlockQ4_0& block) {
  std::uint8_t q[kBlock];
  block.d = quantize_signed<8>(x, q);
  pack_nibbles_of_32(q, block.qs);
}

void quantize_block(const float* x, BlockQ4_1& block) {
  std::uint8_t q[kBlock];
  block.d = quantize_range<15>(x, q, block.m);
  pack_nibbles_of_32(q, block.qs);
}

void quantize_block(const float* x, BlockQ5_0& block) {
  std::uint8_t q[kBlock];
  block.d = quantize_signed<16>(x, q);
  pack_nibbles_of_32(q, block.qs);
  pack_fifth_bits_of_32(q, block.qh);
}

void quantize_block(const float* x, BlockQ5_1& block) {
  std::uint8_t q[kBlock];
  block.d = quantize_range<31>(x, q, block.m);
  pack_nibbles_of_32(q, block.qs);
  pack_fifth_bits_of_32(q, block.qh);
}

void quantize_block(const float* x, BlockQ8_0& block) {
  const float d = std::fabs(extreme_of<kBlock>(x)) / 127;
  const float inverse_d = inverse(d);
  block.d = float_to_f16(d);
  for (int j = 0; j < kBlock; ++j) block.qs[j] = round_away(x[j] * inverse_d);
}

}  // namespace nemotron
