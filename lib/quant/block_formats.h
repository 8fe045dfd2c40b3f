// ggml's block layouts as they lie in a file, little-endian. `d` and `dmin` are IEEE halves.
// A kernel reads these structs in place; what an element means is in dequantize.cpp.
#pragma once

#include <cstdint>

#include "base/float_types.h"

namespace nemotron {

// 32 elements: d * qs[j].
struct BlockQ8_0 {
  static constexpr int kElements = 32;
  f16_bits d;
  std::int8_t qs[32];
};
static_assert(sizeof(BlockQ8_0) == 34 && alignof(BlockQ8_0) == 2);

// 32 elements of 5 bits: d * (q - 16). The low nibbles of qs are elements 0..15, the high ones
// 16..31; bit j of qh (little-endian) is the fifth bit of element j.
struct BlockQ5_0 {
  static constexpr int kElements = 32;
  f16_bits d;
  std::uint8_t qh[4];
  std::uint8_t qs[16];
};
static_assert(sizeof(BlockQ5_0) == 22 && alignof(BlockQ5_0) == 2);

// 256 elements of 4 bits in 8 sub-blocks of 32: d * scale_k * q - dmin * min_k. Each 32 bytes of qs
// hold 64 elements: low nibbles the first 32, high nibbles the next. scales: see q4_k_scale_min.
struct BlockQ4_K {
  static constexpr int kElements = 256;
  f16_bits d;
  f16_bits dmin;
  std::uint8_t scales[12];
  std::uint8_t qs[128];
};
static_assert(sizeof(BlockQ4_K) == 144 && alignof(BlockQ4_K) == 2);

// 256 elements of 6 bits in 16 sub-blocks of 16: d * scales_k * (q - 32). ql holds the low 4 bits,
// qh the high 2, interleaved within each half of 128 elements.
struct BlockQ6_K {
  static constexpr int kElements = 256;
  std::uint8_t ql[128];
  std::uint8_t qh[64];
  std::int8_t scales[16];
  f16_bits d;
};
static_assert(sizeof(BlockQ6_K) == 210 && alignof(BlockQ6_K) == 2);

struct ScaleMin {
  std::uint8_t scale;  // 0..63
  std::uint8_t min;    // 0..63
};

// The six-bit scale and minimum of sub-block `k` (0..7) of a BlockQ4_K.
constexpr ScaleMin q4_k_scale_min(const std::uint8_t* scales, int k) {
  if (k < 4)
    return {static_cast<std::uint8_t>(scales[k] & 63),
            static_cast<std::uint8_t>(scales[k + 4] & 63)};
  return {static_cast<std::uint8_t>((scales[k + 4] & 15) | ((scales[k - 4] >> 6) << 4)),
          static_cast<std::uint8_t>((scales[k + 4] >> 4) | ((scales[k] >> 6) << 4))};
}

}  // namespace nemotron
