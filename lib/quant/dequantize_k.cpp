// The types with 256 elements to a block, in float32 and in the order of the `gguf` package's
// formulas.
#include "quant/dequantize_block.h"

namespace nemotron {

void dequantize_block(const BlockQ2_K& block, float* out) {
  const float d = f16_to_float(block.d);
  const float dmin = f16_to_float(block.dmin);
  for (int k = 0; k < 16; ++k) {
    const float scale = d * static_cast<float>(block.scales[k] & 15);
    const float min = dmin * static_cast<float>(block.scales[k] >> 4);
    const std::uint8_t* qs = block.qs + 32 * (k / 8) + 16 * (k % 2);
    const int shift = 2 * (k % 8 / 2);
    for (int j = 0; j < 16; ++j)
      out[16 * k + j] = scale * static_cast<float>((qs[j] >> shift) & 3) - min;
  }
}

void dequantize_block(const BlockQ3_K& block, float* out) {
  const float d = f16_to_float(block.d);
  for (int k = 0; k < 16; ++k) {
    const float scale = d * static_cast<float>(q3_k_scale(block.scales, k) - 32);
    const std::uint8_t* qs = block.qs + 32 * (k / 8) + 16 * (k % 2);
    const std::uint8_t* hmask = block.hmask + 16 * (k % 2);
    const int low_shift = 2 * (k % 8 / 2);
    const int high_shift = k / 2;
    for (int j = 0; j < 16; ++j) {
      const int q = ((qs[j] >> low_shift) & 3) | ((hmask[j] >> high_shift) & 1) << 2;
      out[16 * k + j] = scale * static_cast<float>(q - 4);
    }
  }
}

void dequantize_block(const BlockQ4_K& block, float* out) {
  const float d = f16_to_float(block.d);
  const float dmin = f16_to_float(block.dmin);
  for (int k = 0; k < 8; ++k) {
    const ScaleMin sub = q4_k_scale_min(block.scales, k);
    const float scale = d * static_cast<float>(sub.scale);
    const float min = dmin * static_cast<float>(sub.min);
    const std::uint8_t* qs = block.qs + 32 * (k / 2);
    const int shift = 4 * (k % 2);
    for (int j = 0; j < 32; ++j)
      out[32 * k + j] = scale * static_cast<float>((qs[j] >> shift) & 15) - min;
  }
}

void dequantize_block(const BlockQ5_K& block, float* out) {
  const float d = f16_to_float(block.d);
  const float dmin = f16_to_float(block.dmin);
  for (int k = 0; k < 8; ++k) {
    const ScaleMin sub = q4_k_scale_min(block.scales, k);
    const float scale = d * static_cast<float>(sub.scale);
    const float min = dmin * static_cast<float>(sub.min);
    const std::uint8_t* qs = block.qs + 32 * (k / 2);
    const int shift = 4 * (k % 2);
    for (int j = 0; j < 32; ++j) {
      const int q = ((qs[j] >> shift) & 15) | ((block.qh[j] >> k) & 1) << 4;
      out[32 * k + j] = scale * static_cast<float>(q) - min;
    }
  }
}

void dequantize_block(const BlockQ6_K& block, float* out) {
  const float d = f16_to_float(block.d);
  for (int k = 0; k < 16; ++k) {
    const float scale = d * static_cast<float>(block.scales[k]);
    const int half = k / 8;           // 128 elements
    const int quarter = (k % 8) / 2;  // of a half: 32 elements
    const std::uint8_t* ql = block.ql + 64 * half + 32 * (quarter % 2) + 16 * (k % 2);
    const std::uint8_t* qh = block.qh + 32 * half + 16 * (k % 2);
    const int low_shift = 4 * (quarter / 2);
    const int high_shift = 2 * quarter;
    for (int j = 0; j < 16; ++j) {
      const int q = ((ql[j] >> low_shift) & 15) | ((qh[j] >> high_shift) & 3) << 4;
      out[16 * k + j] = scale * static_cast<float>(q - 32);
    }
  }
}

void dequantize_block(const BlockIQ4_XS& block, float* out) {
  const float d = f16_to_float(block.d);
  for (int k = 0; k < 8; ++k) {
    const int low = (block.scales_l[k / 2] >> (4 * (k % 2))) & 15;
    const int high = (block.scales_h >> (2 * k)) & 3;
    const float scale = d * static_cast<float>((low | high << 4) - 32);
    const std::uint8_t* qs = block.qs + 16 * k;
    for (int j = 0; j < 16; ++j) {
      out[32 * k + j] = scale * static_cast<float>(kIQ4Values[qs[j] & 15]);
      out[32 * k + j + 16] = scale * static_cast<float>(kIQ4Values[qs[j] >> 4]);
    }
  }
}

}  // namespace nemotron
