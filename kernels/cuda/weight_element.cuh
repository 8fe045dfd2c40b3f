// One element of a stored row as a float, for every weight type: what lib/quant's dequantize()
// gives, by the same operations.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/float_types.h"
#include "kernels/cuda/device.cuh"
#include "quant/block_formats.h"
#include "quant/tensor_type.h"

namespace nemotron::kernels::cuda {

template <typename Block>
__device__ inline const Block& block_of(const void* row, std::int64_t k) {
  return static_cast<const Block*>(row)[k / Block::kElements];
}

// Element j of 32 whose nibbles lie as in all types of 32.
__device__ inline int nibble_of_32(const std::uint8_t* qs, int j) {
  return j < 16 ? qs[j] & 15 : qs[j - 16] >> 4;
}
__device__ inline int five_bits_of_32(const std::uint8_t* qh, const std::uint8_t* qs, int j) {
  return nibble_of_32(qs, j) | ((qh[j / 8] >> (j % 8)) & 1) << 4;
}

// Device code cannot index an array of the host's, but a copy that is made while compiling.
__device__ inline int iq4_level(int q) {
  constexpr auto kLevels = std::to_array(kIQ4Values);
  return kLevels[static_cast<std::size_t>(q)];
}

// kFp4DoubledValues[q], computed: a table would lie in each thread's stack.
constexpr int fp4_doubled(int q) {
  const int exponent = (q >> 1) & 3;
  const int mantissa = q & 1;
  const int magnitude = exponent == 0 ? mantissa : (2 + mantissa) << (exponent - 1);
  return q & 8 ? -magnitude : magnitude;
}
constexpr bool fp4_values_agree() {
  for (int q = 0; q < 16; ++q)
    if (fp4_doubled(q) != kFp4DoubledValues[q]) return false;
  return true;
}
static_assert(fp4_values_agree());

// What block types are made of: an integer for each element (of some types in a table, by a code),
// and, for its group of elements, a scale and perhaps a minimum: scale * integer - minimum.
template <TensorType type>
struct WeightParts;

template <>
struct WeightParts<TensorType::kQ4_0> {
  using Block = BlockQ4_0;
  static constexpr bool kHasMin = false;
  __device__ static int integer(const Block& b, int j) { return nibble_of_32(b.qs, j) - 8; }
  __device__ static float scale(const Block& b, int) { return f16_to_float(b.d); }
};
template <>
struct WeightParts<TensorType::kQ4_1> {
  using Block = BlockQ4_1;
  static constexpr bool kHasMin = true;
  __device__ static int integer(const Block& b, int j) { return nibble_of_32(b.qs, j); }
  __device__ static float scale(const Block& b, int) { return f16_to_float(b.d); }
  __device__ static float min(const Block& b, int) { return -f16_to_float(b.m); }
};
template <>
struct WeightParts<TensorType::kQ5_0> {
  using Block = BlockQ5_0;
  static constexpr bool kHasMin = false;
  __device__ static int integer(const Block& b, int j) {
    return five_bits_of_32(b.qh, b.qs, j) - 16;
  }
  __device__ static float scale(const Block& b, int) { return f16_to_float(b.d); }
};
template <>
struct WeightParts<TensorType::kQ5_1> {
  using Block = BlockQ5_1;
  static constexpr bool kHasMin = true;
  __device__ static int integer(const Block& b, int j) { return five_bits_of_32(b.qh, b.qs, j); }
  __device__ static float scale(const Block& b, int) { return f16_to_float(b.d); }
  __device__ static float min(const Block& b, int) { return -f16_to_float(b.m); }
};
template <>
struct WeightParts<TensorType::kQ8_0> {
  using Block = BlockQ8_0;
  static constexpr bool kHasMin = false;
  __device__ static int integer(const Block& b, int j) { return b.qs[j]; }
  __device__ static float scale(const Block& b, int) { return f16_to_float(b.d); }
};
template <>
struct WeightParts<TensorType::kIQ4_NL> {
  using Block = BlockIQ4_NL;
  static constexpr bool kHasMin = false;
  __device__ static int code(const Block& b, int j) { return nibble_of_32(b.qs, j); }
  __device__ static int integer(const Block& b, int j) { return iq4_level(code(b, j)); }
  __device__ static float scale(const Block& b, int) { return f16_to_float(b.d); }
};
template <>
struct WeightParts<TensorType::kNVFP4> {
  using Block = BlockNVFP4;
  static constexpr bool kHasMin = false;
  __device__ static int code(const Block& b, int j) {
    const std::uint8_t byte = b.qs[8 * (j / 16) + j % 8];
    return j % 16 < 8 ? byte & 15 : byte >> 4;
  }
  __device__ static int integer(const Block& b, int j) { return fp4_doubled(code(b, j)); }
  __device__ static float scale(const Block& b, int j) { return nvfp4_half_scale(b.d[j / 16]); }
};

// The types of 256: groups of 16 elements or of 32, whose scales are integers times `d`.
template <>
struct WeightParts<TensorType::kQ2_K> {
  using Block = BlockQ2_K;
  static constexpr bool kHasMin = true;
  __device__ static int integer(const Block& b, int j) {
    return (b.qs[32 * (j / 128) + j % 32] >> (2 * (j % 128 / 32))) & 3;
  }
  __device__ static float scale(const Block& b, int j) {
    return f16_to_float(b.d) * static_cast<float>(b.scales[j / 16] & 15);
  }
  __device__ static float min(const Block& b, int j) {
    return f16_to_float(b.dmin) * static_cast<float>(b.scales[j / 16] >> 4);
  }
};
template <>
struct WeightParts<TensorType::kQ3_K> {
  using Block = BlockQ3_K;
  static constexpr bool kHasMin = false;
  __device__ static int integer(const Block& b, int j) {
    const int low = (b.qs[32 * (j / 128) + j % 32] >> (2 * (j % 128 / 32))) & 3;
    const int high = (b.hmask[j % 32] >> (j / 32)) & 1;
    return (low | high << 2) - 4;
  }
  __device__ static int group_scale(const Block& b, int j) {
    return q3_k_scale(b.scales, j / 16) - 32;
  }
  __device__ static float scale(const Block& b, int j) {
    return f16_to_float(b.d) * static_cast<float>(group_scale(b, j));
  }
};
// Q4_K and Q5_K.
template <typename B>
struct KScaleMin {
  using Block = B;
  static constexpr bool kHasMin = true;
  __device__ static ScaleMin group_scale_min(const Block& b, int j) {
    return q4_k_scale_min(b.scales, j / 32);
  }
  __device__ static int low_bits(const Block& b, int j) {
    return (b.qs[32 * (j / 64) + j % 32] >> (4 * (j / 32 % 2))) & 15;
  }
  __device__ static float scale(const Block& b, int j) {
    return f16_to_float(b.d) * static_cast<float>(group_scale_min(b, j).scale);
  }
  __device__ static float min(const Block& b, int j) {
    return f16_to_float(b.dmin) * static_cast<float>(group_scale_min(b, j).min);
  }
};
template <>
struct WeightParts<TensorType::kQ4_K> : KScaleMin<BlockQ4_K> {
  __device__ static int integer(const Block& b, int j) { return low_bits(b, j); }
};
template <>
struct WeightParts<TensorType::kQ5_K> : KScaleMin<BlockQ5_K> {
  __device__ static int integer(const Block& b, int j) {
    return low_bits(b, j) | ((b.qh[j % 32] >> (j / 32)) & 1) << 4;
  }
};
template <>
struct WeightParts<TensorType::kQ6_K> {
  using Block = BlockQ6_K;
  static constexpr bool kHasMin = false;
  __device__ static int integer(const Block& b, int j) {
    const int half = j / 128;
    const int quarter = j % 128 / 32;
    const int low = (b.ql[64 * half + 32 * (quarter % 2) + j % 32] >> (4 * (quarter / 2))) & 15;
    const int high = (b.qh[32 * half + j % 32] >> (2 * quarter)) & 3;
    return (low | high << 4) - 32;
  }
  __device__ static int group_scale(const Block& b, int j) { return b.scales[j / 16]; }
  __device__ static float scale(const Block& b, int j) {
    return f16_to_float(b.d) * static_cast<float>(group_scale(b, j));
  }
};
template <>
struct WeightParts<TensorType::kIQ4_XS> {
  using Block = BlockIQ4_XS;
  static constexpr bool kHasMin = false;
  __device__ static int code(const Block& b, int j) {
    return nibble_of_32(b.qs + 16 * (j / 32), j % 32);
  }
  __device__ static int integer(const Block& b, int j) { return iq4_level(code(b, j)); }
  __device__ static int group_scale(const Block& b, int j) {
    const int sub = j / 32;
    const int low = (b.scales_l[sub / 2] >> (4 * (sub % 2))) & 15;
    return (low | ((b.scales_h >> (2 * sub)) & 3) << 4) - 32;
  }
  __device__ static float scale(const Block& b, int j) {
    return f16_to_float(b.d) * static_cast<float>(group_scale(b, j));
  }
};

// Element k of a row.
template <TensorType type>
__device__ inline float weight_element(const void* row, std::int64_t k) {
  if constexpr (type == TensorType::kF32) {
    return static_cast<const float*>(row)[k];
  } else if constexpr (type == TensorType::kF16) {
    return f16_to_float(static_cast<const f16_bits*>(row)[k]);
  } else if constexpr (type == TensorType::kBF16) {
    return bf16_to_float(static_cast<const bf16_bits*>(row)[k]);
  } else if constexpr (type == TensorType::kF8_E4M3) {
    return f8_e4m3_to_float(static_cast<const f8_e4m3_bits*>(row)[k]);
  } else {
    using Parts = WeightParts<type>;
    const auto& b = block_of<typename Parts::Block>(row, k);
    const int j = static_cast<int>(k % Parts::Block::kElements);
    const float product = Parts::scale(b, j) * static_cast<float>(Parts::integer(b, j));
    if constexpr (Parts::kHasMin) {
      return product - Parts::min(b, j);
    } else {
      return product;
    }
  }
}

}  // namespace nemotron::kernels::cuda
