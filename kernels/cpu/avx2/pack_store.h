// What packing is written with: bits of lanes into the bits of a packed tile.
#pragma once

#include <cstddef>

#include "kernels/cpu/avx2/eight_rows.h"

namespace nemotron::kernels::avx2 {

NEMO_INLINE_AVX2 __m256i masked(__m256i v, int byte_mask) {
  return _mm256_and_si256(v, _mm256_set1_epi8(static_cast<char>(byte_mask)));
}

// The 32 bytes of a block, a quad in a word.
struct BlockBytes {
  Quad half[2];
};
NEMO_INLINE_AVX2 BlockBytes block_bytes(const EightRows& rows, std::int64_t offset) {
  return {{rows.at(offset), rows.at(offset + 16)}};
}

// Bit `bit` of each byte of quad q becomes bit q.
NEMO_INLINE_AVX2 __m256i single_bits(const BlockBytes& bytes, int bit) {
  __m256i all = _mm256_setzero_si256();
  for (int q = 0; q < 8; ++q) {
    const __m256i bits = masked(_mm256_srli_epi32(bytes.half[q / 4].word[q % 4], bit), 0x01);
    all = _mm256_or_si256(all, _mm256_slli_epi32(bits, q));
  }
  return all;
}

// Bits `bit` and `bit` + 1 of quad 4 i + m become bits 2 m and 2 m + 1 of vector i.
NEMO_INLINE_AVX2 void store_bit_pairs(const EightRows& rows, std::byte* to, const BlockBytes& bytes,
                                      int bit) {
  for (int i = 0; i < 2; ++i) {
    __m256i pairs = _mm256_setzero_si256();
    for (int m = 0; m < 4; ++m) {
      const __m256i bits = masked(_mm256_srli_epi32(bytes.half[i].word[m], bit), 0x03);
      pairs = _mm256_or_si256(pairs, _mm256_slli_epi32(bits, 2 * m));
    }
    rows.store(to, i, pairs);
  }
}

}  // namespace nemotron::kernels::avx2
