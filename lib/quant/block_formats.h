// ggml's block layouts as they lie in a file, little-endian. `d`, `dmin` and `m` are IEEE halves.
// A kernel reads these structs in place; what an element means is in dequantize_*.cpp.
#pragma once

#include <array>
#include <cstdint>

#include "base/float_types.h"

namespace nemotron {

// 32 elements of 4 bits: d * (q - 8). The low nibbles of qs are elements 0..15, the high ones
// 16..31; so in all types of 32.
struct BlockQ4_0 {
  static constexpr int kElements = 32;
  f16_bits d;
  std::uint8_t qs[16];
};
static_assert(sizeof(BlockQ4_0) == 18 && alignof(BlockQ4_0) == 2);

// 32 elements of 4 bits: d * q + m.
struct BlockQ4_1 {
  static constexpr int kElements = 32;
  f16_bits d;
  f16_bits m;
  std::uint8_t qs[16];
};
static_assert(sizeof(BlockQ4_1) == 20 && alignof(BlockQ4_1) == 2);

// 32 elements of 5 bits: d * (q - 16). Bit j of qh (little-endian) is the fifth bit of element j.
struct BlockQ5_0 {
  static constexpr int kElements = 32;
  f16_bits d;
  std::uint8_t qh[4];
  std::uint8_t qs[16];
};
static_assert(sizeof(BlockQ5_0) == 22 && alignof(BlockQ5_0) == 2);

// 32 elements of 5 bits: d * q + m.
struct BlockQ5_1 {
  static constexpr int kElements = 32;
  f16_bits d;
  f16_bits m;
  std::uint8_t qh[4];
  std::uint8_t qs[16];
};
static_assert(sizeof(BlockQ5_1) == 24 && alignof(BlockQ5_1) == 2);

// 32 elements: d * qs[j].
struct BlockQ8_0 {
  static constexpr int kElements = 32;
  f16_bits d;
  std::int8_t qs[32];
};
static_assert(sizeof(BlockQ8_0) == 34 && alignof(BlockQ8_0) == 2);

// 256 elements of 2 bits in 16 sub-blocks of 16: d * (scales_k & 15) * q - dmin * (scales_k >> 4).
// Each 32 bytes of qs hold 128 elements: bits 2s and 2s+1 of byte j are element 32s + j.
struct BlockQ2_K {
  static constexpr int kElements = 256;
  std::uint8_t scales[16];
  std::uint8_t qs[64];
  f16_bits d;
  f16_bits dmin;
};
static_assert(sizeof(BlockQ2_K) == 84 && alignof(BlockQ2_K) == 2);

// 256 elements of 3 bits in 16 sub-blocks of 16: d * (scale_k - 32) * (q - 4). The low two bits lie
// as in Q2_K; bit e / 32 of hmask[e % 32] is the high bit of element e. scales: see q3_k_scale.
struct BlockQ3_K {
  static constexpr int kElements = 256;
  std::uint8_t hmask[32];
  std::uint8_t qs[64];
  std::uint8_t scales[12];
  f16_bits d;
};
static_assert(sizeof(BlockQ3_K) == 110 && alignof(BlockQ3_K) == 2);

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

// As Q4_K with a fifth bit: bit k of qh[j] belongs to element j of sub-block k.
struct BlockQ5_K {
  static constexpr int kElements = 256;
  f16_bits d;
  f16_bits dmin;
  std::uint8_t scales[12];
  std::uint8_t qh[32];
  std::uint8_t qs[128];
};
static_assert(sizeof(BlockQ5_K) == 176 && alignof(BlockQ5_K) == 2);

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

// 32 elements of 4 bits: d * kIQ4Values[q].
struct BlockIQ4_NL {
  static constexpr int kElements = 32;
  f16_bits d;
  std::uint8_t qs[16];
};
static_assert(sizeof(BlockIQ4_NL) == 18 && alignof(BlockIQ4_NL) == 2);

// 256 elements of 4 bits in 8 sub-blocks of 32, each laid out as IQ4_NL:
// d * (scale_k - 32) * kIQ4Values[q]. The low 4 bits of scale_k are nibble k of scales_l, the high
// 2 bits are bits 2k and 2k+1 of scales_h.
struct BlockIQ4_XS {
  static constexpr int kElements = 256;
  f16_bits d;
  std::uint16_t scales_h;
  std::uint8_t scales_l[4];
  std::uint8_t qs[128];
};
static_assert(sizeof(BlockIQ4_XS) == 136 && alignof(BlockIQ4_XS) == 2);

// 64 elements of 4 bits (E2M1) in 4 sub-blocks of 16, each with an unsigned E4M3 scale:
// nvfp4_half_scale(d[k]) * kFp4DoubledValues[q]. Byte j of a sub-block's 8 holds elements j (low
// nibble) and j + 8. The scale of the whole tensor lies in a tensor of its own.
struct BlockNVFP4 {
  static constexpr int kElements = 64;
  std::uint8_t d[4];
  std::uint8_t qs[32];
};
static_assert(sizeof(BlockNVFP4) == 36 && alignof(BlockNVFP4) == 1);

// The levels of the IQ4 types.
inline constexpr std::int8_t kIQ4Values[16] = {-127, -104, -83, -65, -49, -35, -22, -10,
                                               1,    13,   25,  38,  53,  69,  89,  113};

// E2M1 times two, so that all are integers; nvfp4_half_scale makes up for it. Minus zero is zero.
inline constexpr std::int8_t kFp4DoubledValues[16] = {0, 1,  2,  3,  4,  6,  8,  12,
                                                      0, -1, -2, -3, -4, -6, -8, -12};

// Half the value of an NVFP4 block scale. The sign bit does not count; 0x7f, a NaN in E4M3, is 0.
constexpr float nvfp4_half_scale(std::uint8_t bits) {
  if (bits == 0x7f) return 0.0f;
  if ((bits & 0x7f) == 0x7f) return 240.0f;
  return 0.5f * f8_e4m3_to_float(bits & 0x7f);
}

// What each byte of an F8_E4M3 tensor means.
inline constexpr std::array<float, 256> kF8E4M3Values = [] {
  std::array<float, 256> values{};
  for (unsigned i = 0; i < 256; ++i) values[i] = f8_e4m3_to_float(static_cast<f8_e4m3_bits>(i));
  return values;
}();

struct ScaleMin {
  std::uint8_t scale;  // 0..63
  std::uint8_t min;    // 0..63
};

// The six-bit scale and minimum of sub-block `k` (0..7) of a BlockQ4_K or BlockQ5_K.
constexpr ScaleMin q4_k_scale_min(const std::uint8_t* scales, int k) {
  if (k < 4)
    return {static_cast<std::uint8_t>(scales[k] & 63),
            static_cast<std::uint8_t>(scales[k + 4] & 63)};
  return {static_cast<std::uint8_t>((scales[k + 4] & 15) | ((scales[k - 4] >> 6) << 4)),
          static_cast<std::uint8_t>((scales[k + 4] >> 4) | ((scales[k] >> 6) << 4))};
}

// The six-bit scale (still 32 too large) of sub-block `k` (0..15) of a BlockQ3_K: nibble k / 8 of
// byte k % 8, and above it two bits of bytes 8..11.
constexpr int q3_k_scale(const std::uint8_t* scales, int k) {
  const int low = (scales[k % 8] >> (4 * (k / 8))) & 15;
  const int high = (scales[8 + k % 4] >> (2 * (k / 4))) & 3;
  return low | high << 4;
}

}  // namespace nemotron
