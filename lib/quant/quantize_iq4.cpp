// The types with uneven levels: several scales are tried for 32 elements, each gives a rounding,
// and the rounding with the best weighted least-squares fit gives the scale.
#include <cmath>
#include <cstring>

#include "quant/quantize_block.h"
#include "quant/quantize_fit.h"

namespace nemotron {
namespace {

constexpr int kSubBlock = 32;
constexpr int kTries = 7;

// The nearest level, of equally near ones the upper: how many middles between levels are not above.
std::uint8_t nearest_level(float x) {
  int index = 0;
  for (int i = 0; i + 1 < 16; ++i)
    index += x >= 0.5f * static_cast<float>(kIQ4Values[i] + kIQ4Values[i + 1]) ? 1 : 0;
  return static_cast<std::uint8_t>(index);
}

float fit_level_scale(const float* x, const float* weights) {
  const float extreme = extreme_of<kSubBlock>(x);
  if (std::fabs(extreme) < kNothing) return 0.0f;
  float sum_xq = 0.0f, sum_q2 = 0.0f;
  const auto round_all = [&](float inverse_scale) {
    sum_xq = sum_q2 = 0.0f;
    for (int j = 0; j < kSubBlock; ++j) {
      const auto level = static_cast<float>(kIQ4Values[nearest_level(inverse_scale * x[j])]);
      const float weighted = weights[j] * level;
      sum_xq += weighted * x[j];
      sum_q2 += weighted * level;
    }
  };
  round_all(1.0f / (-extreme / static_cast<float>(kIQ4Values[0])));
  float scale = sum_q2 > 0.0f ? sum_xq / sum_q2 : 0.0f;
  float best = scale * sum_xq;
  for (int step = -kTries; step <= kTries; ++step) {
    round_all(static_cast<float>(step + kIQ4Values[0]) / extreme);
    if (!(sum_q2 > 0.0f && sum_xq * sum_xq > best * sum_q2)) continue;
    scale = sum_xq / sum_q2;
    best = scale * sum_xq;
  }
  return scale;
}

void round_and_pack(const float* x, float scale, std::uint8_t* qs) {
  const float inverse_scale = scale != 0.0f ? 1.0f / scale : 0.0f;
  for (int j = 0; j < kSubBlock / 2; ++j) {
    const int low = nearest_level(inverse_scale * x[j]);
    const int high = nearest_level(inverse_scale * x[j + kSubBlock / 2]);
    qs[j] = static_cast<std::uint8_t>(low | high << 4);
  }
}

template <typename Block>
void quantize_by_squares(const float* x, Block& block) {
  float weights[Block::kElements];
  for (int j = 0; j < static_cast<int>(Block::kElements); ++j) weights[j] = x[j] * x[j];
  quantize_block_weighted(x, weights, block);
}

}  // namespace

void quantize_block(const float* x, BlockIQ4_NL& block) { quantize_by_squares(x, block); }
void quantize_block(const float* x, BlockIQ4_XS& block) { quantize_by_squares(x, block); }

void quantize_block_weighted(const float* x, const float* weights, BlockIQ4_NL& block) {
  const float scale = fit_level_scale(x, weights);
  block.d = float_to_f16(scale);
  round_and_pack(x, scale, block.qs);
}

void quantize_block_weighted(const float* x, const float* weights, BlockIQ4_XS& block) {
  float scales[8];
  float max_scale = 0.0f;
  for (int k = 0; k < 8; ++k) {
    scales[k] = fit_level_scale(x + kSubBlock * k, weights + kSubBlock * k);
    if (std::fabs(scales[k]) > std::fabs(max_scale)) max_scale = scales[k];
  }
  const float d = -max_scale / 32;
  const float inverse_d = d != 0.0f ? 1.0f / d : 0.0f;
  block.d = float_to_f16(d);
  block.scales_h = 0;
  std::memset(block.scales_l, 0, sizeof block.scales_l);
  for (int k = 0; k < 8; ++k) {
    const int level = nearest_int(inverse_d * scales[k], -32, 31);
    round_and_pack(x + kSubBlock * k, d * static_cast<float>(level), block.qs + 16 * k);
    const int stored = level + 32;
    block.scales_l[k / 2] =
        static_cast<std::uint8_t>(block.scales_l[k / 2] | (stored & 15) << (4 * (k % 2)));
    block.scales_h = static_cast<std::uint16_t>(block.scales_h | (stored >> 4) << (2 * k));
  }
}

}  // namespace nemotron
