// One unpack per packed form: a block of 32 columns of a tile as unsigned codes and float factors.
// The products in linear_int8.cpp are written once over these.
#pragma once

#include <cstddef>

#include "kernels/cpu/avx512/packed_weight.h"
#include "kernels/cpu/avx512/vector_math.h"
#include "quant/block_formats.h"

namespace nemotron::kernels::avx512 {

// quad[q]: lane r, byte b is the code of output r, column 4 q + b.
struct Codes {
  __m512i quad[8];
};

// How codes u and factors a, b of a block give its part of the sum over w x, x being scale * q:
//   kOffset   w = a (u - kOffset)                         a * scale * (u.q - kOffset * sum q)
//   kMinimum  w = a u - b                                 (a * u.q - b * sum q) * scale
//   kHalves   w = (a | b) (u - kOffset), by half a block  (a * first half + b * second) * scale
enum class CodeMode : std::uint8_t { kOffset, kMinimum, kHalves };

struct Factors {
  __m512 a, b;
};

NEMO_INLINE_AVX512 __m512i load(const std::byte* from, int vector) {
  return _mm512_loadu_si512(from + vector * kVectorBytes);
}

NEMO_INLINE_AVX512 __m512 load_halves(const std::byte* from) {
  return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)));
}

NEMO_INLINE_AVX512 __m512 floats_from_unsigned(const std::byte* from) {
  const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
  return _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(bytes));
}

NEMO_INLINE_AVX512 __m512 floats_from_signed(const std::byte* from) {
  const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
  return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(bytes));
}

NEMO_INLINE_AVX512 void unpack_nibbles(const std::byte* from, Codes& codes) {
  const __m512i low = _mm512_set1_epi8(0x0f);
#pragma GCC unroll 4
  for (int j = 0; j < 4; ++j) {
    const __m512i both = load(from, j);
    codes.quad[j] = _mm512_and_si512(both, low);
    codes.quad[j + 4] = _mm512_and_si512(_mm512_srli_epi16(both, 4), low);
  }
}

// codes | (bits & mask)
NEMO_INLINE_AVX512 __m512i or_masked(__m512i codes, __m512i bits, __m512i mask) {
  return _mm512_ternarylogic_epi32(codes, bits, mask, 0xf8);
}

// What the forms with one half per block share: the halves lie behind the codes.
template <PackedForm kForm>
struct UnpackOneScale {
  static constexpr PackedLayout kLayout = packed_layout(kForm);
  static constexpr CodeMode kMode = CodeMode::kOffset;
  struct Header {};

  NEMO_INLINE_AVX512 static Header header(const std::byte*) { return {}; }
  NEMO_INLINE_AVX512 static Factors factors(const std::byte* block, const Header&) {
    return {load_halves(block + kLayout.block_bytes - kTileHalfBytes), _mm512_setzero_ps()};
  }
};

struct UnpackQ8_0 : UnpackOneScale<PackedForm::kQ8_0> {
  NEMO_INLINE_AVX512 static void codes(const std::byte* block, Codes& out) {
#pragma GCC unroll 8
    for (int q = 0; q < 8; ++q) out.quad[q] = load(block, q);
  }
};

struct UnpackQ5_0 : UnpackOneScale<PackedForm::kQ5_0> {
  NEMO_INLINE_AVX512 static void codes(const std::byte* block, Codes& out) {
    unpack_nibbles(block, out);
    const __m512i fifth = load(block, 4);
    const __m512i bit = _mm512_set1_epi8(0x10);
    out.quad[0] = or_masked(out.quad[0], _mm512_slli_epi16(fifth, 4), bit);
    out.quad[1] = or_masked(out.quad[1], _mm512_slli_epi16(fifth, 3), bit);
    out.quad[2] = or_masked(out.quad[2], _mm512_slli_epi16(fifth, 2), bit);
    out.quad[3] = or_masked(out.quad[3], _mm512_slli_epi16(fifth, 1), bit);
    out.quad[4] = or_masked(out.quad[4], fifth, bit);
    out.quad[5] = or_masked(out.quad[5], _mm512_srli_epi16(fifth, 1), bit);
    out.quad[6] = or_masked(out.quad[6], _mm512_srli_epi16(fifth, 2), bit);
    out.quad[7] = or_masked(out.quad[7], _mm512_srli_epi16(fifth, 3), bit);
  }
};

struct UnpackQ4_0 : UnpackOneScale<PackedForm::kQ4_0> {
  NEMO_INLINE_AVX512 static void codes(const std::byte* block, Codes& out) {
    unpack_nibbles(block, out);
  }
};

// The nibbles choose from sixteen values; their codes are the values + 128.
struct UnpackIQ4_NL : UnpackOneScale<PackedForm::kIQ4_NL> {
  NEMO_INLINE_AVX512 static void codes(const std::byte* block, Codes& out) {
    unpack_nibbles(block, out);
    const __m128i values = _mm_loadu_si128(reinterpret_cast<const __m128i*>(kIQ4Values));
    const __m512i table =
        _mm512_xor_si512(_mm512_broadcast_i32x4(values), _mm512_set1_epi8(static_cast<char>(0x80)));
#pragma GCC unroll 8
    for (int q = 0; q < 8; ++q) out.quad[q] = _mm512_shuffle_epi8(table, out.quad[q]);
  }
};

struct UnpackQ4_K {
  static constexpr PackedLayout kLayout = packed_layout(PackedForm::kQ4_K);
  static constexpr CodeMode kMode = CodeMode::kMinimum;
  struct Header {
    __m512 d, dmin;
  };

  NEMO_INLINE_AVX512 static Header header(const std::byte* group) {
    return {load_halves(group), load_halves(group + 32)};
  }
  NEMO_INLINE_AVX512 static void codes(const std::byte* block, Codes& out) {
    unpack_nibbles(block + 32, out);
  }
  NEMO_INLINE_AVX512 static Factors factors(const std::byte* block, const Header& h) {
    return {_mm512_mul_ps(h.d, floats_from_unsigned(block)),
            _mm512_mul_ps(h.dmin, floats_from_unsigned(block + 16))};
  }
};

struct UnpackQ6_K {
  static constexpr PackedLayout kLayout = packed_layout(PackedForm::kQ6_K);
  static constexpr CodeMode kMode = CodeMode::kHalves;
  using Header = __m512;

  NEMO_INLINE_AVX512 static Header header(const std::byte* group) { return load_halves(group); }
  NEMO_INLINE_AVX512 static void codes(const std::byte* block, Codes& out) {
    unpack_nibbles(block + 32, out);
    const __m512i bits = _mm512_set1_epi8(0x30);
#pragma GCC unroll 2
    for (int i = 0; i < 2; ++i) {
      const __m512i upper = load(block + 32, 4 + i);
      __m512i* quad = out.quad + 4 * i;
      quad[0] = or_masked(quad[0], _mm512_slli_epi16(upper, 4), bits);
      quad[1] = or_masked(quad[1], _mm512_slli_epi16(upper, 2), bits);
      quad[2] = or_masked(quad[2], upper, bits);
      quad[3] = or_masked(quad[3], _mm512_srli_epi16(upper, 2), bits);
    }
  }
  NEMO_INLINE_AVX512 static Factors factors(const std::byte* block, const Header& d) {
    return {_mm512_mul_ps(d, floats_from_signed(block)),
            _mm512_mul_ps(d, floats_from_signed(block + 16))};
  }
};

}  // namespace nemotron::kernels::avx512
