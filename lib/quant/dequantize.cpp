// One function per block type, in float32 and in the order of the `gguf` package's formulas; the
// library is built with -ffp-contract=off, so no product and difference melt into one rounding.
#include "quant/dequantize.h"

#include <cstring>

#include "base/float_types.h"
#include "quant/block_formats.h"

namespace nemotron {
namespace {

void dequantize_block(const BlockQ8_0& block, float* out) {
  const float d = f16_to_float(block.d);
  for (int j = 0; j < 32; ++j) out[j] = static_cast<float>(block.qs[j]) * d;
}

void dequantize_block(const BlockQ5_0& block, float* out) {
  const float d = f16_to_float(block.d);
  std::uint32_t qh;
  std::memcpy(&qh, block.qh, sizeof qh);
  for (int j = 0; j < 16; ++j) {
    const int low = (block.qs[j] & 15) | static_cast<int>((qh >> j) & 1) << 4;
    const int high = (block.qs[j] >> 4) | static_cast<int>((qh >> (j + 16)) & 1) << 4;
    out[j] = d * static_cast<float>(low - 16);
    out[j + 16] = d * static_cast<float>(high - 16);
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

// Blocks are copied out first: a tensor in a caller's memory may begin at any address.
template <typename Block>
void dequantize_blocks(const void* blocks, std::size_t n_elements, float* out) {
  const auto* bytes = static_cast<const unsigned char*>(blocks);
  for (std::size_t i = 0; i < n_elements; i += Block::kElements, bytes += sizeof(Block)) {
    Block block;
    std::memcpy(&block, bytes, sizeof block);
    dequantize_block(block, out + i);
  }
}

template <typename Convert>
void convert_halves(const void* halves, std::size_t n_elements, float* out, Convert convert) {
  const auto* bytes = static_cast<const unsigned char*>(halves);
  for (std::size_t i = 0; i < n_elements; ++i) {
    std::uint16_t bits;
    std::memcpy(&bits, bytes + 2 * i, sizeof bits);
    out[i] = convert(bits);
  }
}

}  // namespace

void dequantize(TensorType type, const void* blocks, std::size_t n_elements, float* out) {
  if (n_elements == 0) return;
  switch (type) {
    case TensorType::kF32:
      std::memcpy(out, blocks, n_elements * sizeof(float));
      break;
    case TensorType::kF16:
      convert_halves(blocks, n_elements, out, f16_to_float);
      break;
    case TensorType::kBF16:
      convert_halves(blocks, n_elements, out, bf16_to_float);
      break;
    case TensorType::kQ8_0:
      dequantize_blocks<BlockQ8_0>(blocks, n_elements, out);
      break;
    case TensorType::kQ5_0:
      dequantize_blocks<BlockQ5_0>(blocks, n_elements, out);
      break;
    case TensorType::kQ4_K:
      dequantize_blocks<BlockQ4_K>(blocks, n_elements, out);
      break;
    case TensorType::kQ6_K:
      dequantize_blocks<BlockQ6_K>(blocks, n_elements, out);
      break;
  }
}

}  // namespace nemotron
