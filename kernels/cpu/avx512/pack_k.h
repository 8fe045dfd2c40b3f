// File rows to packed groups: the types with blocks of 256 columns.
#pragma once

#include "kernels/cpu/avx512/pack_store.h"

namespace nemotron::kernels::avx512 {

// Scales and minima of sub-block k, by the arithmetic of q4_k_scale_min.
NEMO_INLINE_AVX512 void pack_q4_k_scales(const __m512i (&s)[3], int k, std::byte* block) {
  const auto shift = static_cast<unsigned>(8 * (k % 4));
  const __m512i low = _mm512_srli_epi32(s[0], shift);
  const __m512i middle = _mm512_srli_epi32(s[1], shift);
  const __m512i high = _mm512_srli_epi32(s[2], shift);
  const __m512i six_bits = _mm512_set1_epi32(63);
  const __m512i four_bits = _mm512_set1_epi32(15);
  const __m512i two_bits = _mm512_set1_epi32(0x30);
  __m512i scale = _mm512_and_si512(low, six_bits);
  __m512i min = _mm512_and_si512(middle, six_bits);
  if (k >= 4) {
    scale = _mm512_or_si512(_mm512_and_si512(high, four_bits),
                            _mm512_and_si512(_mm512_srli_epi32(low, 2), two_bits));
    min = _mm512_or_si512(_mm512_and_si512(_mm512_srli_epi32(high, 4), four_bits),
                          _mm512_and_si512(_mm512_srli_epi32(middle, 2), two_bits));
  }
  store_bytes(block, scale);
  store_bytes(block + 16, min);
}

// Q4_K and Q5_K, whose nibbles begin at kNibbles of a block.
template <PackedForm kForm, std::int64_t kNibbles>
NEMO_INLINE_AVX512 void pack_scale_min(const TileRows& rows, std::int64_t offset,
                                       std::byte* group) {
  constexpr PackedLayout kLayout = packed_layout(kForm);
  const Quad header = rows.at(offset);
  store_halves(group, header.word[0]);
  store_halves(group + 32, _mm512_srli_epi32(header.word[0], 16));
  const __m512i scales[3] = {header.word[1], header.word[2], header.word[3]};
  for (int pair = 0; pair < 4; ++pair) {  // 64 columns: low nibbles are one block, high the next
    std::byte* first = group + kLayout.header_bytes + 2 * pair * kLayout.block_bytes;
    std::byte* second = first + kLayout.block_bytes;
    pack_q4_k_scales(scales, 2 * pair, first);
    pack_q4_k_scales(scales, 2 * pair + 1, second);
    const Quad left = rows.at(offset + kNibbles + 32 * pair);
    const Quad right = rows.at(offset + kNibbles + 32 * pair + 16);
    for (int j = 0; j < 4; ++j) {
      const __m512i right_low = _mm512_slli_epi32(masked(right.word[j], 0x0f), 4);
      const __m512i left_high = _mm512_srli_epi32(masked(left.word[j], 0xf0), 4);
      store(first + 32, j, _mm512_or_si512(masked(left.word[j], 0x0f), right_low));
      store(second + 32, j, _mm512_or_si512(left_high, masked(right.word[j], 0xf0)));
    }
  }
}

NEMO_INLINE_AVX512 void pack_q4_k(const TileRows& rows, std::int64_t offset, std::byte* group) {
  pack_scale_min<PackedForm::kQ4_K, 16>(rows, offset, group);
}

NEMO_INLINE_AVX512 void pack_q5_k(const TileRows& rows, std::int64_t offset, std::byte* group) {
  constexpr PackedLayout kLayout = packed_layout(PackedForm::kQ5_K);
  pack_scale_min<PackedForm::kQ5_K, 48>(rows, offset, group);
  const BlockBytes high = block_bytes(rows, offset + 16);
  for (int k = 0; k < 8; ++k)
    store(group + kLayout.header_bytes + k * kLayout.block_bytes + 32, 4, single_bits(high, k));
}

// Two blocks that share their bytes of ql: quarters `low` and `low` + 2 of 128 columns, with the
// 32 bytes of qh that hold the upper two bits of all quarters.
struct Q6KBytes {
  Quad left;
  Quad right;
  BlockBytes upper;
};

NEMO_INLINE_AVX512 void pack_q6_k_codes(const Q6KBytes& q, int quarter, std::byte* codes) {
  const auto nibble_shift = static_cast<unsigned>(quarter / 2 * 4);
  for (int j = 0; j < 4; ++j) {
    const __m512i left = masked(_mm512_srli_epi32(q.left.word[j], nibble_shift), 0x0f);
    const __m512i right = masked(_mm512_srli_epi32(q.right.word[j], nibble_shift), 0x0f);
    store(codes, j, _mm512_or_si512(left, _mm512_slli_epi32(right, 4)));
  }
  store_bit_pairs(codes + 4 * kVectorBytes, q.upper, 2 * quarter);
}

NEMO_INLINE_AVX512 void pack_q6_k(const TileRows& rows, std::int64_t offset, std::byte* group) {
  constexpr PackedLayout kLayout = packed_layout(PackedForm::kQ6_K);
  // d is the last half of a block: the last four of the 16 bytes that end with it.
  store_halves(group, _mm512_srli_epi32(rows.at(offset + 194).word[3], 16));
  const Quad scales = rows.at(offset + 192);
  for (int half = 0; half < 2; ++half) {
    const std::int64_t qh = offset + 128 + 32 * half;
    const BlockBytes upper = block_bytes(rows, qh);
    for (int low = 0; low < 2; ++low) {
      const std::int64_t ql = offset + 64 * half + 32 * low;
      const Q6KBytes q{rows.at(ql), rows.at(ql + 16), upper};
      for (int quarter = low; quarter < 4; quarter += 2) {
        const int k = 4 * half + quarter;
        std::byte* block = group + kLayout.header_bytes + k * kLayout.block_bytes;
        store_two_bytes(block, scales, k);
        pack_q6_k_codes(q, quarter, block + 32);
      }
    }
  }
}

NEMO_INLINE_AVX512 void pack_q2_k(const TileRows& rows, std::int64_t offset, std::byte* group) {
  constexpr PackedLayout kLayout = packed_layout(PackedForm::kQ2_K);
  store_both_halves(group, rows.at(offset + 68).word[3]);  // d and dmin are the last four bytes
  const Quad scales = rows.at(offset);
  for (int half = 0; half < 2; ++half) {
    const BlockBytes pairs = block_bytes(rows, offset + 16 + 32 * half);
    for (int quarter = 0; quarter < 4; ++quarter) {
      const int k = 4 * half + quarter;
      std::byte* block = group + kLayout.header_bytes + k * kLayout.block_bytes;
      store_two_bytes(block, scales, k);
      store_bit_pairs(block + 32, pairs, 2 * quarter);
    }
  }
}

// Scale i of sixteen, by the arithmetic of q3_k_scale. word[1 .. 3]: the twelve bytes.
NEMO_INLINE_AVX512 __m512i q3_k_scale(const Quad& s, int i) {
  const auto low_shift = static_cast<unsigned>(8 * (i % 4) + 4 * (i / 8));
  const auto high_shift = static_cast<unsigned>(8 * (i % 4) + 2 * (i / 4));
  const __m512i low =
      _mm512_and_si512(_mm512_srli_epi32(s.word[1 + i % 8 / 4], low_shift), _mm512_set1_epi32(15));
  const __m512i high =
      _mm512_and_si512(_mm512_srli_epi32(s.word[3], high_shift), _mm512_set1_epi32(3));
  return _mm512_sub_epi32(_mm512_or_si512(low, _mm512_slli_epi32(high, 4)), _mm512_set1_epi32(32));
}

NEMO_INLINE_AVX512 void pack_q3_k(const TileRows& rows, std::int64_t offset, std::byte* group) {
  constexpr PackedLayout kLayout = packed_layout(PackedForm::kQ3_K);
  store_halves(group, _mm512_srli_epi32(rows.at(offset + 94).word[3], 16));  // d is the last half
  const Quad scales = rows.at(offset + 92);
  const BlockBytes high = block_bytes(rows, offset);
  for (int half = 0; half < 2; ++half) {
    const BlockBytes pairs = block_bytes(rows, offset + 32 + 32 * half);
    for (int quarter = 0; quarter < 4; ++quarter) {
      const int k = 4 * half + quarter;
      std::byte* block = group + kLayout.header_bytes + k * kLayout.block_bytes;
      store_bytes(block, q3_k_scale(scales, 2 * k));
      store_bytes(block + 16, q3_k_scale(scales, 2 * k + 1));
      store_bit_pairs(block + 32, pairs, 2 * quarter);
      store(block + 32, 2, single_bits(high, k));
    }
  }
}

NEMO_INLINE_AVX512 void pack_iq4_xs(const TileRows& rows, std::int64_t offset, std::byte* group) {
  constexpr PackedLayout kLayout = packed_layout(PackedForm::kIQ4_XS);
  const Quad header = rows.at(offset);  // d and the scales' upper bits, then their lower bits
  store_halves(group, header.word[0]);
  for (int k = 0; k < 8; ++k) {
    std::byte* block = group + kLayout.header_bytes + k * kLayout.block_bytes;
    const __m512i low = _mm512_and_si512(
        _mm512_srli_epi32(header.word[1], static_cast<unsigned>(4 * k)), _mm512_set1_epi32(15));
    const __m512i high = _mm512_and_si512(
        _mm512_srli_epi32(header.word[0], static_cast<unsigned>(16 + 2 * k)), _mm512_set1_epi32(3));
    const __m512i scale = _mm512_or_si512(low, _mm512_slli_epi32(high, 4));
    store_bytes(block, _mm512_sub_epi32(scale, _mm512_set1_epi32(32)));
    store(block + 16, 0, rows.at(offset + 8 + 16 * k));
  }
}

}  // namespace nemotron::kernels::avx512
