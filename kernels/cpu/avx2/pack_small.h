// File rows to packed blocks: the types with blocks of up to 64 columns, and plain floats.
#pragma once

#include "kernels/cpu/avx2/pack_store.h"

namespace nemotron::kernels::avx2 {

NEMO_INLINE_AVX2 void pack_q8_0(const EightRows& rows, std::int64_t offset, std::byte* block) {
  const __m256i sign = _mm256_set1_epi8(static_cast<char>(0x80));
  for (int half = 0; half < 2; ++half) {
    const Quad q = rows.at(offset + 2 + 16 * half);
    for (int k = 0; k < 4; ++k) rows.store(block, 4 * half + k, _mm256_xor_si256(q.word[k], sign));
  }
  rows.store_halves(block + 8 * kVectorBytes, rows.at(offset).word[0]);
}

// Exchanges, in each lane, the bits under `low` with those `kDistance` above them.
template <int kDistance>
NEMO_INLINE_AVX2 __m256i swap_bits(__m256i v, std::uint32_t low) {
  const __m256i mask = _mm256_set1_epi32(static_cast<int>(low));
  const __m256i differing =
      _mm256_and_si256(_mm256_xor_si256(v, _mm256_srli_epi32(v, kDistance)), mask);
  return _mm256_xor_si256(_mm256_xor_si256(v, differing), _mm256_slli_epi32(differing, kDistance));
}

// Bit 4 q + b of each lane becomes bit q of byte b. A bit's place has five bits, q above b: each
// step exchanges two of them.
NEMO_INLINE_AVX2 __m256i fifth_bits(__m256i v) {
  v = swap_bits<1>(v, 0x22222222);      // 0 and 1
  v = swap_bits<3>(v, 0x0a0a0a0a);      // 0 and 2
  v = swap_bits<6>(v, 0x00cc00cc);      // 1 and 3
  return swap_bits<12>(v, 0x0000f0f0);  // 2 and 4
}

NEMO_INLINE_AVX2 void pack_q5_0(const EightRows& rows, std::int64_t offset, std::byte* block) {
  rows.store(block, 0, rows.at(offset + 6));
  const Quad header = rows.at(offset);  // d, then the fifth bits
  const __m256i qh =
      _mm256_or_si256(_mm256_srli_epi32(header.word[0], 16), _mm256_slli_epi32(header.word[1], 16));
  rows.store(block, 4, fifth_bits(qh));
  rows.store_halves(block + 5 * kVectorBytes, header.word[0]);
}

// Q4_0 and IQ4_NL: the same nibbles behind a half.
NEMO_INLINE_AVX2 void pack_q4_0(const EightRows& rows, std::int64_t offset, std::byte* block) {
  rows.store(block, 0, rows.at(offset + 2));
  rows.store_halves(block + 4 * kVectorBytes, rows.at(offset).word[0]);
}

NEMO_INLINE_AVX2 void pack_q5_1(const EightRows& rows, std::int64_t offset, std::byte* block) {
  rows.store(block, 0, rows.at(offset + 8));
  const Quad header = rows.at(offset);  // d and m, then the fifth bits
  rows.store(block, 4, fifth_bits(header.word[1]));
  rows.store_both_halves(block + 5 * kVectorBytes, header.word[0]);
}

NEMO_INLINE_AVX2 void pack_q4_1(const EightRows& rows, std::int64_t offset, std::byte* block) {
  rows.store(block, 0, rows.at(offset + 4));
  rows.store_both_halves(block + 4 * kVectorBytes, rows.at(offset).word[0]);
}

// The byte of an NVFP4 scale without its sign; 0x7f means 0.
NEMO_INLINE_AVX2 __m256i nvfp4_scale(__m256i bytes) {
  const __m256i byte = _mm256_and_si256(bytes, _mm256_set1_epi32(0xff));
  const __m256i is_zero = _mm256_cmpeq_epi32(byte, _mm256_set1_epi32(0x7f));
  return _mm256_andnot_si256(is_zero, _mm256_and_si256(byte, _mm256_set1_epi32(0x7f)));
}

// The 8 bytes of 16 columns hold the first eight in the low and the others in the high nibbles.
NEMO_INLINE_AVX2 void pack_nvfp4(const EightRows& rows, std::int64_t offset, std::byte* group) {
  const __m256i scales = rows.at(offset).word[0];
  for (int k = 0; k < 2; ++k) {
    std::byte* block = group + k * packed_layout(PackedForm::kNVFP4).block_bytes;
    const Quad q = rows.at(offset + 4 + 16 * k);
    for (int j = 0; j < 2; ++j) {
      const __m256i first = q.word[j];
      const __m256i second = q.word[2 + j];
      rows.store(block, j,
                 _mm256_or_si256(masked(first, 0x0f), _mm256_slli_epi32(masked(second, 0x0f), 4)));
      rows.store(block, j + 2,
                 _mm256_or_si256(_mm256_srli_epi32(masked(first, 0xf0), 4), masked(second, 0xf0)));
    }
    const int shift = 16 * k;
    std::byte* to = block + 4 * kVectorBytes;
    rows.store_bytes(to, nvfp4_scale(_mm256_srli_epi32(scales, shift)));
    rows.store_bytes(to + 16, nvfp4_scale(_mm256_srli_epi32(scales, shift + 8)));
  }
}

NEMO_INLINE_AVX2 void pack_bf16(const EightRows& rows, std::int64_t offset, std::byte* block) {
  for (int quad = 0; quad < 4; ++quad) rows.store(block, 4 * quad, rows.at(offset + 16 * quad));
}

NEMO_INLINE_AVX2 void pack_f8(const EightRows& rows, std::int64_t offset, std::byte* block) {
  const __m256i columns_first = _mm256_broadcastsi128_si256(
      _mm_setr_epi8(0, 1, 4, 5, 8, 9, 12, 13, 2, 3, 6, 7, 10, 11, 14, 15));
  for (int half = 0; half < 2; ++half) {
    const Quad q = rows.at(offset + 16 * half);
    for (int k = 0; k < 4; ++k)
      rows.store(block, 4 * half + k, _mm256_shuffle_epi8(q.word[k], columns_first));
  }
}

NEMO_INLINE_AVX2 void pack_f16(const EightRows& rows, std::int64_t offset, std::byte* block) {
  for (int quad = 0; quad < 4; ++quad) {
    const Quad q = rows.at(offset + 16 * quad);
    for (int k = 0; k < 4; ++k)
      rows.store_both_halves(block + (4 * quad + k) * kVectorBytes, q.word[k]);
  }
}

NEMO_INLINE_AVX2 void pack_f32(const EightRows& rows, std::int64_t offset, std::byte* block) {
  for (int quad = 0; quad < 8; ++quad) rows.store(block, 4 * quad, rows.at(offset + 16 * quad));
}

}  // namespace nemotron::kernels::avx2
