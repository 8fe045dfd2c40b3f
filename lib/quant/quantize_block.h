// One block from floats, an overload per layout: private to lib/quant.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>

#include "quant/block_formats.h"

namespace nemotron {

// Reads Block::kElements floats.
void quantize_block(const float* x, BlockQ4_0& block);
void quantize_block(const float* x, BlockQ4_1& block);
void quantize_block(const float* x, BlockQ5_0& block);
void quantize_block(const float* x, BlockQ5_1& block);
void quantize_block(const float* x, BlockQ8_0& block);

void quantize_block(const float* x, BlockQ2_K& block);
void quantize_block(const float* x, BlockQ3_K& block);
void quantize_block(const float* x, BlockQ4_K& block);
void quantize_block(const float* x, BlockQ5_K& block);
void quantize_block(const float* x, BlockQ6_K& block);

void quantize_block(const float* x, BlockIQ4_NL& block);
void quantize_block(const float* x, BlockIQ4_XS& block);

// The weights of the squared errors given: [Block::kElements].
void quantize_block_weighted(const float* x, const float* weights, BlockQ4_0& block);
void quantize_block_weighted(const float* x, const float* weights, BlockQ4_1& block);
void quantize_block_weighted(const float* x, const float* weights, BlockQ5_0& block);
void quantize_block_weighted(const float* x, const float* weights, BlockQ5_1& block);
void quantize_block_weighted(const float* x, const float* weights, BlockQ2_K& block);
void quantize_block_weighted(const float* x, const float* weights, BlockQ3_K& block);
void quantize_block_weighted(const float* x, const float* weights, BlockQ4_K& block);
void quantize_block_weighted(const float* x, const float* weights, BlockQ5_K& block);
void quantize_block_weighted(const float* x, const float* weights, BlockQ6_K& block);
void quantize_block_weighted(const float* x, const float* weights, BlockIQ4_NL& block);
void quantize_block_weighted(const float* x, const float* weights, BlockIQ4_XS& block);

// The nearest integer, ties to even, for |x| < 2^22: adding 1.5 * 2^23 leaves no bits below one.
// Anything, but nothing worse, for other x.
inline int nearest_int(float x) {
  const auto shifted = std::bit_cast<std::uint32_t>(x + 12582912.0f);
  return static_cast<int>(shifted - 0x4b400000u);
}

inline int nearest_int(float x, int low, int high) { return std::clamp(nearest_int(x), low, high); }

// The value of largest magnitude among kCount, the first of equals, with its sign.
template <int kCount>
float extreme_of(const float* x) {
  float largest = 0.0f;
  float value = 0.0f;
  for (int i = 0; i < kCount; ++i) {
    if (!(std::fabs(x[i]) > largest)) continue;
    largest = std::fabs(x[i]);
    value = x[i];
  }
  return value;
}

}  // namespace nemotron
