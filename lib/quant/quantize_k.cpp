// The types of 256 elements: each sub-block's scale (and minimum) is searched for the least
// weighted error, then the sub-blocks' scales are quantized against the largest, and the elements
// anew against what came of that.
#include <cmath>
#include <cstring>

#include "quant/quantize_block.h"

namespace nemotron {
namespace {

constexpr int kElements = 256;
constexpr float kNothing = 1e-15f;  // sub-blocks below are zero

// Candidates for a scale: (first + i * step + max) / range for i in 0..n_steps.
struct Search {
  float first;
  float step;
  int n_steps;
  bool is_absolute;  // weighs |error| rather than its square
};

struct AffineFit {
  float scale = 0.0f;
  float min = 0.0f;  // to be subtracted, so not negative
};

template <int kCount>
float weighted_error(const float* x, const float* weights, const std::uint8_t* q, float scale,
                     float min, bool is_absolute) {
  float error = 0.0f;
  for (int i = 0; i < kCount; ++i) {
    const float difference = scale * static_cast<float>(q[i]) + min - x[i];
    error += weights[i] * (is_absolute ? std::fabs(difference) : difference * difference);
  }
  return error;
}

// q with scale * q - min ~ x, q in 0..max_q: rounds at several scales, solves the weighted least
// squares for scale and minimum of each rounding, and keeps the best.
template <int kCount>
AffineFit fit_affine(const float* x, const float* weights, int max_q, const Search& search,
                     std::uint8_t* q) {
  float min = x[0];
  float max = x[0];
  float sum_w = weights[0];
  float sum_x = sum_w * x[0];
  for (int i = 1; i < kCount; ++i) {
    if (x[i] < min) min = x[i];
    if (x[i] > max) max = x[i];
    sum_w += weights[i];
    sum_x += weights[i] * x[i];
  }
  if (min > 0.0f) min = 0.0f;
  if (max == min) {
    std::memset(q, 0, kCount);
    return {0.0f, -min};
  }
  const auto round_all = [&](float inverse_scale, std::uint8_t* out) {
    for (int i = 0; i < kCount; ++i)
      out[i] = static_cast<std::uint8_t>(nearest_int(inverse_scale * (x[i] - min), 0, max_q));
  };
  const auto top = static_cast<float>(max_q);
  const float first_inverse = top / (max - min);
  float scale = 1.0f / first_inverse;
  round_all(first_inverse, q);
  float best_error = weighted_error<kCount>(x, weights, q, scale, min, search.is_absolute);
  std::uint8_t candidate[kCount];
  for (int step = 0; step <= search.n_steps; ++step) {
    round_all((search.first + search.step * static_cast<float>(step) + top) / (max - min),
              candidate);
    float sum_q = 0.0f, sum_q2 = 0.0f, sum_xq = 0.0f;
    for (int i = 0; i < kCount; ++i) {
      const auto value = static_cast<float>(candidate[i]);
      const float weighted = weights[i] * value;
      sum_q += weighted;
      sum_q2 += weighted * value;
      sum_xq += weighted * x[i];
    }
    const float determinant = sum_w * sum_q2 - sum_q * sum_q;
    if (!(determinant > 0.0f)) continue;
    float new_scale = (sum_w * sum_xq - sum_x * sum_q) / determinant;
    float new_min = (sum_q2 * sum_x - sum_q * sum_xq) / determinant;
    if (new_min > 0.0f) {
      new_min = 0.0f;
      new_scale = sum_xq / sum_q2;
    }
    const float error =
        weighted_error<kCount>(x, weights, candidate, new_scale, new_min, search.is_absolute);
    if (!(error < best_error)) continue;
    std::memcpy(q, candidate, kCount);
    best_error = error;
    scale = new_scale;
    min = new_min;  // the next candidates round from here
  }
  return {scale, -min};
}

// scale with scale * (q - kHalf) ~ x for 16 elements, weighted by x^2; q in 0..2 kHalf - 1.
template <int kHalf>
float fit_scale(const float* x, std::uint8_t* q) {
  const float extreme = extreme_of<16>(x);
  if (std::fabs(extreme) < kNothing) {
    std::memset(q, 0, 16);
    return 0.0f;
  }
  float sum_xq = 0.0f, sum_q2 = 0.0f;
  const auto round_all = [&](float inverse_scale, std::uint8_t* out) {
    sum_xq = sum_q2 = 0.0f;
    for (int i = 0; i < 16; ++i) {
      const int level = nearest_int(inverse_scale * x[i], -kHalf, kHalf - 1);
      out[i] = static_cast<std::uint8_t>(level + kHalf);
      const auto value = static_cast<float>(level);
      const float weight = x[i] * x[i];
      sum_xq += weight * x[i] * value;
      sum_q2 += weight * value * value;
    }
  };
  round_all(-static_cast<float>(kHalf) / extreme, q);
  float scale = sum_q2 != 0.0f ? sum_xq / sum_q2 : 0.0f;
  float best = scale * sum_xq;
  std::uint8_t candidate[16];
  for (int step = -9; step <= 9; ++step) {
    if (step == 0) continue;
    round_all(-(static_cast<float>(kHalf) + 0.1f * static_cast<float>(step)) / extreme, candidate);
    if (!(sum_q2 > 0.0f && sum_xq * sum_xq > best * sum_q2)) continue;
    std::memcpy(q, candidate, 16);
    scale = sum_xq / sum_q2;
    best = scale * sum_xq;
  }
  return scale;
}

// The same for three bits (-4..3): starts from one rounding, then moves single elements as long as
// that improves the fit, five rounds at most.
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

// The sub-block's elements anew, for the scale and minimum as they will be read. A scale of zero
// leaves q as the fit made it.
template <int kCount>
void round_again(const float* x, float scale, float min, int max_q, std::uint8_t* q) {
  if (scale == 0.0f) return;
  for (int i = 0; i < kCount; ++i)
    q[i] = static_cast<std::uint8_t>(nearest_int((x[i] + min) / scale, 0, max_q));
}

template <int kHalf>
void round_again(const float* x, float scale, std::uint8_t* q) {
  if (scale == 0.0f) return;
  for (int i = 0; i < 16; ++i)
    q[i] = static_cast<std::uint8_t>(nearest_int(x[i] / scale, -kHalf, kHalf - 1) + kHalf);
}

// The packing that Q4_K and Q5_K share: see q4_k_scale_min.
void pack_scale_min(int k, std::uint8_t scale, std::uint8_t min, std::uint8_t* scales) {
  if (k < 4) {
    scales[k] = scale;
    scales[k + 4] = min;
    return;
  }
  scales[k + 4] = static_cast<std::uint8_t>((scale & 15) | (min & 15) << 4);
  scales[k - 4] = static_cast<std::uint8_t>(scales[k - 4] | (scale >> 4) << 6);
  scales[k] = static_cast<std::uint8_t>(scales[k] | (min >> 4) << 6);
}

// Scales, minima and q (in 0..max_q) of a block of 8 sub-blocks of 32.
template <typename Block>
void quantize_8_of_32(const float* x, int max_q, const Search& search, Block& block,
                      std::uint8_t* q) {
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
  const float max_scale = largest_of(fits, 8, &AffineFit::scale);
  const float max_min = largest_of(fits, 8, &AffineFit::min);
  const float inverse_scale = max_scale > 0.0f ? 63.0f / max_scale : 0.0f;
  const float inverse_min = max_min > 0.0f ? 63.0f / max_min : 0.0f;
  for (int k = 0; k < 8; ++k) {
    // To a byte first: a negative scale becomes 63.
    const auto scale = static_cast<std::uint8_t>(nearest_int(inverse_scale * fits[k].scale));
    const auto min = static_cast<std::uint8_t>(nearest_int(inverse_min * fits[k].min));
    pack_scale_min(k, std::min<std::uint8_t>(scale, 63), std::min<std::uint8_t>(min, 63),
                   block.scales);
  }
  block.d = float_to_f16(max_scale / 63.0f);
  block.dmin = float_to_f16(max_min / 63.0f);
  for (int k = 0; k < 8; ++k) {
    const ScaleMin sub = q4_k_scale_min(block.scales, k);
    round_again<32>(x + 32 * k, f16_to_float(block.d) * static_cast<float>(sub.scale),
                    f16_to_float(block.dmin) * static_cast<float>(sub.min), max_q, q + 32 * k);
  }
}

// The low nibbles of q, each 64 elements in 32 bytes.
void pack_nibbles(const std::uint8_t* q, std::uint8_t* qs) {
  for (int k = 0; k < kElements / 64; ++k)
    for (int j = 0; j < 32; ++j)
      qs[32 * k + j] =
          static_cast<std::uint8_t>((q[64 * k + j] & 15) | (q[64 * k + 32 + j] & 15) << 4);
}

// The low two bits of q, each 128 elements in 32 bytes.
void pack_pairs(const std::uint8_t* q, std::uint8_t* qs) {
  for (int half = 0; half < 2; ++half)
    for (int j = 0; j < 32; ++j) {
      const std::uint8_t* from = q + 128 * half + j;
      qs[32 * half + j] = static_cast<std::uint8_t>((from[0] & 3) | (from[32] & 3) << 2 |
                                                    (from[64] & 3) << 4 | (from[96] & 3) << 6);
    }
}

}  // namespace

void quantize_block(const float* x, BlockQ2_K& block) {
  constexpr Search kSearch = {-0.5f, 0.1f, 15, true};
  constexpr float kMaxScale = 15.0f;
  std::uint8_t q[kElements];
  AffineFit fits[16];
  for (int k = 0; k < 16; ++k) {
    float weights[16];
    for (int i = 0; i < 16; ++i) weights[i] = std::fabs(x[16 * k + i]);
    fits[k] = fit_affine<16>(x + 16 * k, weights, 3, kSearch, q + 16 * k);
  }
  const float max_scale = largest_of(fits, 16, &AffineFit::scale);
  const float max_min = largest_of(fits, 16, &AffineFit::min);
  const float inverse_scale = max_scale > 0.0f ? kMaxScale / max_scale : 0.0f;
  const float inverse_min = max_min > 0.0f ? kMaxScale / max_min : 0.0f;
  block.d = float_to_f16(max_scale / kMaxScale);
  block.dmin = float_to_f16(max_min / kMaxScale);
  for (int k = 0; k < 16; ++k) {
    const int scale = nearest_int(inverse_scale * fits[k].scale);
    const int min = nearest_int(inverse_min * fits[k].min);
    block.scales[k] = static_cast<std::uint8_t>(scale | min << 4);
    round_again<16>(x + 16 * k, f16_to_float(block.d) * static_cast<float>(block.scales[k] & 15),
                    f16_to_float(block.dmin) * static_cast<float>(block.scales[k] >> 4), 3,
                    q + 16 * k);
  }
  pack_pairs(q, block.qs);
}

void quantize_block(const float* x, BlockQ3_K& block) {
  std::uint8_t q[kElements];
  float scales[16];
  float max_scale = 0.0f;
  for (int k = 0; k < 16; ++k) {
    scales[k] = fit_scale_3_bits(x + 16 * k, q + 16 * k);
    if (std::fabs(scales[k]) > std::fabs(max_scale)) max_scale = scales[k];
  }
  std::memset(block.scales, 0, sizeof block.scales);
  block.d = 0;
  if (max_scale != 0.0f) {
    const float inverse_scale = -32.0f / max_scale;
    for (int k = 0; k < 16; ++k) {
      const int scale = nearest_int(inverse_scale * scales[k], -32, 31) + 32;
      std::uint8_t& low = block.scales[k % 8];
      low = static_cast<std::uint8_t>(low | (scale & 15) << (4 * (k / 8)));
      std::uint8_t& high = block.scales[8 + k % 4];
      high = static_cast<std::uint8_t>(high | (scale >> 4) << (2 * (k / 4)));
    }
    block.d = float_to_f16(1.0f / inverse_scale);
  }
  for (int k = 0; k < 16; ++k)
    round_again<4>(x + 16 * k,
                   f16_to_float(block.d) * static_cast<float>(q3_k_scale(block.scales, k) - 32),
                   q + 16 * k);
  std::memset(block.hmask, 0, sizeof block.hmask);
  for (int i = 0; i < kElements; ++i)
    block.hmask[i % 32] = static_cast<std::uint8_t>(block.hmask[i % 32] | (q[i] >> 2) << (i / 32));
  pack_pairs(q, block.qs);
}

void quantize_block(const float* x, BlockQ4_K& block) {
  constexpr Search kSearch = {-1.0f, 0.1f, 20, false};
  std::uint8_t q[kElements];
  quantize_8_of_32(x, 15, kSearch, block, q);
  pack_nibbles(q, block.qs);
}

void quantize_block(const float* x, BlockQ5_K& block) {
  constexpr Search kSearch = {-0.5f, 0.1f, 15, false};
  std::uint8_t q[kElements];
  quantize_8_of_32(x, 31, kSearch, block, q);
  pack_nibbles(q, block.qs);
  std::memset(block.qh, 0, sizeof block.qh);
  for (int i = 0; i < kElements; ++i)
    block.qh[i % 32] = static_cast<std::uint8_t>(block.qh[i % 32] | (q[i] >> 4) << (i / 32));
}

void quantize_block(const float* x, BlockQ6_K& block) {
  std::uint8_t q[kElements];
  float scales[16];
  float max_scale = 0.0f;
  for (int k = 0; k < 16; ++k) {
    scales[k] = fit_scale<32>(x + 16 * k, q + 16 * k);
    if (std::fabs(scales[k]) > std::fabs(max_scale)) max_scale = scales[k];
  }
  std::memset(&block, 0, sizeof block);
  if (std::fabs(max_scale) < kNothing) return;
  const float inverse_scale = -128.0f / max_scale;
  block.d = float_to_f16(1.0f / inverse_scale);
  for (int k = 0; k < 16; ++k) {
    block.scales[k] =
        static_cast<std::int8_t>(std::min(127, nearest_int(inverse_scale * scales[k])));
    round_again<32>(x + 16 * k, f16_to_float(block.d) * static_cast<float>(block.scales[k]),
                    q + 16 * k);
  }
  for (int half = 0; half < 2; ++half) {
    for (int j = 0; j < 32; ++j) {
      const std::uint8_t* from = q + 128 * half + j;  // four elements, 32 apart
      std::uint8_t* ql = block.ql + 64 * half + j;
      ql[0] = static_cast<std::uint8_t>((from[0] & 15) | (from[64] & 15) << 4);
      ql[32] = static_cast<std::uint8_t>((from[32] & 15) | (from[96] & 15) << 4);
      block.qh[32 * half + j] = static_cast<std::uint8_t>(
          from[0] >> 4 | (from[32] >> 4) << 2 | (from[64] >> 4) << 4 | (from[96] >> 4) << 6);
    }
  }
}

}  // namespace nemotron
