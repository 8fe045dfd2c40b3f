// One unpack per packed form with groups of 256 columns; see unpack.h.
#pragma once

#include "kernels/cpu/avx512/unpack.h"

namespace nemotron::kernels::avx512 {

// Bits 2 m and 2 m + 1 of the vectors from `vector` on, shifted to bit kBit of their codes and
// masked: quads[q] gets them alone.
template <int kBit>
NEMO_INLINE_AVX512 void load_bit_pairs(const std::byte* from, int vector, __m512i (&quads)[8]) {
  const __m512i mask = _mm512_set1_epi8(3 << kBit);
#pragma GCC unroll 2
  for (int i = 0; i < 2; ++i) {
    const __m512i bits = load(from, vector + i);
#pragma GCC unroll 4
    for (int m = 0; m < 4; ++m) {
      const __m512i shifted = 2 * m < kBit
                                  ? _mm512_slli_epi16(bits, static_cast<unsigned>(kBit - 2 * m))
                                  : _mm512_srli_epi16(bits, static_cast<unsigned>(2 * m - kBit));
      quads[4 * i + m] = _mm512_and_si512(shifted, mask);
    }
  }
}

// d and dmin, and a scale and a minimum of six bits for each block.
template <PackedForm kForm>
struct UnpackScaleMin {
  static constexpr PackedLayout kLayout = packed_layout(kForm);
  static constexpr CodeMode kMode = code_meaning(kForm).mode;
  struct Header {
    __m512 d, dmin;
  };

  NEMO_INLINE_AVX512 static Header header(const std::byte* group) {
    return {load_halves(group), load_halves(group + 32)};
  }
  NEMO_INLINE_AVX512 static Factors factors(const std::byte* block, const Header& h) {
    return {_mm512_mul_ps(h.d, floats_from_unsigned(block)),
            _mm512_mul_ps(h.dmin, floats_from_unsigned(block + 16))};
  }
};

struct UnpackQ4_K : UnpackScaleMin<PackedForm::kQ4_K> {
  NEMO_INLINE_AVX512 static void codes(const std::byte* block, Codes& out) {
    unpack_nibbles(block + 32, out);
  }
};

struct UnpackQ5_K : UnpackScaleMin<PackedForm::kQ5_K> {
  NEMO_INLINE_AVX512 static void codes(const std::byte* block, Codes& out) {
    unpack_nibbles(block + 32, out);
    add_single_bits<4>(block + 32, 4, out);
  }
};

// d and a signed scale for each half of a block.
template <PackedForm kForm>
struct UnpackTwoScales {
  static constexpr PackedLayout kLayout = packed_layout(kForm);
  static constexpr CodeMode kMode = code_meaning(kForm).mode;
  using Header = __m512;

  NEMO_INLINE_AVX512 static Header header(const std::byte* group) { return load_halves(group); }
  NEMO_INLINE_AVX512 static Factors factors(const std::byte* block, const Header& d) {
    return {_mm512_mul_ps(d, floats_from_signed(block)),
            _mm512_mul_ps(d, floats_from_signed(block + 16))};
  }
};

struct UnpackQ6_K : UnpackTwoScales<PackedForm::kQ6_K> {
  NEMO_INLINE_AVX512 static void codes(const std::byte* block, Codes& out) {
    unpack_nibbles(block + 32, out);
    __m512i upper[8];
    load_bit_pairs<4>(block + 32, 4, upper);
#pragma GCC unroll 8
    for (int q = 0; q < 8; ++q) out.quad[q] = _mm512_or_si512(out.quad[q], upper[q]);
  }
};

struct UnpackQ3_K : UnpackTwoScales<PackedForm::kQ3_K> {
  NEMO_INLINE_AVX512 static void codes(const std::byte* block, Codes& out) {
    load_bit_pairs<0>(block + 32, 0, out.quad);
    add_single_bits<2>(block + 32, 2, out);
  }
};

// Scales in the low and minima in the high four bits of a byte, for each half of a block.
struct UnpackQ2_K {
  static constexpr PackedForm kForm = PackedForm::kQ2_K;
  static constexpr PackedLayout kLayout = packed_layout(kForm);
  static constexpr CodeMode kMode = code_meaning(kForm).mode;
  struct Header {
    __m512 d, dmin;
  };

  NEMO_INLINE_AVX512 static Header header(const std::byte* group) {
    return {load_halves(group), load_halves(group + 32)};
  }
  NEMO_INLINE_AVX512 static void codes(const std::byte* block, Codes& out) {
    load_bit_pairs<0>(block + 32, 0, out.quad);
  }
  NEMO_INLINE_AVX512 static __m512i bytes(const std::byte* from) {
    return _mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from)));
  }
  NEMO_INLINE_AVX512 static __m512 low(__m512i v) {
    return _mm512_cvtepi32_ps(_mm512_and_si512(v, _mm512_set1_epi32(15)));
  }
  NEMO_INLINE_AVX512 static __m512 high(__m512i v) {
    return _mm512_cvtepi32_ps(_mm512_srli_epi32(v, 4));
  }
  NEMO_INLINE_AVX512 static Factors factors(const std::byte* block, const Header& h) {
    const __m512i first = bytes(block);
    const __m512i second = bytes(block + 16);
    return {_mm512_mul_ps(h.d, low(first)), _mm512_mul_ps(h.d, low(second)),
            _mm512_mul_ps(h.dmin, high(first)), _mm512_mul_ps(h.dmin, high(second))};
  }
};

struct UnpackIQ4_XS {
  static constexpr PackedForm kForm = PackedForm::kIQ4_XS;
  static constexpr PackedLayout kLayout = packed_layout(kForm);
  static constexpr CodeMode kMode = code_meaning(kForm).mode;
  using Header = __m512;

  NEMO_INLINE_AVX512 static Header header(const std::byte* group) { return load_halves(group); }
  NEMO_INLINE_AVX512 static void codes(const std::byte* block, Codes& out) {
    UnpackIQ4_NL::codes(block + 16, out);
  }
  NEMO_INLINE_AVX512 static Factors factors(const std::byte* block, const Header& d) {
    return {_mm512_mul_ps(d, floats_from_signed(block))};
  }
};

}  // namespace nemotron::kernels::avx512
