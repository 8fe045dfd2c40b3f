// What packing is written with: lanes into the bytes of a packed tile.
#pragma once

#include <cstddef>

#include "kernels/cpu/avx512/packed_weight.h"
#include "kernels/cpu/avx512/tile_rows.h"

namespace nemotron::kernels::avx512 {

NEMO_INLINE_AVX512 void store(std::byte* to, int vector, __m512i value) {
  _mm512_storeu_si512(to + vector * kVectorBytes, value);
}

// The low halves of the lanes.
NEMO_INLINE_AVX512 void store_halves(std::byte* to, __m512i value) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), _mm512_cvtepi32_epi16(value));
}

// The low bytes of the lanes.
NEMO_INLINE_AVX512 void store_bytes(std::byte* to, __m512i value) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(to), _mm512_cvtepi32_epi8(value));
}

NEMO_INLINE_AVX512 __m512i masked(__m512i v, int byte_mask) {
  return _mm512_and_si512(v, _mm512_set1_epi8(static_cast<char>(byte_mask)));
}

NEMO_INLINE_AVX512 void store(std::byte* to, int vector, const Quad& quad) {
  for (int k = 0; k < 4; ++k) store(to, vector + k, quad.word[k]);
}

// Two halves in a lane: the low ones of all lanes, then the high ones.
NEMO_INLINE_AVX512 void store_both_halves(std::byte* to, __m512i value) {
  store_halves(to, value);
  store_halves(to + kTileHalfBytes, _mm512_srli_epi32(value, 16));
}

// The 32 bytes of a block, a quad in a word.
struct BlockBytes {
  Quad half[2];
};
NEMO_INLINE_AVX512 BlockBytes block_bytes(const TileRows& rows, std::int64_t offset) {
  return {{rows.at(offset), rows.at(offset + 16)}};
}

// Bit `bit` of each byte of quad q becomes bit q.
NEMO_INLINE_AVX512 __m512i single_bits(const BlockBytes& bytes, int bit) {
  __m512i all = _mm512_setzero_si512();
  for (int q = 0; q < 8; ++q) {
    const __m512i bits =
        masked(_mm512_srli_epi32(bytes.half[q / 4].word[q % 4], static_cast<unsigned>(bit)), 0x01);
    all = _mm512_or_si512(all, _mm512_slli_epi32(bits, static_cast<unsigned>(q)));
  }
  return all;
}

// Bits `bit` and `bit` + 1 of quad 4 i + m become bits 2 m and 2 m + 1 of vector i.
NEMO_INLINE_AVX512 void store_bit_pairs(std::byte* to, const BlockBytes& bytes, int bit) {
  for (int i = 0; i < 2; ++i) {
    __m512i pairs = _mm512_setzero_si512();
    for (int m = 0; m < 4; ++m) {
      const __m512i bits =
          masked(_mm512_srli_epi32(bytes.half[i].word[m], static_cast<unsigned>(bit)), 0x03);
      pairs = _mm512_or_si512(pairs, _mm512_slli_epi32(bits, static_cast<unsigned>(2 * m)));
    }
    store(to, i, pairs);
  }
}

// Bytes 2 k and 2 k + 1 of sixteen: those of the halves of block k.
NEMO_INLINE_AVX512 void store_two_bytes(std::byte* to, const Quad& sixteen, int k) {
  const __m512i own = _mm512_srli_epi32(sixteen.word[k / 2], static_cast<unsigned>(16 * (k % 2)));
  store_bytes(to, own);
  store_bytes(to + 16, _mm512_srli_epi32(own, 8));
}

}  // namespace nemotron::kernels::avx512
