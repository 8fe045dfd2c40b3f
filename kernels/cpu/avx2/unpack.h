// One unpack per packed form: a block of 32 columns of half a tile, eight outputs, as unsigned
// codes and float factors. The products in int8_products.h are written once over these.
#pragma once

#include <cstddef>

#include "kernels/cpu/avx2/vector_math.h"
#include "kernels/cpu/packed_weight.h"
#include "quant/block_formats.h"

namespace nemotron::kernels::avx2 {

// quad[q]: lane r, byte b is the code of output r, column 4 q + b.
struct Codes {
  __m256i quad[8];
};

struct Factors {  // see CodeMode
  __m256 a;
  __m256 b = {};
  __m256 c = {};
  __m256 d = {};
};

// Half of a vector, of sixteen halves and of sixteen bytes.
NEMO_INLINE_AVX2 __m256i load(const std::byte* from, int vector, int half) {
  from += vector * kVectorBytes + half * (kVectorBytes / 2);
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
}

NEMO_INLINE_AVX2 __m256 load_halves(const std::byte* from, int half) {
  from += half * 2 * kLanes;
  return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from)));
}

NEMO_INLINE_AVX2 __m128i load_bytes(const std::byte* from, int half) {
  return _mm_loadl_epi64(reinterpret_cast<const __m128i*>(from + half * kLanes));
}

NEMO_INLINE_AVX2 __m256 floats_from_unsigned(const std::byte* from, int half) {
  return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(load_bytes(from, half)));
}

NEMO_INLINE_AVX2 __m256 floats_from_signed(const std::byte* from, int half) {
  return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(load_bytes(from, half)));
}

NEMO_INLINE_AVX2 void unpack_nibbles(const std::byte* from, int half, Codes& codes) {
  const __m256i low = _mm256_set1_epi8(0x0f);
#pragma GCC unroll 4
  for (int j = 0; j < 4; ++j) {
    const __m256i both = load(from, j, half);
    codes.quad[j] = _mm256_and_si256(both, low);
    codes.quad[j + 4] = _mm256_and_si256(_mm256_srli_epi16(both, 4), low);
  }
}

// codes | single bits at `vector`, which become bit kBit of a code.
template <int kBit>
NEMO_INLINE_AVX2 void add_single_bits(const std::byte* from, int vector, int half, Codes& codes) {
  const __m256i bits = load(from, vector, half);
  const __m256i mask = _mm256_set1_epi8(1 << kBit);
#pragma GCC unroll 8
  for (int q = 0; q < 8; ++q) {
    const __m256i shifted =
        q < kBit ? _mm256_slli_epi16(bits, kBit - q) : _mm256_srli_epi16(bits, q - kBit);
    codes.quad[q] = _mm256_or_si256(codes.quad[q], _mm256_and_si256(shifted, mask));
  }
}

NEMO_INLINE_AVX2 void choose(const std::int8_t (&values)[16], int offset, Codes& codes) {
  const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(values));
  const __m256i table = _mm256_add_epi8(_mm256_broadcastsi128_si256(bytes),
                                        _mm256_set1_epi8(static_cast<char>(offset)));
#pragma GCC unroll 8
  for (int q = 0; q < 8; ++q) codes.quad[q] = _mm256_shuffle_epi8(table, codes.quad[q]);
}

// What the forms with one half per block share: the halves lie behind the codes.
template <PackedForm kPacked>
struct UnpackOneScale {
  static constexpr PackedForm kForm = kPacked;
  static constexpr PackedLayout kLayout = packed_layout(kForm);
  static constexpr CodeMode kMode = code_meaning(kForm).mode;
  struct Header {};

  NEMO_INLINE_AVX2 static Header header(const std::byte*, int) { return {}; }
  NEMO_INLINE_AVX2 static Factors factors(const std::byte* block, int half, const Header&) {
    return {load_halves(block + kLayout.block_bytes - kTileHalfBytes, half)};
  }
};

