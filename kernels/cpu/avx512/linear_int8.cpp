// Quantized weights times int8 activations. Per output and block of 32 columns: an exact integer
// dot product (vpdpbusd), then fixed f32 operations that end in one FMA into the output's only sum,
// blocks ascending. So rows and ranges agree to the bit.
//
// Codes are unpacked in registers and meet up to sixteen rows. Of more rows, sixteen at a time pass
// a tile, which the second-level cache holds; unpacking it again costs less than keeping it
// unpacked.
#if defined(__x86_64__)
#include "kernels/cpu/avx512/linear_int8.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "kernels/cpu/avx512/unpack_k.h"
#include "kernels/cpu/prefetch.h"

namespace nemotron::kernels::avx512 {

namespace {

// Sums of 16 rows, 8 vectors of codes and what one row needs fit into the 32 registers.
constexpr int kMostRows = 16;

template <int kFirst, int kLast>
NEMO_INLINE_AVX512 __m512i dot(__m512i sum, const Codes& codes, const std::int8_t* q) {
#pragma GCC unroll 8
  for (int k = kFirst; k < kLast; ++k) {
    std::int32_t four;
    std::memcpy(&four, q + 4 * k, sizeof four);
    sum = _mm512_dpbusd_epi32(sum, codes.quad[k], _mm512_set1_epi32(four));
  }
  return sum;
}

template <CodeMode kMode>
NEMO_INLINE_AVX512 __m512 add_block(__m512 sum, const Codes& codes, const Factors& w,
                                    const PreparedInt8::Rows& x, int row) {
  const std::int8_t* q = x.q + row * kBlockColumns;
  const __m512 scale = _mm512_set1_ps(x.scale[row]);
  const __m512i start = _mm512_set1_epi32(x.sums[row].a);
  if constexpr (kMode == CodeMode::kOffset) {
    const __m512 u = _mm512_cvtepi32_ps(dot<0, 8>(start, codes, q));
    return _mm512_fmadd_ps(u, _mm512_mul_ps(w.a, scale), sum);
  } else if constexpr (kMode == CodeMode::kMinimum) {
    const __m512 u = _mm512_cvtepi32_ps(dot<0, 8>(_mm512_setzero_si512(), codes, q));
    const __m512 v = _mm512_fnmadd_ps(w.b, _mm512_castsi512_ps(start), _mm512_mul_ps(u, w.a));
    return _mm512_fmadd_ps(v, scale, sum);
  } else if constexpr (kMode == CodeMode::kHalvesMinimum) {
    const __m512 second = _mm512_castsi512_ps(_mm512_set1_epi32(x.sums[row].b));
    const __m512i zero = _mm512_setzero_si512();
    const __m512 u = _mm512_cvtepi32_ps(dot<0, 4>(zero, codes, q));
    const __m512 v = _mm512_cvtepi32_ps(dot<4, 8>(zero, codes, q));
    const __m512 both = _mm512_fmadd_ps(v, w.b, _mm512_mul_ps(u, w.a));
    const __m512 less = _mm512_fnmadd_ps(w.c, _mm512_castsi512_ps(start), both);
    return _mm512_fmadd_ps(_mm512_fnmadd_ps(w.d, second, less), scale, sum);
  } else {
    const __m512i second = _mm512_set1_epi32(x.sums[row].b);
    const __m512 u = _mm512_cvtepi32_ps(dot<0, 4>(start, codes, q));
    const __m512 v = _mm512_cvtepi32_ps(dot<4, 8>(second, codes, q));
    return _mm512_fmadd_ps(_mm512_fmadd_ps(v, w.b, _mm512_mul_ps(u, w.a)), scale, sum);
  }
}

// Where the rows of a product are read and its outputs go.
struct ProductRows {
  const PreparedInt8& x;
  std::int64_t first_row;  // of this product
  std::int64_t n_blocks;
  float* y;  // of the first row, at the tile's first output
  std::int64_t y_stride;
  __mmask16 outputs;  // of the tile that exist
};

template <int kRows>
NEMO_INLINE_AVX512 void store_sums(const ProductRows& rows, const __m512 (&sum)[kRows]) {
#pragma GCC unroll 16
  for (int r = 0; r < kRows; ++r)
    _mm512_mask_storeu_ps(rows.y + r * rows.y_stride, rows.outputs, sum[r]);
}

// kRows rows times a packed tile.
template <class Unpack, int kRows>
NEMO_TARGET_AVX512 void stream_tile(const std::byte* tile, const ProductRows& rows) {
  constexpr PackedLayout kLayout = Unpack::kLayout;
  __m512 sum[kRows];
#pragma GCC unroll 16
  for (int r = 0; r < kRows; ++r) sum[r] = _mm512_setzero_ps();
  for (std::int64_t first = 0; first < rows.n_blocks; first += kLayout.blocks_per_group) {
    const auto header = Unpack::header(tile);
    const std::byte* block = tile + kLayout.header_bytes;
    for (std::int64_t b = first; b < first + kLayout.blocks_per_group; ++b) {
      Codes codes;
      Unpack::codes(block, codes);
      const Factors w = Unpack::factors(block, header);
      const PreparedInt8::Rows x = rows.x.rows_at(b, rows.first_row);
      prefetch_ahead<kLayout.block_bytes>(block);
#pragma GCC unroll 16
      for (int r = 0; r < kRows; ++r) sum[r] = add_block<Unpack::kMode>(sum[r], codes, w, x, r);
      block += kLayout.block_bytes;
    }
    tile += kLayout.group_bytes();
  }
  store_sums<kRows>(rows, sum);
}

// Function [n - 1] takes n rows.
template <class Unpack, std::size_t... kIndex>
constexpr auto row_table(std::index_sequence<kIndex...>) {
  return std::array{&stream_tile<Unpack, static_cast<int>(kIndex) + 1>...};
}

template <class Unpack>
void product(const LinearParams& p, std::int64_t first, std::int64_t last) {
  static constexpr auto kTable = row_table<Unpack>(std::make_index_sequence<kMostRows>());
  const PreparedInt8 x(const_cast<void*>(p.prepared), p.n_rows, p.n_in);
  ProductRows rows{x, 0, p.n_in / kBlockColumns, nullptr, p.y_stride, 0};
  const std::int64_t tile_bytes = Unpack::kLayout.tile_bytes(p.n_in);
  const std::byte* tile = static_cast<const std::byte*>(p.weight) + first / kTileRows * tile_bytes;
  for (std::int64_t j = first; j < last; j += kTileRows, tile += tile_bytes) {
    rows.outputs =
        last - j >= kTileRows ? __mmask16{0xffff} : static_cast<__mmask16>((1u << (last - j)) - 1u);
    for (rows.first_row = 0; rows.first_row < p.n_rows; rows.first_row += kMostRows) {
      const auto n = std::min<std::int64_t>(kMostRows, p.n_rows - rows.first_row);
      rows.y = p.y + rows.first_row * p.y_stride + j;
      kTable[static_cast<std::size_t>(n - 1)](tile, rows);
    }
  }
}

// max |x| of 32 values; NaN if one is NaN (its bits are the largest).
NEMO_INLINE_AVX512 float max_magnitude(__m512 low, __m512 high) {
  const __m512i magnitude = _mm512_set1_epi32(0x7fffffff);
  const __m512i both = _mm512_max_epu32(_mm512_and_si512(_mm512_castps_si512(low), magnitude),
                                        _mm512_and_si512(_mm512_castps_si512(high), magnitude));
  const std::uint32_t bits = _mm512_reduce_max_epu32(both);
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

// To nearest even. NaN becomes -127, so that the sums stay small; its block's scale is NaN anyway.
NEMO_INLINE_AVX512 __m512i rounded(__m512 x) {
  return _mm512_max_epi32(_mm512_cvtps_epi32(x), _mm512_set1_epi32(-127));
}

}  // namespace

NEMO_TARGET_AVX512 void prepare_int8(const PrepareParams& p, PackedForm form, std::int64_t first,
                                     std::int64_t last) {
  const PreparedInt8 out(p.prepared, p.n_rows, p.n_in);
  const CodeMeaning codes = code_meaning(form);
  for (std::int64_t b = first; b < last; ++b) {
    for (std::int64_t r = 0; r < p.n_rows; ++r) {
      const float* x = p.x + r * p.n_in + b * kBlockColumns;
      const __m512 low = _mm512_loadu_ps(x);
      const __m512 high = _mm512_loadu_ps(x + kLanes);
      const float max = max_magnitude(low, high);
      const bool is_zero = max < PreparedInt8::kTooSmall;
      const __m512 inverse = _mm512_set1_ps(is_zero ? 0.0f : 127.0f / max);
      const __m512i q_low = rounded(_mm512_mul_ps(low, inverse));
      const __m512i q_high = rounded(_mm512_mul_ps(high, inverse));
      const std::int64_t i = b * p.n_rows + r;
      auto* q = reinterpret_cast<__m128i*>(out.q + i * kBlockColumns);
      _mm_storeu_si128(q, _mm512_cvtsepi32_epi8(q_low));
      _mm_storeu_si128(q + 1, _mm512_cvtsepi32_epi8(q_high));
      out.scale[i] = is_zero ? 0.0f : max / 127.0f;
      out.sums[i] =
          sums_for(codes, _mm512_reduce_add_epi32(q_low), _mm512_reduce_add_epi32(q_high));
    }
  }
}

void linear_int8(const LinearParams& p, PackedForm form, std::int64_t first, std::int64_t last) {
  switch (form) {
    case PackedForm::kQ8_0:
      return product<UnpackQ8_0>(p, first, last);
    case PackedForm::kQ5_0:
      return product<UnpackQ5_0>(p, first, last);
    case PackedForm::kQ5_1:
      return product<UnpackQ5_1>(p, first, last);
    case PackedForm::kQ4_0:
      return product<UnpackQ4_0>(p, first, last);
    case PackedForm::kQ4_1:
      return product<UnpackQ4_1>(p, first, last);
    case PackedForm::kIQ4_NL:
      return product<UnpackIQ4_NL>(p, first, last);
    case PackedForm::kNVFP4:
      return product<UnpackNVFP4>(p, first, last);
    case PackedForm::kQ2_K:
      return product<UnpackQ2_K>(p, first, last);
    case PackedForm::kQ3_K:
      return product<UnpackQ3_K>(p, first, last);
    case PackedForm::kQ4_K:
      return product<UnpackQ4_K>(p, first, last);
    case PackedForm::kQ5_K:
      return product<UnpackQ5_K>(p, first, last);
    case PackedForm::kQ6_K:
      return product<UnpackQ6_K>(p, first, last);
    case PackedForm::kIQ4_XS:
      return product<UnpackIQ4_XS>(p, first, last);
    default:
      break;
  }
}

}  // namespace nemotron::kernels::avx512
#endif
