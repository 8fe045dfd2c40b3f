// File rows to packed blocks: the types with blocks of up to 64 columns, and plain floats.
#pragma once

#include "kernels/cpu/avx512/pack_store.h"

namespace nemotron::kernels::avx512 {

NEMO_INLINE_AVX512 void pack_q8_0(const TileRows& rows, std::int64_t offset, std::byte* block) {
  const __m512i sign = _mm512_set1_epi8(static_cast<char>(0x80));
  for (int half = 0; half < 2; ++half) {
    const Quad q = rows.at(offset + 2 + 16 * half);
    for (int k = 0; k < 4; ++k) store(block, 4 * half + k, _mm512_xor_si512(q.word[k], sign));
  }
  store_halves(block + 8 * kVectorBytes, rows.at(offset).word[0]);
}

// Exchanges, in each lane, the bits under `low` with those `kDistance` above them.
template <unsigned kDistance>
NEMO_INLINE_AVX512 __m512i swap_bits(__m512i v, std::uint32_t low) {
  const __m512i mask = _mm512_set1_epi32(static_cast<int>(low));
  const __m512i differing =
      _mm512_and_si512(_mm512_xor_si512(v, _mm512_srli_epi32(v, kDistance)), mask);
  return _mm512_xor_si512(_mm512_xor_si512(v, differing), _mm512_slli_epi32(differing, kDistance));
}

// Bit 4 q + b of each lane becomes bit q of byte b. A bit's place has five bits, q above b: each
// step exchanges two of them.
NEMO_INLINE_AVX512 __m512i fifth_bits(__m512i v) {
  v = swap_bits<1>(v, 0x22222222);      // 0 and 1
  v = swap_bits<3>(v, 0x0a0a0a0a);      // 0 and 2
  v = swap_bits<6>(v, 0x00cc00cc);      // 1 and 3
  return swap_bits<12>(v, 0x0000f0f0);  // 2 and 4
}

NEMO_INLINE_AVX512 void pack_q5_0(const TileRows& rows, std::int64_t offset, std::byte* block) {
  store(block, 0, rows.at(offset + 6));
  const Quad header = rows.at(offset);  // d, then the fifth bits
  const __m512i qh =
      _mm512_or_si512(_mm512_srli_epi32(header.word[0], 16), _mm512_slli_epi32(header.word[1], 16));
  store(block, 4, fifth_bits(qh));
  store_halves(block + 5 * kVectorBytes, header.word[0]);
}

// Q4_0 and IQ4_NL: the same nibbles behind a half.
NEMO_INLINE_AVX512 void pack_q4_0(const TileRows& rows, std::int64_t offset, std::byte* block) {
  store(block, 0, rows.at(offset + 2));
  store_halves(block + 4 * kVectorBytes, rows.at(offset).word[0]);
}

NEMO_INLINE_AVX512 void pack_q5_1(const TileRows& rows, std::int64_t offset, std::byte* block) {
  store(block, 0, rows.at(offset + 8));
  const Quad header = rows.at(offset);  // d and m, then the fifth bits
  store(block, 4, fifth_bits(header.word[1]));
  store_both_halves(block + 5 * kVectorBytes, header.word[0]);
}

NEMO_INLINE_AVX512 void pack_q4_1(const TileRows& rows, std::int64_t offset, std::byte* block) {
  store(block, 0, rows.at(offset + 4));
  store_both_halves(block + 4 * kVectorBytes, rows.at(offset).word[0]);
}

// The byte of an NVFP4 scale without its sign; 0x7f means 0.
NEMO_INLINE_AVX512 __m512i nvfp4_scale(__m512i bytes) {
  const __m512i byte = _mm512_and_si512(bytes, _mm512_set1_epi32(0xff));
  const __mmask16 is_zero = _mm512_cmpeq_epi32_mask(byte, _mm512_set1_epi32(0x7f));
  return _mm512_maskz_and_epi32(static_cast<__mmask16>(~is_zero), byte, _mm512_set1_epi32(0x7f));
}

// The 8 bytes of 16 columns hold the first eight in the low and the others in the high nibbles.
NEMO_INLINE_AVX512 void pack_nvfp4(const TileRows& rows, std::int64_t offset, std::byte* group) {
  const __m512i scales = rows.at(offset).word[0];
  for (int k = 0; k < 2; ++k) {
    std::byte* block = group + k * packed_layout(PackedForm::kNVFP4).block_bytes;
    const Quad q = rows.at(offset + 4 + 16 * k);
    for (int j = 0; j < 2; ++j) {
      const __m512i first = q.word[j];
      const __m512i second = q.word[2 + j];
      store(block, j,
            _mm512_or_si512(masked(first, 0x0f), _mm512_slli_epi32(masked(second, 0x0f), 4)));
      store(block, j + 2,
            _mm512_or_si512(_mm512_srli_epi32(masked(first, 0xf0), 4), masked(second, 0xf0)));
    }
    const auto shift = static_cast<unsigned>(16 * k);
    std::byte* to = block + 4 * kVectorBytes;
    store_bytes(to, nvfp4_scale(_mm512_srli_epi32(scales, shift)));
    store_bytes(to + 16, nvfp4_scale(_mm512_srli_epi32(scales, shift + 8)));
  }
}

NEMO_INLINE_AVX512 void pack_bf16(const TileRows& rows, std::int64_t offset, std::byte* block) {
  for (int quad = 0; quad < 4; ++quad) store(block, 4 * quad, rows.at(offset + 16 * quad));
}

NEMO_INLINE_AVX512 void pack_f8(const TileRows& rows, std::int64_t offset, std::byte* block) {
  const __m512i columns_first =
      _mm512_broadcast_i32x4(_mm_setr_epi8(0, 1, 4, 5, 8, 9, 12, 13, 2, 3, 6, 7, 10, 11, 14, 15));
  for (int half = 0; half < 2; ++half) {
    const Quad q = rows.at(offset + 16 * half);
    for (int k = 0; k < 4; ++k)
      store(block, 4 * half + k, _mm512_shuffle_epi8(q.word[k], columns_first));
  }
}

NEMO_INLINE_AVX512 void pack_f16(const TileRows& rows, std::int64_t offset, std::byte* block) {
  for (int quad = 0; quad < 4; ++quad) {
    const Quad q = rows.at(offset + 16 * quad);
    for (int k = 0; k < 4; ++k) store_both_halves(block + (4 * quad + k) * kVectorBytes, q.word[k]);
  }
}

NEMO_INLINE_AVX512 void pack_f32(const TileRows& rows, std::int64_t offset, std::byte* block) {
  for (int quad = 0; quad < 8; ++quad) store(block, 4 * quad, rows.at(offset + 16 * quad));
}

}  // namespace nemotron::kernels::avx512