struct UnpackQ8_0 : UnpackOneScale<PackedForm::kQ8_0> {
  static constexpr int kLargestCode = 255;

  NEMO_INLINE_AVX2 static void codes(const std::byte* block, int half, Codes& out) {
#pragma GCC unroll 8
    for (int q = 0; q < 8; ++q) out.quad[q] = load(block, q, half);
  }
};

struct UnpackQ5_0 : UnpackOneScale<PackedForm::kQ5_0> {
  static constexpr int kLargestCode = 31;

  NEMO_INLINE_AVX2 static void codes(const std::byte* block, int half, Codes& out) {
    unpack_nibbles(block, half, out);
    add_single_bits<4>(block, 4, half, out);
  }
};

struct UnpackQ4_0 : UnpackOneScale<PackedForm::kQ4_0> {
  static constexpr int kLargestCode = 15;

  NEMO_INLINE_AVX2 static void codes(const std::byte* block, int half, Codes& out) {
    unpack_nibbles(block, half, out);
  }
};

// The nibbles choose from sixteen values; their codes are the values + 128.
struct UnpackIQ4_NL : UnpackOneScale<PackedForm::kIQ4_NL> {
  static constexpr int kLargestCode = 255;

  NEMO_INLINE_AVX2 static void codes(const std::byte* block, int half, Codes& out) {
    unpack_nibbles(block, half, out);
    choose(kIQ4Values, 128, out);
  }
};

// The same with minima: -m lies behind d in the form's terms.
template <class Unpack, PackedForm kPacked>
struct UnpackMinimum : Unpack {
  static constexpr PackedForm kForm = kPacked;
  static constexpr PackedLayout kLayout = packed_layout(kForm);
  static constexpr CodeMode kMode = code_meaning(kForm).mode;
  using Header = typename Unpack::Header;

  NEMO_INLINE_AVX2 static Factors factors(const std::byte* block, int half, const Header&) {
    const std::byte* halves = block + kLayout.block_bytes - 2 * kTileHalfBytes;
    const __m256 minus_zero = _mm256_set1_ps(-0.0f);
    return {load_halves(halves, half),
            _mm256_xor_ps(load_halves(halves + kTileHalfBytes, half), minus_zero)};
  }
};
using UnpackQ4_1 = UnpackMinimum<UnpackQ4_0, PackedForm::kQ4_1>;
using UnpackQ5_1 = UnpackMinimum<UnpackQ5_0, PackedForm::kQ5_1>;

// Codes are twice the value + 12. A scale's bits, seven places up, are a half of 2^-8 its value.
struct UnpackNVFP4 {
  static constexpr PackedForm kForm = PackedForm::kNVFP4;
  static constexpr PackedLayout kLayout = packed_layout(kForm);
  static constexpr CodeMode kMode = code_meaning(kForm).mode;
  static constexpr int kLargestCode = 24;
  struct Header {};

  NEMO_INLINE_AVX2 static Header header(const std::byte*, int) { return {}; }
  NEMO_INLINE_AVX2 static void codes(const std::byte* block, int half, Codes& out) {
    unpack_nibbles(block, half, out);
    choose(kFp4DoubledValues, 12, out);
  }
  NEMO_INLINE_AVX2 static __m256 scales(const std::byte* from, int half) {
    const __m128i halves = _mm_slli_epi16(_mm_cvtepu8_epi16(load_bytes(from, half)), 7);
    return _mm256_mul_ps(_mm256_cvtph_ps(halves), _mm256_set1_ps(128.0f));
  }
  NEMO_INLINE_AVX2 static Factors factors(const std::byte* block, int half, const Header&) {
    const std::byte* from = block + 4 * kVectorBytes;
    return {scales(from, half), scales(from + kTileRows, half)};
  }
};

}  // namespace nemotron::kernels::avx2
