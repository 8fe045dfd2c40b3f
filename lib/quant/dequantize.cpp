// Rows of any type to floats. The blocks' own arithmetic is in dequantize_small.cpp and
// dequantize_k.cpp; the library is built with -ffp-contract=off, so no product and difference melt
// into one rounding.
#include "quant/dequantize.h"

#include <cstring>

#include "base/float_types.h"
#include "quant/block_formats.h"
#include "quant/dequantize_block.h"

namespace nemotron {
namespace {

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
    case TensorType::kF8_E4M3:
      for (std::size_t i = 0; i < n_elements; ++i)
        out[i] = kF8E4M3Values[static_cast<const std::uint8_t*>(blocks)[i]];
      break;
    case TensorType::kQ4_0:
      dequantize_blocks<BlockQ4_0>(blocks, n_elements, out);
      break;
    case TensorType::kQ4_1:
      dequantize_blocks<BlockQ4_1>(blocks, n_elements, out);
      break;
    case TensorType::kQ5_0:
      dequantize_blocks<BlockQ5_0>(blocks, n_elements, out);
      break;
    case TensorType::kQ5_1:
      dequantize_blocks<BlockQ5_1>(blocks, n_elements, out);
      break;
    case TensorType::kQ8_0:
      dequantize_blocks<BlockQ8_0>(blocks, n_elements, out);
      break;
    case TensorType::kQ2_K:
      dequantize_blocks<BlockQ2_K>(blocks, n_elements, out);
      break;
    case TensorType::kQ3_K:
      dequantize_blocks<BlockQ3_K>(blocks, n_elements, out);
      break;
    case TensorType::kQ4_K:
      dequantize_blocks<BlockQ4_K>(blocks, n_elements, out);
      break;
    case TensorType::kQ5_K:
      dequantize_blocks<BlockQ5_K>(blocks, n_elements, out);
      break;
    case TensorType::kQ6_K:
      dequantize_blocks<BlockQ6_K>(blocks, n_elements, out);
      break;
    case TensorType::kIQ4_NL:
      dequantize_blocks<BlockIQ4_NL>(blocks, n_elements, out);
      break;
    case TensorType::kIQ4_XS:
      dequantize_blocks<BlockIQ4_XS>(blocks, n_elements, out);
      break;
    case TensorType::kNVFP4:
      dequantize_blocks<BlockNVFP4>(blocks, n_elements, out);
      break;
  }
}

}  // namespace nemotron
