// The types with one scale per 16 or 32 elements, in float32 and in the order of the `gguf`
// package's formulas.
#include <cstring>

#include "quant/dequantize_block.h"

namespace nemotron {
namespace {

// The 32 five-bit numbers of a block: q[j] and q[j + 16] share byte j of qs.
struct FiveBits {
  FiveBits(const std::uint8_t* high, const std::uint8_t* low) : qs(low) {
    std::memcpy(&qh, high, sizeof qh);
  }
  int first(int j) const { return (qs[j] & 15) | static_cast<int>((qh >> j) & 1) << 4; }
  int second(int j) const { return (qs[j] >> 4) | static_cast<int>((qh >> (j + 16)) & 1) << 4; }

  std::uint32_t qh = 0;
  const std::uint8_t* qs;
};

}  // namespace

void dequantize_block(const BlockQ4_0& block, float* out) {
  const float d = f16_to_float(block.d);
  for (int j = 0; j < 16; ++j) {
    out[j] = d * static_cast<float>((block.qs[j] & 15) - 8);
    out[j + 16] = d * static_cast<float>((block.qs[j] >> 4) - 8);
  }
}

void dequantize_block(const BlockQ4_1& block, float* out) {
  const float d = f16_to_float(block.d);
  const float m = f16_to_float(block.m);
  for (int j = 0; j < 16; ++j) {
    out[j] = d * static_cast<float>(block.qs[j] & 15) + m;
    out[j + 16] = d * static_cast<float>(block.qs[j] >> 4) + m;
  }
}

void dequantize_block(const BlockQ5_0& block, float* out) {
  const float d = f16_to_float(block.d);
  const FiveBits q(block.qh, block.qs);
  for (int j = 0; j < 16; ++j) {
    out[j] = d * static_cast<float>(q.first(j) - 16);
    out[j + 16] = d * static_cast<float>(q.second(j) - 16);
  }
}

void dequantize_block(const BlockQ5_1& block, float* out) {
  const float d = f16_to_float(block.d);
  const float m = f16_to_float(block.m);
  const FiveBits q(block.qh, block.qs);
  for (int j = 0; j < 16; ++j) {
    out[j] = d * static_cast<float>(q.first(j)) + m;
    out[j + 16] = d * static_cast<float>(q.second(j)) + m;
  }
}

void dequantize_block(const BlockQ8_0& block, float* out) {
  const float d = f16_to_float(block.d);
  for (int j = 0; j < 32; ++j) out[j] = static_cast<float>(block.qs[j]) * d;
}

void dequantize_block(const BlockIQ4_NL& block, float* out) {
  const float d = f16_to_float(block.d);
  for (int j = 0; j < 16; ++j) {
    out[j] = d * static_cast<float>(kIQ4Values[block.qs[j] & 15]);
    out[j + 16] = d * static_cast<float>(kIQ4Values[block.qs[j] >> 4]);
  }
}

void dequantize_block(const BlockNVFP4& block, float* out) {
  for (int k = 0; k < 4; ++k) {
    const float scale = nvfp4_half_scale(block.d[k]);
    const std::uint8_t* qs = block.qs + 8 * k;
    for (int j = 0; j < 8; ++j) {
      out[16 * k + j] = scale * static_cast<float>(kFp4DoubledValues[qs[j] & 15]);
      out[16 * k + j + 8] = scale * static_cast<float>(kFp4DoubledValues[qs[j] >> 4]);
    }
  }
}

}  // namespace nemotron
