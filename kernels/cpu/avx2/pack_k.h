// File rows to packed groups: the types with blocks of 256 columns.
#pragma once

#include "kernels/cpu/avx2/pack_store.h"

namespace nemotron::kernels::avx2 {

// Scales and minima of sub-block k, by the arithmetic of q4_k_scale_min. word[1 .. 3]: the twelve
// bytes.
NEMO_INLINE_AVX2 void pack_q4_k_scales(const EightRows& rows, const Quad& s, int k,
                                       std::byte* block) {
  const int shift = 8 * (k % 4);
  const __m256i low = _mm256_srli_epi32(s.word[1], shift);
  const __m256i middle = _mm256_srli_epi32(s.word[2], shift);
  const __m256i high = _mm256_srli_epi32(s.word[3], shift);
  const __m256i six_bits = _mm256_set1_epi32(63);
  const __m256i four_bits = _mm256_set1_epi32(15);
  const __m256i two_bits = _mm256_set1_epi32(0x30);
  __m256i scale = _mm256_and_si256(low, six_bits);
  __m256i min = _mm256_and_si256(middle, six_bits);
  if (k >= 4) {
    scale = _mm256_or_si256(_mm256_and_si256(high, four_bits),
                            _mm256_and_si256(_mm256_srli_epi32(low, 2), two_bits));
    min = _mm256_or_si256(_mm256_and_si256(_mm256_srli_epi32(high, 4), four_bits),
                          _mm256_and_si256(_mm256_srli_epi32(middle, 2), two_bits));
  }
  rows.store_bytes(block, scale);
  rows.store_bytes(block + 16, min);
}

// Q4_K and Q5_K, whose nibbles begin at kNibbles of a block.
template <PackedForm kForm, std::int64_t kNibbles>
NEMO_INLINE_AVX2 void pack_scale_min(const EightRows& rows, std::int64_t offset, std::byte* group) {
  constexpr PackedLayout kLayout = packed_layout(kForm);
  const Quad header = rows.at(offset);
  rows.store_both_halves(group, header.word[0]);
  for (int pair = 0; pair < 4; ++pair) {  // 64 columns: low nibbles are one block, high the next
    std::byte* first = group + kLayout.header_bytes + 2 * pair * kLayout.block_bytes;
    std::byte* second = first + kLayout.block_bytes;
    pack_q4_k_scales(rows, header, 2 * pair, first);
    pack_q4_k_scales(rows, header, 2 * pair + 1, second);
    const Quad left = rows.at(offset + kNibbles + 32 * pair);
    const Quad right = rows.at(offset + kNibbles + 32 * pair + 16);
    for (int j = 0; j < 4; ++j) {
      const __m256i right_low = _mm256_slli_epi32(masked(right.word[j], 0x0f), 4);
      const __m256i left_high = _mm256_srli_epi32(masked(left.word[j], 0xf0), 4);
      rows.store(first + 32, j, _mm256_or_si256(masked(left.word[j], 0x0f), right_low));
      rows.store(second + 32, j, _mm256_or_si256(left_high, masked(right.word[j], 0xf0)));
    }
  }
}

NEMO_INLINE_AVX2 void pack_q4_k(const EightRows& rows, std::int64_t offset, std::byte* group) {
  pack_scale_min<PackedForm::kQ4_K, 16>(rows, offset, group);
}

NEMO_INLINE_AVX2 void pack_q5_k(const EightRows& rows, std::int64_t offset, std::byte* group) {
  constexpr PackedLayout kLayout = packed_layout(PackedForm::kQ5_K);
  pack_scale_min<PackedForm::kQ5_K, 48>(rows, offset, group);
  const BlockBytes high = block_bytes(rows, offset + 16);
  for (int k = 0; k < 8; ++k)
    rows.store(group + kLayout.header_bytes + k * kLayout.block_bytes + 32, 4,
               single_bits(high, k));
}

// Two blocks that share their bytes of ql: quarters `low` and `low` + 2 of 128 columns, with the
// 32 bytes of qh that hold the upper two bits of all quarters.
struct Q6KBytes {
  Quad left;
  Quad right;
  BlockBytes upper;
};

NEMO_INLINE_AVX2 void pack_q6_k_codes(const EightRows& rows, const Q6KBytes& q, int quarter,
                                      std::byte* codes) {
  const int nibble_shift = quarter / 2 * 4;
  for (int j = 0; j < 4; ++j) {
    const __m256i left = masked(_mm256_srli_epi32(q.left.word[j], nibble_shift), 0x0f);
    const __m256i right = masked(_mm256_srli_epi32(q.right.word[j], nibble_shift), 0x0f);
    rows.store(codes, j, _mm256_or_si256(left, _mm256_slli_epi32(right, 4)));
  }
  store_bit_pairs(rows, codes + 4 * kVectorBytes, q.upper, 2 * quarter);
}

NEMO_INLINE_AVX2 void pack_q6_k(const EightRows& rows, std::int64_t offset, std::byte* group) {
  constexpr PackedLayout kLayout = packed_layout(PackedForm::kQ6_K);
  // d is the last half of a block: the last four of the 16 bytes that end with it.
  rows.store_halves(group, _mm256_srli_epi32(rows.at(offset + 194).word[3], 16));
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
        rows.store_two_bytes(block, scales, k);
        pack_q6_k_codes(rows, q, quarter, block + 32);
      }
    }
  }
}

