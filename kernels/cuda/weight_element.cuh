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
__device__ inline float iq4_level(int q) {
  constexpr auto kLevels = std::to_array(kIQ4Values);
  return static_cast<float>(kLevels[static_cast<std::size_t>(q)]);
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

template <TensorType type>
__device__ float weight_element(const void* row, std::int64_t k);

template <>
__device__ inline float weight_element<TensorType::kF32>(const void* row, std::int64_t k) {
  return static_cast<const float*>(row)[k];
}
template <>
__device__ inline float weight_element<TensorType::kF16>(const void* row, std::int64_t k) {
  return f16_to_float(static_cast<const f16_bits*>(row)[k]);
}
template <>
__device__ inline float weight_element<TensorType::kBF16>(const void* row, std::int64_t k) {
  return bf16_to_float(static_cast<const bf16_bits*>(row)[k]);
}
template <>
__device__ inline float weight_element<TensorType::kF8_E4M3>(const void* row, std::int64_t k) {
  return f8_e4m3_to_float(static_cast<const f8_e4m3_bits*>(row)[k]);
}
template <>
__device__ inline float weight_element<TensorType::kQ4_0>(const void* row, std::int64_t k) {
  const auto& b = block_of<BlockQ4_0>(row, k);
  return f16_to_float(b.d) * static_cast<float>(nibble_of_32(b.qs, k % 32) - 8);
}
template <>
__device__ inline float weight_element<TensorType::kQ4_1>(const void* row, std::int64_t k) {
  const auto& b = block_of<BlockQ4_1>(row, k);
  return f16_to_float(b.d) * static_cast<float>(nibble_of_32(b.qs, k % 32)) + f16_to_float(b.m);
}
template <>
__device__ inline float weight_element<TensorType::kQ5_0>(const void* row, std::int64_t k) {
  const auto& b = block_of<BlockQ5_0>(row, k);
  return f16_to_float(b.d) * static_cast<float>(five_bits_of_32(b.qh, b.qs, k % 32) - 16);
}
template <>
__device__ inline float weight_element<TensorType::kQ5_1>(const void* row, std::int64_t k) {
  const auto& b = block_of<BlockQ5_1>(row, k);
  return f16_to_float(b.d) * static_cast<float>(five_bits_of_32(b.qh, b.qs, k % 32)) +
         f16_to_float(b.m);
}
template <>
__device__ inline float weight_element<TensorType::kQ8_0>(const void* row, std::int64_t k) {
  const auto& b = block_of<BlockQ8_0>(row, k);
  return static_cast<float>(b.qs[k % 32]) * f16_to_float(b.d);
}
template <>
__device__ inline float weight_element<TensorType::kIQ4_NL>(const void* row, std::int64_t k) {
  const auto& b = block_of<BlockIQ4_NL>(row, k);
  return f16_to_float(b.d) * iq4_level(nibble_of_32(b.qs, k % 32));
}
template <>
__device__ inline float weight_element<TensorType::kNVFP4>(const void* row, std::int64_t k) {
  const auto& b = block_of<BlockNVFP4>(row, k);
  const int sub = static_cast<int>(k % 64) / 16;
  const int j = k % 16;
  const std::uint8_t byte = b.qs[8 * sub + j % 8];
  return nvfp4_half_scale(b.d[sub]) *
         static_cast<float>(fp4_doubled(j < 8 ? byte & 15 : byte >> 4));
}

// The types of 256: `sub` is the sub-block, of 16 elements or of 32.
template <>
__device__ inline float weight_element<TensorType::kQ2_K>(const void* row, std::int64_t k) {
  const auto& b = block_of<BlockQ2_K>(row, k);
  const int sub = static_cast<int>(k % 256) / 16;
  const float scale = f16_to_float(b.d) * static_cast<float>(b.scales[sub] & 15);
  const float min = f16_to_float(b.dmin) * static_cast<float>(b.scales[sub] >> 4);
  const int q = (b.qs[32 * (sub / 8) + k % 32] >> (2 * (sub % 8 / 2))) & 3;
  return scale * static_cast<float>(q) - min;
}
template <>
__device__ inline float weight_element<TensorType::kQ3_K>(const void* row, std::int64_t k) {
  const auto& b = block_of<BlockQ3_K>(row, k);
  const int sub = static_cast<int>(k % 256) / 16;
  const float scale = f16_to_float(b.d) * static_cast<float>(q3_k_scale(b.scales, sub) - 32);
  const int low = (b.qs[32 * (sub / 8) + k % 32] >> (2 * (sub % 8 / 2))) & 3;
  const int high = (b.hmask[k % 32] >> (sub / 2)) & 1;
  return scale * static_cast<float>((low | high << 2) - 4);
}
template <>
__device__ inline float weight_element<TensorType::kQ4_K>(const void* row, std::int64_t k) {
  const auto& b = block_of<BlockQ4_K>(row, k);
  const int sub = static_cast<int>(k % 256) / 32;
  const ScaleMin s = q4_k_scale_min(b.scales, sub);
  const float scale = f16_to_float(b.d) * static_cast<float>(s.scale);
  const float min = f16_to_float(b.dmin) * static_cast<float>(s.min);
  const int q = (b.qs[32 * (sub / 2) + k % 32] >> (4 * (sub % 2))) & 15;
  return scale * static_cast<float>(q) - min;
}
template <>
__device__ inline float weight_element<TensorType::kQ5_K>(const void* row, std::int64_t k) {
  const auto& b = block_of<BlockQ5_K>(row, k);
  const int sub = static_cast<int>(k % 256) / 32;
  const ScaleMin s = q4_k_scale_min(b.scales, sub);
  const float scale = f16_to_float(b.d) * static_cast<float>(s.scale);
  const float min = f16_to_float(b.dmin) * static_cast<float>(s.min);
  const int low = (b.qs[32 * (sub / 2) + k % 32] >> (4 * (sub % 2))) & 15;
  const int q = low | ((b.qh[k % 32] >> sub) & 1) << 4;
  return scale * static_cast<float>(q) - min;
}
template <>
__device__ inline float weight_element<TensorType::kQ6_K>(const void* row, std::int64_t k) {
  const auto& b = block_of<BlockQ6_K>(row, k);
  const int sub = static_cast<int>(k % 256) / 16;
  const int half = sub / 8;
  const int quarter = sub % 8 / 2;
  const float scale = f16_to_float(b.d) * static_cast<float>(b.scales[sub]);
  const int low = (b.ql[64 * half + 32 * (quarter % 2) + k % 32] >> (4 * (quarter / 2))) & 15;
  const int high = (b.qh[32 * half + k % 32] >> (2 * quarter)) & 3;
  return scale * static_cast<float>((low | high << 4) - 32);
}
template <>
__device__ inline float weight_element<TensorType::kIQ4_XS>(const void* row, std::int64_t k) {
  const auto& b = block_of<BlockIQ4_XS>(row, k);
  const int sub = static_cast<int>(k % 256) / 32;
  const int low = (b.scales_l[sub / 2] >> (4 * (sub % 2))) & 15;
  const int high = (b.scales_h >> (2 * sub)) & 3;
  const float scale = f16_to_float(b.d) * static_cast<float>((low | high << 4) - 32);
  return scale * iq4_level(nibble_of_32(b.qs + 16 * sub, k % 32));
}

}  // namespace nemotron::kernels::cuda
