// The types of 256 elements: each sub-block's scale (and minimum) is searched for the least
// weighted error, then the sub-blocks' scales are quantized against the largest.
#include <cmath>
#include <cstring>

#include "quant/quantize_block.h"
#include "quant/quantize_fit.h"
#include "quant/store_block.h"

namespace nemotron {
namespace {

constexpr int kSuperBlock = 256;

// The scale for three bits (-4..3), weighted by x^2: starts from one rounding, then moves single
// elements as long as that improves the fit, five rounds at most.
float fit_scale_3_bits(const float* x, std::uint8_t* q) {
  constexpr int kHalf = 4;
  const float extreme = extreme_of<16>(x);
  if (std::fabs(extreme) < kNothing) {
    std::memset(q, 0, 16);
    return 0.0f;
  }
  const float inverse_scale = -static_cast<float>(kHalf) / extreme;
  float levels[16];
  float sum_xq = 0.0f, sum_q2 = 0.0f;
  for (int i = 0; i < 16; ++i) {
    levels[i] = static_cast<float>(nearest_int(inverse_scale * x[i], -kHalf, kHalf - 1));
    const float weight = x[i] * x[i];
    sum_xq += weight * x[i] * levels[i];
    sum_q2 += weight * levels[i] * levels[i];
  }
  bool has_changed = true;
  for (int round = 0; round < 5 && has_changed; ++round) {
    has_changed = false;
    for (int i = 0; i < 16; ++i) {
      const float weight = x[i] * x[i];
      float others_xq = sum_xq - weight * x[i] * levels[i];
      if (!(others_xq > 0.0f)) continue;
      float others_q2 = sum_q2 - weight * levels[i] * levels[i];
      const auto level =
          static_cast<float>(nearest_int(x[i] * others_q2 / others_xq, -kHalf, kHalf - 1));
      if (level == levels[i]) continue;
      others_xq += weight * x[i] * level;
      others_q2 += weight * level * level;
      if (!(others_q2 > 0.0f && others_xq * others_xq * sum_q2 > sum_xq * sum_xq * others_q2))
        continue;
      levels[i] = level;
      sum_xq = others_xq;
      sum_q2 = others_q2;
      has_changed = true;
    }
  }
  for (int i = 0; i < 16; ++i)
    q[i] = static_cast<std::uint8_t>(static_cast<int>(levels[i]) + kHalf);
  return sum_q2 > 0.0f ? sum_xq / sum_q2 : 0.0f;
}

float largest_of(const AffineFit* fits, int n, float AffineFit::*member) {
  float largest = 0.0f;
  for (int k = 0; k < n; ++k)
    if (fits[k].*member > largest) largest = fits[k].*member;
  return largest;
}

// The sub-blocks' scales and minima as multiples of 1 / max_level of the largest.
SubBlocks quantize_fits(const AffineFit* fits, int n, float max_level) {
  SubBlocks sub;
  const float max_scale = largest_of(fits, n, &AffineFit::scale);
  const float max_min = largest_of(fits, n, &AffineFit::min);
  const float inverse_scale = max_scale > 0.0f ? max_level / max_scale : 0.0f;
  const float inverse_min = max_min > 0.0f ? max_level / max_min : 0.0f;
  for (int k = 0; k < n; ++k) {
    sub.scales[k] = static_cast<std::uint8_t>(nearest_int(inverse_scale * fits[k].scale));
    sub.mins[k] = static_cast<std::uint8_t>(nearest_int(inverse_min * fits[k].min));
  }
  sub.d = max_scale / max_level;
  sub.dmin = max_min / max_level;
  return sub;
}

// q (in 0..max_q) of a block of 8 sub-blocks of 32.
SubBlocks fit_8_of_32(const float* x, int max_q, const Search& search, std::uint8_t* q) {
  AffineFit fits[8];
  for (int k = 0; k < 8; ++k) {
    const float* sub = x + 32 * k;
    float sum_squares = 0.0f;
    for (int i = 0; i < 32; ++i) sum_squares += sub[i] * sub[i];
    const float deviation = std::sqrt(sum_squares / 32);
    float weights[32];
    for (int i = 0; i < 32; ++i) weights[i] = deviation + std::fabs(sub[i]);
    fits[k] = fit_affine<32>(sub, weights, max_q, search, q + 32 * k);
  }
  return quantize_fits(fits, 8, 63.0f);
}

}  // namespace

void quantize_block(const float* x, BlockQ2_K& block) {
  constexpr Search kSearch = {-0.5f, 0.1f, 15, true};
  std::uint8_t q[kSuperBlock];
  AffineFit fits[16];
  for (int k = 0; k < 16; ++k) {
    float weights[16];
    for (int i = 0; i < 16; ++i) weights[i] = std::fabs(x[16 * k + i]);
    fits[k] = fit_affine<16>(x + 16 * k, weights, 3, kSearch, q + 16 * k);
  }
  store_block(x, quantize_fits(fits, 16, 15.0f), q, block);
}

void quantize_block(const float* x, BlockQ3_K& block) {
  std::uint8_t q[kSuperBlock];
  float scales[16];
  float max_scale = 0.0f;
  for (int k = 0; k < 16; ++k) {
    scales[k] = fit_scale_3_bits(x + 16 * k, q + 16 * k);
    if (std::fabs(scales[k]) > std::fabs(max_scale)) max_scale = scales[k];
  }
  SubBlocks sub;
  if (max_scale != 0.0f) {
    const float inverse_scale = -32.0f / max_scale;
    for (int k = 0; k < 16; ++k)
      sub.scales[k] =
          static_cast<std::uint8_t>(nearest_int(inverse_scale * scales[k], -32, 31) + 32);
    sub.d = 1.0f / inverse_scale;
  }
  store_block(x, sub, q, block);
}

void quantize_block(const float* x, BlockQ4_K& block) {
  std::uint8_t q[kSuperBlock];
  const SubBlocks sub = fit_8_of_32(x, 15, {-1.0f, 0.1f, 20, false}, q);
  store_block(x, sub, q, block);
}

void quantize_block(const float* x, BlockQ5_K& block) {
  std::uint8_t q[kSuperBlock];
  const SubBlocks sub = fit_8_of_32(x, 31, {-0.5f, 0.1f, 15, false}, q);
  store_block(x, sub, q, block);
}

void quantize_block(const float* x, BlockQ6_K& block) {
  float weights[kSuperBlock];
  for (int i = 0; i < kSuperBlock; ++i) weights[i] = x[i] * x[i];
  quantize_block_weighted(x, weights, block);
}

void quantize_block_weighted(const float* x, const float* weights, BlockQ6_K& block) {
  std::uint8_t q[kSuperBlock];
  float scales[16];
  float max_scale = 0.0f;
  for (int k = 0; k < 16; ++k) {
    scales[k] = fit_scale<32, 16>(x + 16 * k, weights + 16 * k, q + 16 * k);
    if (std::fabs(scales[k]) > std::fabs(max_scale)) max_scale = scales[k];
  }
  std::memset(&block, 0, sizeof block);
  if (std::fabs(max_scale) < kNothing) return;
  SubBlocks sub;
  const float inverse_scale = -128.0f / max_scale;
  sub.d = 1.0f / inverse_scale;
  for (int k = 0; k < 16; ++k)
    sub.scales[k] =
        static_cast<std::uint8_t>(std::min(127, nearest_int(inverse_scale * scales[k])));
  store_block(x, sub, q, block);
}

}  // namespace nemotron
