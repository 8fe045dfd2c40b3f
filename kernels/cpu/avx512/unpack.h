// One unpack per packed form: a block of 32 columns of a tile as unsigned codes and float factors.
// The products in linear_int8.cpp are written once over these.
#pragma once

#include <cstddef>

#include "kernels/cpu/avx512/vector_math.h"
#include "kernels/cpu/packed_weight.h"
#include "quant/block_formats.h"

namespace nemotron::kernels::avx512 {

// quad[q]: lane r, byte b is the code of output r, column 4 q + b.
struct Codes {
  __m512i quad[8];
};

struct Factors {
  __m512 a;
  __m512 b = {};
  __m512 c = {};
  __m512 d = {};
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

// codes | single bits at `vector`, which become bit kBit of a code.
template <int kBit>
NEMO_INLINE_AVX512 void add_single_bits(const std::byte* from, int vector, Codes& codes) {
  const __m512i bits = load(from, vector);
  const __m512i mask = _mm512_set1_epi8(1 << kBit);
#pragma GCC unroll 8
  for (int q = 0; q < 8; ++q) {
    const __m512i shifted = q < kBit ? _mm512_slli_epi16(bits, static_cast<unsigned>(kBit - q))
                                     : _mm512_srli_epi16(bits, static_cast<unsigned>(q - kBit));
    codes.quad[q] = or_masked(codes.quad[q], shifted, mask);
  }
}

NEMO_INLINE_AVX512 void choose(const std::int8_t (&values)[16], int offset, Codes& codes) {
  const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(values));
  const __m512i table =
      _mm512_add_epi8(_mm512_broadcast_i32x4(bytes), _mm512_set1_epi8(static_cast<char>(offset)));
#pragma GCC unroll 8
  for (int q = 0; q < 8; ++q) codes.quad[q] = _mm512_shuffle_epi8(table, codes.quad[q]);
}

// What the forms with one half per block share: the halves lie behind the codes.
template <PackedForm kForm>
struct UnpackOneScale {
  static constexpr PackedLayout kLayout = packed_layout(kForm);
  static constexpr CodeMode kMode = code_meaning(kForm).mode;
  struct Header {};

  NEMO_INLINE_AVX512 static Header header(const std::byte*) { return {}; }
  NEMO_INLINE_AVX512 static Factors factors(const std::byte* block, const Header&) {
    return {load_halves(block + kLayout.block_bytes - kTileHalfBytes)};
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
    add_single_bits<4>(block, 4, out);
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
    choose(kIQ4Values, 128, out);
  }
};

// The same with minima: -m lies behind d in the form's terms.
template <PackedForm kForm>
struct UnpackMinimum : UnpackOneScale<kForm> {
  static constexpr CodeMode kMode = code_meaning(kForm).mode;
  using Header = typename UnpackOneScale<kForm>::Header;

  NEMO_INLINE_AVX512 static Factors factors(const std::byte* block, const Header&) {
    const std::byte* halves = block + packed_layout(kForm).block_bytes - 2 * kTileHalfBytes;
    const __m512 minus_zero = _mm512_set1_ps(-0.0f);
    return {load_halves(halves), _mm512_xor_ps(load_halves(halves + kTileHalfBytes), minus_zero)};
  }
};

struct UnpackQ4_1 : UnpackMinimum<PackedForm::kQ4_1> {
  NEMO_INLINE_AVX512 static void codes(const std::byte* block, Codes& out) {
    unpack_nibbles(block, out);
  }
};

struct UnpackQ5_1 : UnpackMinimum<PackedForm::kQ5_1> {
  NEMO_INLINE_AVX512 static void codes(const std::byte* block, Codes& out) {
    UnpackQ5_0::codes(block, out);
  }
};

// Codes are twice the value + 12. A scale's bits, seven places up, are a half of 2^-8 its value.
struct UnpackNVFP4 {
  static constexpr PackedForm kForm = PackedForm::kNVFP4;
  static constexpr PackedLayout kLayout = packed_layout(kForm);
  static constexpr CodeMode kMode = code_meaning(kForm).mode;
  struct Header {};

  NEMO_INLINE_AVX512 static Header header(const std::byte*) { return {}; }
  NEMO_INLINE_AVX512 static void codes(const std::byte* block, Codes& out) {
    unpack_nibbles(block, out);
    choose(kFp4DoubledValues, 12, out);
  }
  NEMO_INLINE_AVX512 static __m512 scales(const std::byte* from) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
    const __m256i halves = _mm256_slli_epi16(_mm256_cvtepu8_epi16(bytes), 7);
    return _mm512_mul_ps(_mm512_cvtph_ps(halves), _mm512_set1_ps(128.0f));
  }
  NEMO_INLINE_AVX512 static Factors factors(const std::byte* block, const Header&) {
    const std::byte* from = block + 4 * kVectorBytes;
    return {scales(from), scales(from + 16)};
  }
};

}  // namespace nemotron::kernels::avx512
