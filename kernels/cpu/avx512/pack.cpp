// Rows of a file to packed tiles. A gather takes the same four bytes of sixteen rows at once, which
// is the transposition that the lanes need.
#if defined(__x86_64__)
#include <cstddef>

#include "kernels/cpu/avx2/avx2_kernels.h"
#include "kernels/cpu/avx512/avx512_kernels.h"
#include "kernels/cpu/avx512/packed_weight.h"
#include "kernels/cpu/avx512/target.h"
#include "kernels/cpu/ref/ref_kernels.h"
#include "quant/block_formats.h"

namespace nemotron::kernels::avx512 {

namespace {

// Four bytes at `offset` of each row; zero for rows that are missing.
struct RowGather {
  const std::byte* rows;
  __m512i row_offsets;
  __mmask16 present;

  NEMO_INLINE_AVX512 __m512i operator()(std::int64_t offset) const {
    return _mm512_mask_i32gather_epi32(_mm512_setzero_si512(), present, row_offsets, rows + offset,
                                       1);
  }
};

NEMO_INLINE_AVX512 RowGather row_gather(const PackTileParams& p) {
  const __m512i index = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  const auto bytes = static_cast<int>(row_bytes(p.type, p.n_in));
  return {static_cast<const std::byte*>(p.rows),
          _mm512_mullo_epi32(index, _mm512_set1_epi32(bytes)),
          static_cast<__mmask16>((1u << p.n_rows) - 1u)};
}

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

NEMO_INLINE_AVX512 void pack_q8_0(const RowGather& gather, std::int64_t offset, std::byte* block) {
  for (int q = 0; q < 8; ++q)
    store(block, q,
          _mm512_xor_si512(gather(offset + 2 + 4 * q), _mm512_set1_epi8(static_cast<char>(0x80))));
  store_halves(block + 8 * kVectorBytes, gather(offset));
}

NEMO_INLINE_AVX512 void pack_q5_0(const RowGather& gather, std::int64_t offset, std::byte* block) {
  for (int j = 0; j < 4; ++j) store(block, j, gather(offset + 6 + 4 * j));
  const __m512i qh = gather(offset + 2);
  __m512i fifth = _mm512_setzero_si512();
  for (int q = 0; q < 8; ++q) {
    for (int b = 0; b < 4; ++b) {  // bit 4 q + b becomes bit q of byte b
      const __m512i bit = _mm512_and_si512(_mm512_srli_epi32(qh, static_cast<unsigned>(4 * q + b)),
                                           _mm512_set1_epi32(1));
      fifth = _mm512_or_si512(fifth, _mm512_slli_epi32(bit, static_cast<unsigned>(8 * b + q)));
    }
  }
  store(block, 4, fifth);
  store_halves(block + 5 * kVectorBytes, gather(offset));
}

// Q4_0 and IQ4_NL: the same nibbles behind a half.
NEMO_INLINE_AVX512 void pack_q4_0(const RowGather& gather, std::int64_t offset, std::byte* block) {
  for (int j = 0; j < 4; ++j) store(block, j, gather(offset + 2 + 4 * j));
  store_halves(block + 4 * kVectorBytes, gather(offset));
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

NEMO_INLINE_AVX512 void pack_q4_k(const RowGather& gather, std::int64_t offset, std::byte* group) {
  constexpr PackedLayout kLayout = packed_layout(PackedForm::kQ4_K);
  const __m512i d_dmin = gather(offset);
  store_halves(group, d_dmin);
  store_halves(group + 32, _mm512_srli_epi32(d_dmin, 16));
  const __m512i scales[3] = {gather(offset + 4), gather(offset + 8), gather(offset + 12)};
  for (int pair = 0; pair < 4; ++pair) {  // 64 columns: low nibbles are one block, high the next
    std::byte* first = group + kLayout.header_bytes + 2 * pair * kLayout.block_bytes;
    std::byte* second = first + kLayout.block_bytes;
    pack_q4_k_scales(scales, 2 * pair, first);
    pack_q4_k_scales(scales, 2 * pair + 1, second);
    for (int j = 0; j < 4; ++j) {
      const __m512i left = gather(offset + 16 + 32 * pair + 4 * j);
      const __m512i right = gather(offset + 16 + 32 * pair + 16 + 4 * j);
      store(first + 32, j,
            _mm512_or_si512(masked(left, 0x0f), _mm512_slli_epi32(masked(right, 0x0f), 4)));
      store(second + 32, j,
            _mm512_or_si512(_mm512_srli_epi32(masked(left, 0xf0), 4), masked(right, 0xf0)));
    }
  }
}

NEMO_INLINE_AVX512 void pack_q6_k_block(const RowGather& gather, std::int64_t offset, int k,
                                        std::byte* block) {
  const int quarter = k % 4;
  const std::int64_t ql = offset + 64 * (k / 4) + 32 * (quarter % 2);
  const std::int64_t qh = offset + 128 + 32 * (k / 4);
  const auto nibble_shift = static_cast<unsigned>(quarter / 2 * 4);
  const __m512i scales = gather(offset + 192 + 4 * (k / 2));
  const __m512i own = _mm512_srli_epi32(scales, static_cast<unsigned>(16 * (k % 2)));
  store_bytes(block, own);
  store_bytes(block + 16, _mm512_srli_epi32(own, 8));
  for (int j = 0; j < 4; ++j) {
    const __m512i left = masked(_mm512_srli_epi32(gather(ql + 4 * j), nibble_shift), 0x0f);
    const __m512i right = masked(_mm512_srli_epi32(gather(ql + 16 + 4 * j), nibble_shift), 0x0f);
    store(block + 32, j, _mm512_or_si512(left, _mm512_slli_epi32(right, 4)));
  }
  for (int i = 0; i < 2; ++i) {
    __m512i upper = _mm512_setzero_si512();
    for (int m = 0; m < 4; ++m) {
      const __m512i bits = masked(
          _mm512_srli_epi32(gather(qh + 16 * i + 4 * m), static_cast<unsigned>(2 * quarter)), 0x03);
      upper = _mm512_or_si512(upper, _mm512_slli_epi32(bits, static_cast<unsigned>(2 * m)));
    }
    store(block + 32, 4 + i, upper);
  }
}

NEMO_INLINE_AVX512 void pack_q6_k(const RowGather& gather, std::int64_t offset, std::byte* group) {
  constexpr PackedLayout kLayout = packed_layout(PackedForm::kQ6_K);
  // d is the last half of a block: the four bytes that end with it.
  store_halves(group, _mm512_srli_epi32(gather(offset + 206), 16));
  for (int k = 0; k < 8; ++k)
    pack_q6_k_block(gather, offset, k, group + kLayout.header_bytes + k * kLayout.block_bytes);
}

NEMO_INLINE_AVX512 void pack_bf16(const RowGather& gather, std::int64_t offset, std::byte* block) {
  for (int pair = 0; pair < 16; ++pair) store(block, pair, gather(offset + 4 * pair));
}

NEMO_INLINE_AVX512 void pack_f8(const RowGather& gather, std::int64_t offset, std::byte* block) {
  const __m512i columns_first =
      _mm512_broadcast_i32x4(_mm_setr_epi8(0, 1, 4, 5, 8, 9, 12, 13, 2, 3, 6, 7, 10, 11, 14, 15));
  for (int q = 0; q < 8; ++q)
    store(block, q, _mm512_shuffle_epi8(gather(offset + 4 * q), columns_first));
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
  const RowGather gather = row_gather(p);
  const PackedLayout layout = packed_layout(form);
  const std::int64_t group_columns = layout.blocks_per_group * kBlockColumns;
  auto* group = static_cast<std::byte*>(p.tile);
  for (std::int64_t k = 0; k < p.n_in; k += group_columns, group += layout.group_bytes()) {
    const std::int64_t offset = row_bytes(p.type, k);
    switch (form) {
      case PackedForm::kQ8_0:
        pack_q8_0(gather, offset, group);
        break;
      case PackedForm::kQ5_0:
        pack_q5_0(gather, offset, group);
        break;
      case PackedForm::kQ4_0:
      case PackedForm::kIQ4_NL:
        pack_q4_0(gather, offset, group);
        break;
      case PackedForm::kQ4_K:
        pack_q4_k(gather, offset, group);
        break;
      case PackedForm::kQ6_K:
        pack_q6_k(gather, offset, group);
        break;
      case PackedForm::kBF16:
        pack_bf16(gather, offset, group);
        break;
      case PackedForm::kF8:
        pack_f8(gather, offset, group);
        break;
      case PackedForm::kNone:
        break;
    }
  }
}

}  // namespace nemotron::kernels::avx512
#endif
