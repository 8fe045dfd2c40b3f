// One unpack per packed form with groups of 256 columns; see unpack.h.
#pragma once

#include "kernels/cpu/avx2/unpack.h"

namespace nemotron::kernels::avx2 {

// Bits 2 m and 2 m + 1 of the vectors from `vector` on, shifted to bit kBit of their codes and
// masked: quads[q] gets them alone.
template <int kBit>
NEMO_INLINE_AVX2 void load_bit_pairs(const std::byte* from, int vector, int half,
                                     __m256i (&quads)[8]) {
  const __m256i mask = _mm256_set1_epi8(3 << kBit);
#pragma GCC unroll 2
  for (int i = 0; i < 2; ++i) {
    const __m256i bits = load(from, vector + i, half);
#pragma GCC unroll 4
    for (int m = 0; m < 4; ++m) {
      const __m256i shifted = 2 * m < kBit ? _mm256_slli_epi16(bits, kBit - 2 * m)
                                           : _mm256_srli_epi16(bits, 2 * m - kBit);
      quads[4 * i + m] = _mm256_and_si256(shifted, mask);
    }
  }
}

// d and dmin of a group, half a tile of them.
struct ScaleMinHeader {
  __m256 d, dmin;

  NEMO_INLINE_AVX2 static ScaleMinHeader load(const std::byte* group, int half) {
    return {load_halves(group, half), load_halves(group + kTileHalfBytes, half)};
  }
};

// And a scale and a minimum of six bits for each block.
template <PackedForm kPacked>
struct UnpackScaleMin {
  static constexpr PackedForm kForm = kPacked;
  static constexpr PackedLayout kLayout = packed_layout(kForm);
  static constexpr CodeMode kMode = code_meaning(kForm).mode;
  using Header = ScaleMinHeader;

  NEMO_INLINE_AVX2 static Header header(const std::byte* group, int half) {
    return Header::load(group, half);
  }
  NEMO_INLINE_AVX2 static Factors factors(const std::byte* block, int half, const Header& h) {
    return {_mm256_mul_ps(h.d, floats_from_unsigned(block, half)),
            _mm256_mul_ps(h.dmin, floats_from_unsigned(block + kTileRows, half))};
  }
};

struct UnpackQ4_K : UnpackScaleMin<PackedForm::kQ4_K> {
  static constexpr int kLargestCode = 15;

  NEMO_INLINE_AVX2 static void codes(const std::byte* block, int half, Codes& out) {
    unpack_nibbles(block + 32, half, out);
  }
};

struct UnpackQ5_K : UnpackScaleMin<PackedForm::kQ5_K> {
  static constexpr int kLargestCode = 31;

  NEMO_INLINE_AVX2 static void codes(const std::byte* block, int half, Codes& out) {
    unpack_nibbles(block + 32, half, out);
    add_single_bits<4>(block + 32, 4, half, out);
  }
};

// d and a signed scale for each half of a block.
template <PackedForm kPacked>
struct UnpackTwoScales {
  static constexpr PackedForm kForm = kPacked;
  static constexpr PackedLayout kLayout = packed_layout(kForm);
  static constexpr CodeMode kMode = code_meaning(kForm).mode;
  using Header = __m256;

  NEMO_INLINE_AVX2 static Header header(const std::byte* group, int half) {
    return load_halves(group, half);
  }
  NEMO_INLINE_AVX2 static Factors factors(const std::byte* block, int half, const Header& d) {
    return {_mm256_mul_ps(d, floats_from_signed(block, half)),
            _mm256_mul_ps(d, floats_from_signed(block + kTileRows, half))};
  }
};

struct UnpackQ6_K : UnpackTwoScales<PackedForm::kQ6_K> {
  static constexpr int kLargestCode = 63;

  NEMO_INLINE_AVX2 static void codes(const std::byte* block, int half, Codes& out) {
    unpack_nibbles(block + 32, half, out);
    __m256i upper[8];
    load_bit_pairs<4>(block + 32, 4, half, upper);
#pragma GCC unroll 8
    for (int q = 0; q < 8; ++q) out.quad[q] = _mm256_or_si256(out.quad[q], upper[q]);
  }
};

struct UnpackQ3_K : UnpackTwoScales<PackedForm::kQ3_K> {
  static constexpr int kLargestCode = 7;

  NEMO_INLINE_AVX2 static void codes(const std::byte* block, int half, Codes& out) {
    load_bit_pairs<0>(block + 32, 0, half, out.quad);
    add_single_bits<2>(block + 32, 2, half, out);
  }
};

// Scales in the low and minima in the high four bits of a byte, for each half of a block.
struct UnpackQ2_K {
  static constexpr PackedForm kForm = PackedForm::kQ2_K;
  static constexpr PackedLayout kLayout = packed_layout(kForm);
  static constexpr CodeMode kMode = code_meaning(kForm).mode;
  static constexpr int kLargestCode = 3;
  using Header = ScaleMinHeader;

  NEMO_INLINE_AVX2 static Header header(const std::byte* group, int half) {
    return Header::load(group, half);
  }
  NEMO_INLINE_AVX2 static void codes(const std::byte* block, int half, Codes& out) {
    load_bit_pairs<0>(block + 32, 0, half, out.quad);
  }
  NEMO_INLINE_AVX2 static __m256 low(__m256i v) {
    return _mm256_cvtepi32_ps(_mm256_and_si256(v, _mm256_set1_epi32(15)));
  }
  NEMO_INLINE_AVX2 static __m256 high(__m256i v) {
    return _mm256_cvtepi32_ps(_mm256_srli_epi32(v, 4));
  }
  NEMO_INLINE_AVX2 static Factors factors(const std::byte* block, int half, const Header& h) {
    const __m256i first = _mm256_cvtepu8_epi32(load_bytes(block, half));
    const __m256i second = _mm256_cvtepu8_epi32(load_bytes(block + kTileRows, half));
    return {_mm256_mul_ps(h.d, low(first)), _mm256_mul_ps(h.d, low(second)),
            _mm256_mul_ps(h.dmin, high(first)), _mm256_mul_ps(h.dmin, high(second))};
  }
};

struct UnpackIQ4_XS {
  static constexpr PackedForm kForm = PackedForm::kIQ4_XS;
  static constexpr PackedLayout kLayout = packed_layout(kForm);
  static constexpr CodeMode kMode = code_meaning(kForm).mode;
  static constexpr int kLargestCode = 255;
  using Header = __m256;

  NEMO_INLINE_AVX2 static Header header(const std::byte* group, int half) {
    return load_halves(group, half);
  }
  NEMO_INLINE_AVX2 static void codes(const std::byte* block, int half, Codes& out) {
    UnpackIQ4_NL::codes(block + 16, half, out);
  }
  NEMO_INLINE_AVX2 static Factors factors(const std::byte* block, int half, const Header& d) {
    return {_mm256_mul_ps(d, floats_from_signed(block, half))};
  }
};

}  // namespace nemotron::kernels::avx2
