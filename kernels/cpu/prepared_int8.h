// The input of products with int8 forms: what `avx2` and `avx512` prepare alike.
#pragma once

#include <cstring>

#include "kernels/cpu/packed_weight.h"

namespace nemotron::kernels {

// How codes u and factors a, b of a block give its part of the sum over w x, x being scale * q:
//   kOffset   w = a (u - kOffset)                         a * scale * (u.q - kOffset * sum q)
//   kMinimum  w = a u - b                                 (a * u.q - b * sum q) * scale
//   kHalves   w = (a | b) (u - kOffset), by half a block  (a * first half + b * second) * scale
//   kHalvesMinimum  w = (a | b) u - (c | d)   (a * first + b * second - c * sum - d * sum) * scale
enum class CodeMode : std::uint8_t { kOffset, kMinimum, kHalves, kHalvesMinimum };

// q rounded to the nearest of x / scale, scale = max|x| / 127 per row and block; between -127 and
// 127. Arrays are [n_blocks][n_rows], so that the rows of a block are neighbours.
struct PreparedInt8 {
  struct Sums {  // over a block, in the form that the weight's CodeMode needs
    std::int32_t a, b;
  };
  static constexpr float kTooSmall = 1e-30f;  // its inverse would overflow: such a block is zero

  std::int8_t* q = nullptr;  // [n_blocks][n_rows][32]
  float* scale = nullptr;
  Sums* sums = nullptr;

  static std::int64_t size_bytes(std::int64_t n_rows, std::int64_t n_in) {
    return n_in / kBlockColumns * n_rows * (kBlockColumns + 12);
  }
  PreparedInt8(void* memory, std::int64_t n_rows, std::int64_t n_in) {
    const std::int64_t n = n_in / kBlockColumns * n_rows;
    q = static_cast<std::int8_t*>(memory);
    scale = reinterpret_cast<float*>(q + n * kBlockColumns);
    sums = reinterpret_cast<Sums*>(scale + n);
  }
};

inline std::int32_t float_bits(float value) {
  std::int32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}

inline PreparedInt8::Sums sums_for(PackedForm form, std::int32_t first_half,
                                   std::int32_t second_half) {
  const std::int32_t both = first_half + second_half;
  switch (form) {
    case PackedForm::kQ8_0:
    case PackedForm::kIQ4_NL:
    case PackedForm::kIQ4_XS:
      return {-128 * both, 0};
    case PackedForm::kQ5_0:
      return {-16 * both, 0};
    case PackedForm::kQ4_0:
      return {-8 * both, 0};
    case PackedForm::kQ4_1:
    case PackedForm::kQ5_1:
    case PackedForm::kQ4_K:
    case PackedForm::kQ5_K:
      return {float_bits(static_cast<float>(both)), 0};
    case PackedForm::kQ2_K:
      return {float_bits(static_cast<float>(first_half)),
              float_bits(static_cast<float>(second_half))};
    case PackedForm::kQ3_K:
      return {-4 * first_half, -4 * second_half};
    case PackedForm::kQ6_K:
      return {-32 * first_half, -32 * second_half};
    case PackedForm::kNVFP4:
      return {-12 * first_half, -12 * second_half};
    default:
      return {0, 0};
  }
}

}  // namespace nemotron::kernels
