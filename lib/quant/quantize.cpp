// Rows of floats to any type. The blocks' own arithmetic is in quantize_small.cpp, quantize_k.cpp
// and quantize_iq4.cpp.
#include "quant/quantize.h"

#include <cstring>

#include "base/float_types.h"
#include "quant/quantize_block.h"

namespace nemotron {
namespace {

// Blocks are copied to their place: it may have any address.
template <typename Block>
void quantize_blocks(const float* values, std::size_t n_elements, void* blocks) {
  auto* bytes = static_cast<unsigned char*>(blocks);
  for (std::size_t i = 0; i < n_elements; i += Block::kElements, bytes += sizeof(Block)) {
    Block block;
    quantize_block(values + i, block);
    std::memcpy(bytes, &block, sizeof block);
  }
}

template <typename Convert>
void convert_each(const float* values, std::size_t n_elements, void* out, Convert convert) {
  auto* bytes = static_cast<unsigned char*>(out);
  for (std::size_t i = 0; i < n_elements; ++i) {
    const auto bits = convert(values[i]);
    std::memcpy(bytes + i * sizeof bits, &bits, sizeof bits);
  }
}

}  // namespace

bool can_quantize(TensorType type) { return type != TensorType::kNVFP4; }

void quantize(TensorType type, const float* values, std::size_t n_elements, void* blocks) {
  if (n_elements == 0) return;
  switch (type) {
    case TensorType::kF32:
      std::memcpy(blocks, values, n_elements * sizeof(float));
      break;
    case TensorType::kF16:
      return convert_each(values, n_elements, blocks, float_to_f16);
    case TensorType::kBF16:
      return convert_each(values, n_elements, blocks, float_to_bf16);
    case TensorType::kF8_E4M3:
      return convert_each(values, n_elements, blocks, float_to_f8_e4m3);
    case TensorType::kQ4_0:
      return quantize_blocks<BlockQ4_0>(values, n_elements, blocks);
    case TensorType::kQ4_1:
      return quantize_blocks<BlockQ4_1>(values, n_elements, blocks);
    case TensorType::kQ5_0:
      return quantize_blocks<BlockQ5_0>(values, n_elements, blocks);
    case TensorType::kQ5_1:
      return quantize_blocks<BlockQ5_1>(values, n_elements, blocks);
    case TensorType::kQ8_0:
      return quantize_blocks<BlockQ8_0>(values, n_elements, blocks);
    case TensorType::kQ2_K:
      return quantize_blocks<BlockQ2_K>(values, n_elements, blocks);
    case TensorType::kQ3_K:
      return quantize_blocks<BlockQ3_K>(values, n_elements, blocks);
    case TensorType::kQ4_K:
      return quantize_blocks<BlockQ4_K>(values, n_elements, blocks);
    case TensorType::kQ5_K:
      return quantize_blocks<BlockQ5_K>(values, n_elements, blocks);
    case TensorType::kQ6_K:
      return quantize_blocks<BlockQ6_K>(values, n_elements, blocks);
    case TensorType::kIQ4_NL:
      return quantize_blocks<BlockIQ4_NL>(values, n_elements, blocks);
    case TensorType::kIQ4_XS:
      return quantize_blocks<BlockIQ4_XS>(values, n_elements, blocks);
    case TensorType::kNVFP4:
      break;
  }
}

}  // namespace nemotron