NEMO_INLINE_AVX2 void pack_q2_k(const EightRows& rows, std::int64_t offset, std::byte* group) {
  constexpr PackedLayout kLayout = packed_layout(PackedForm::kQ2_K);
  rows.store_both_halves(group, rows.at(offset + 68).word[3]);  // the last four bytes: d, dmin
  const Quad scales = rows.at(offset);
  for (int half = 0; half < 2; ++half) {
    const BlockBytes pairs = block_bytes(rows, offset + 16 + 32 * half);
    for (int quarter = 0; quarter < 4; ++quarter) {
      const int k = 4 * half + quarter;
      std::byte* block = group + kLayout.header_bytes + k * kLayout.block_bytes;
      rows.store_two_bytes(block, scales, k);
      store_bit_pairs(rows, block + 32, pairs, 2 * quarter);
    }
  }
}

// Scale i of sixteen, by the arithmetic of q3_k_scale. word[1 .. 3]: the twelve bytes.
NEMO_INLINE_AVX2 __m256i q3_k_scale(const Quad& s, int i) {
  const int low_shift = 8 * (i % 4) + 4 * (i / 8);
  const int high_shift = 8 * (i % 4) + 2 * (i / 4);
  const __m256i low =
      _mm256_and_si256(_mm256_srli_epi32(s.word[1 + i % 8 / 4], low_shift), _mm256_set1_epi32(15));
  const __m256i high =
      _mm256_and_si256(_mm256_srli_epi32(s.word[3], high_shift), _mm256_set1_epi32(3));
  return _mm256_sub_epi32(_mm256_or_si256(low, _mm256_slli_epi32(high, 4)), _mm256_set1_epi32(32));
}

NEMO_INLINE_AVX2 void pack_q3_k(const EightRows& rows, std::int64_t offset, std::byte* group) {
  constexpr PackedLayout kLayout = packed_layout(PackedForm::kQ3_K);
  const __m256i end = rows.at(offset + 94).word[3];  // d is the last half
  rows.store_halves(group, _mm256_srli_epi32(end, 16));
  const Quad scales = rows.at(offset + 92);
  const BlockBytes high = block_bytes(rows, offset);
  for (int half = 0; half < 2; ++half) {
    const BlockBytes pairs = block_bytes(rows, offset + 32 + 32 * half);
    for (int quarter = 0; quarter < 4; ++quarter) {
      const int k = 4 * half + quarter;
      std::byte* block = group + kLayout.header_bytes + k * kLayout.block_bytes;
      rows.store_bytes(block, q3_k_scale(scales, 2 * k));
      rows.store_bytes(block + 16, q3_k_scale(scales, 2 * k + 1));
      store_bit_pairs(rows, block + 32, pairs, 2 * quarter);
      rows.store(block + 32, 2, single_bits(high, k));
    }
  }
}

NEMO_INLINE_AVX2 void pack_iq4_xs(const EightRows& rows, std::int64_t offset, std::byte* group) {
  constexpr PackedLayout kLayout = packed_layout(PackedForm::kIQ4_XS);
  const Quad header = rows.at(offset);  // d and the scales' upper bits, then their lower bits
  rows.store_halves(group, header.word[0]);
  for (int k = 0; k < 8; ++k) {
    std::byte* block = group + kLayout.header_bytes + k * kLayout.block_bytes;
    const __m256i low =
        _mm256_and_si256(_mm256_srli_epi32(header.word[1], 4 * k), _mm256_set1_epi32(15));
    const __m256i high =
        _mm256_and_si256(_mm256_srli_epi32(header.word[0], 16 + 2 * k), _mm256_set1_epi32(3));
    const __m256i scale = _mm256_or_si256(low, _mm256_slli_epi32(high, 4));
    rows.store_bytes(block, _mm256_sub_epi32(scale, _mm256_set1_epi32(32)));
    rows.store(block + 16, 0, rows.at(offset + 8 + 16 * k));
  }
}

}  // namespace nemotron::kernels::avx2
