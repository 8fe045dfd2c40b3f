// Rows of a file to packed tiles: sixteen rows are read crosswise, and the bits of each lane put
// where its product wants them.
#if defined(__x86_64__)
#include <cstddef>

#include "kernels/cpu/avx2/avx2_kernels.h"
#include "kernels/cpu/avx512/avx512_kernels.h"
#include "kernels/cpu/avx512/packed_weight.h"
#include "kernels/cpu/avx512/target.h"
#include "kernels/cpu/avx512/tile_rows.h"
#include "kernels/cpu/ref/ref_kernels.h"
#include "quant/block_formats.h"

namespace nemotron::kernels::avx512 {

namespace {

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

NEMO_INLINE_AVX512 void pack_q4_k(const TileRows& rows, std::int64_t offset, std::byte* group) {
  constexpr PackedLayout kLayout = packed_layout(PackedForm::kQ4_K);
  const Quad header = rows.at(offset);
  store_halves(group, header.word[0]);
  store_halves(group + 32, _mm512_srli_epi32(header.word[0], 16));
  const __m512i scales[3] = {header.word[1], header.word[2], header.word[3]};
  for (int pair = 0; pair < 4; ++pair) {  // 64 columns: low nibbles are one block, high the next
    std::byte* first = group + kLayout.header_bytes + 2 * pair * kLayout.block_bytes;
    std::byte* second = first + kLayout.block_bytes;
    pack_q4_k_scales(scales, 2 * pair, first);
    pack_q4_k_scales(scales, 2 * pair + 1, second);
    const Quad left = rows.at(offset + 16 + 32 * pair);
    const Quad right = rows.at(offset + 16 + 32 * pair + 16);
    for (int j = 0; j < 4; ++j) {
      const __m512i right_low = _mm512_slli_epi32(masked(right.word[j], 0x0f), 4);
      const __m512i left_high = _mm512_srli_epi32(masked(left.word[j], 0xf0), 4);
      store(first + 32, j, _mm512_or_si512(masked(left.word[j], 0x0f), right_low));
      store(second + 32, j, _mm512_or_si512(left_high, masked(right.word[j], 0xf0)));
    }
  }
}

// Two blocks that share their bytes of ql: quarters `low` and `low` + 2 of 128 columns, with the
// 32 bytes of qh that hold the upper two bits of all quarters.
struct Q6KBytes {
  Quad left;
  Quad right;
  Quad upper[2];
};

NEMO_INLINE_AVX512 void pack_q6_k_codes(const Q6KBytes& q, int quarter, std::byte* codes) {
  const auto nibble_shift = static_cast<unsigned>(quarter / 2 * 4);
  const auto upper_shift = static_cast<unsigned>(2 * quarter);
  for (int j = 0; j < 4; ++j) {
    const __m512i left = masked(_mm512_srli_epi32(q.left.word[j], nibble_shift), 0x0f);
    const __m512i right = masked(_mm512_srli_epi32(q.right.word[j], nibble_shift), 0x0f);
    store(codes, j, _mm512_or_si512(left, _mm512_slli_epi32(right, 4)));
  }
  for (int i = 0; i < 2; ++i) {
    __m512i upper = _mm512_setzero_si512();
    for (int m = 0; m < 4; ++m) {
      const __m512i bits = masked(_mm512_srli_epi32(q.upper[i].word[m], upper_shift), 0x03);
      upper = _mm512_or_si512(upper, _mm512_slli_epi32(bits, static_cast<unsigned>(2 * m)));
    }
    store(codes, 4 + i, upper);
  }
}

NEMO_INLINE_AVX512 void pack_q6_k(const TileRows& rows, std::int64_t offset, std::byte* group) {
  constexpr PackedLayout kLayout = packed_layout(PackedForm::kQ6_K);
  // d is the last half of a block: the last four of the 16 bytes that end with it.
  store_halves(group, _mm512_srli_epi32(rows.at(offset + 194).word[3], 16));
  const Quad scales = rows.at(offset + 192);
  for (int half = 0; half < 2; ++half) {
    const std::int64_t qh = offset + 128 + 32 * half;
    const Quad upper[2] = {rows.at(qh), rows.at(qh + 16)};
    for (int low = 0; low < 2; ++low) {
      const std::int64_t ql = offset + 64 * half + 32 * low;
      const Q6KBytes q{rows.at(ql), rows.at(ql + 16), {upper[0], upper[1]}};
      for (int quarter = low; quarter < 4; quarter += 2) {
        const int k = 4 * half + quarter;
        std::byte* block = group + kLayout.header_bytes + k * kLayout.block_bytes;
        const __m512i own =
            _mm512_srli_epi32(scales.word[k / 2], static_cast<unsigned>(16 * (k % 2)));
        store_bytes(block, own);
        store_bytes(block + 16, _mm512_srli_epi32(own, 8));
        pack_q6_k_codes(q, quarter, block + 32);
      }
    }
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

// Bytes of the next rows, in their order in memory. Sixteen rows that are read at once are too many
// for the processor to foresee.
NEMO_INLINE_AVX512 void fetch_part(const PackTileParams& p, std::int64_t first,
                                   std::int64_t n_bytes) {
  const auto* next = static_cast<const char*>(p.next_rows) + first;
  for (std::int64_t i = 0; i < n_bytes; i += kVectorBytes) _mm_prefetch(next + i, _MM_HINT_T1);
}

}  // namespace

std::int64_t tile_bytes(TensorType type, std::int64_t n_in) {
  const PackedForm form = packed_form(type, n_in);
  return form == PackedForm::kNone ? ref::tile_bytes(type, n_in)
                                   : packed_layout(form).tile_bytes(n_in);
}

NEMO_TARGET_AVX512 void pack_tile(const PackTileParams& p) {
  const PackedForm form = packed_form(p.type, p.n_in);
  if (form == PackedForm::kNone) return ref::pack_tile(p);
  const TileRows rows(p);
  const PackedLayout layout = packed_layout(form);
  const std::int64_t group_columns = layout.blocks_per_group * kBlockColumns;
  const std::int64_t group_bytes = row_bytes(p.type, group_columns);
  auto* group = static_cast<std::byte*>(p.tile);
  for (std::int64_t k = 0; k < p.n_in; k += group_columns, group += layout.group_bytes()) {
    const std::int64_t offset = row_bytes(p.type, k);
    if (p.next_rows != nullptr) fetch_part(p, kTileRows * offset, kTileRows * group_bytes);
    switch (form) {
      case PackedForm::kQ8_0:
        pack_q8_0(rows, offset, group);
        break;
      case PackedForm::kQ5_0:
        pack_q5_0(rows, offset, group);
        break;
      case PackedForm::kQ4_0:
      case PackedForm::kIQ4_NL:
        pack_q4_0(rows, offset, group);
        break;
      case PackedForm::kQ4_K:
        pack_q4_k(rows, offset, group);
        break;
      case PackedForm::kQ6_K:
        pack_q6_k(rows, offset, group);
        break;
      case PackedForm::kBF16:
        pack_bf16(rows, offset, group);
        break;
      case PackedForm::kF8:
        pack_f8(rows, offset, group);
        break;
      case PackedForm::kNone:
        break;
    }
  }
}

}  // namespace nemotron::kernels::avx512
#endif
