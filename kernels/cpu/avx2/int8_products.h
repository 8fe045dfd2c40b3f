// Quantized weights times int8 activations. Per output and block of 32 columns: an exact integer
// dot product, then fixed f32 operations that end in one FMA into the output's only sum, blocks
// ascending: those of `avx512`, so that both levels agree to the bit.
//
// Included by one file for each way to take the dot product, linear_int8*.cpp: they define
// NEMO_TARGET_INT8, the instruction sets, NEMO_INLINE_INT8, and
//   dot<Unpack, kFirst, kLast>(start, codes, q)   start + the products of quads kFirst to kLast - 1
//
// The codes of half a tile are eight of the sixteen registers; they meet one row after another,
// whose sums are in memory, up to kMostRows of them. Of more rows, so many at a time pass a tile.
#include <algorithm>
#include <cstring>

#include "kernels/cpu/avx2/unpack_k.h"
#include "kernels/cpu/prefetch.h"

namespace nemotron::kernels::avx2 {

namespace {

constexpr int kMostRows = 16;

template <class Unpack>
NEMO_INLINE_INT8 __m256 add_block(__m256 sum, const Codes& codes, const Factors& w,
                                  const PreparedInt8::Rows& x, std::int64_t row) {
  const std::int8_t* q = x.q + row * kBlockColumns;
  const __m256 scale = _mm256_set1_ps(x.scale[row]);
  const __m256i start = _mm256_set1_epi32(x.sums[row].a);
  const __m256i zero = _mm256_setzero_si256();
  if constexpr (Unpack::kMode == CodeMode::kOffset) {
    const __m256 u = _mm256_cvtepi32_ps(dot<Unpack, 0, 8>(start, codes, q));
    return _mm256_fmadd_ps(u, _mm256_mul_ps(w.a, scale), sum);
  } else if constexpr (Unpack::kMode == CodeMode::kMinimum) {
    const __m256 u = _mm256_cvtepi32_ps(dot<Unpack, 0, 8>(zero, codes, q));
    const __m256 v = _mm256_fnmadd_ps(w.b, _mm256_castsi256_ps(start), _mm256_mul_ps(u, w.a));
    return _mm256_fmadd_ps(v, scale, sum);
  } else if constexpr (Unpack::kMode == CodeMode::kHalvesMinimum) {
    const __m256 second = _mm256_castsi256_ps(_mm256_set1_epi32(x.sums[row].b));
    const __m256 u = _mm256_cvtepi32_ps(dot<Unpack, 0, 4>(zero, codes, q));
    const __m256 v = _mm256_cvtepi32_ps(dot<Unpack, 4, 8>(zero, codes, q));
    const __m256 both = _mm256_fmadd_ps(v, w.b, _mm256_mul_ps(u, w.a));
    const __m256 less = _mm256_fnmadd_ps(w.c, _mm256_castsi256_ps(start), both);
    return _mm256_fmadd_ps(_mm256_fnmadd_ps(w.d, second, less), scale, sum);
  } else {
    const __m256i second = _mm256_set1_epi32(x.sums[row].b);
    const __m256 u = _mm256_cvtepi32_ps(dot<Unpack, 0, 4>(start, codes, q));
    const __m256 v = _mm256_cvtepi32_ps(dot<Unpack, 4, 8>(second, codes, q));
    return _mm256_fmadd_ps(_mm256_fmadd_ps(v, w.b, _mm256_mul_ps(u, w.a)), scale, sum);
  }
}

// Where the rows of a product are read and its outputs go.
struct ProductRows {
  const PreparedInt8& x;
  std::int64_t first_row;  // of this product
  std::int64_t n_blocks;
  float* y;  // of the first row, at the tile's first output
  std::int64_t y_stride;
  std::int64_t n_outputs;  // from the tile's first
};

// Up to kMostRows rows times a packed tile.
template <class Unpack>
NEMO_TARGET_INT8 void multiply_tile(const std::byte* tile, const ProductRows& rows,
                                    std::int64_t n_rows) {
  constexpr PackedLayout kLayout = Unpack::kLayout;
  constexpr std::int64_t kHalfBlock = kLayout.block_bytes / 2;
  __m256 sums[2][kMostRows];
  for (std::int64_t r = 0; r < n_rows; ++r) sums[0][r] = sums[1][r] = _mm256_setzero_ps();
  for (std::int64_t first = 0; first < rows.n_blocks; first += kLayout.blocks_per_group) {
    for (int half = 0; half < 2; ++half) {
      const auto header = Unpack::header(tile, half);
      const std::byte* block = tile + kLayout.header_bytes;
      for (std::int64_t b = first; b < first + kLayout.blocks_per_group; ++b) {
        Codes codes;
        Unpack::codes(block, half, codes);
        const Factors w = Unpack::factors(block, half, header);
        const PreparedInt8::Rows x = rows.x.rows_at(b, rows.first_row);
        prefetch_ahead<kHalfBlock>(block + half * kHalfBlock);
        for (std::int64_t r = 0; r < n_rows; ++r)
          sums[half][r] = add_block<Unpack>(sums[half][r], codes, w, x, r);
        block += kLayout.block_bytes;
      }
    }
    tile += kLayout.group_bytes();
  }
  for (int half = 0; half < 2; ++half) {
    const __m256i outputs = lanes_from(half * kLanes, rows.n_outputs);
    for (std::int64_t r = 0; r < n_rows; ++r)
      _mm256_maskstore_ps(rows.y + r * rows.y_stride + half * kLanes, outputs, sums[half][r]);
  }
}

template <class Unpack>
void product(const LinearParams& p, std::int64_t first, std::int64_t last) {
  const PreparedInt8 x(const_cast<void*>(p.prepared), p.n_rows, p.n_in);
  ProductRows rows{x, 0, p.n_in / kBlockColumns, nullptr, p.y_stride, 0};
  const std::int64_t tile_bytes = Unpack::kLayout.tile_bytes(p.n_in);
  const std::byte* tile = static_cast<const std::byte*>(p.weight) + first / kTileRows * tile_bytes;
  for (std::int64_t j = first; j < last; j += kTileRows, tile += tile_bytes) {
    rows.n_outputs = last - j;
    for (rows.first_row = 0; rows.first_row < p.n_rows; rows.first_row += kMostRows) {
      rows.y = p.y + rows.first_row * p.y_stride + j;
      multiply_tile<Unpack>(tile, rows,
                            std::min<std::int64_t>(kMostRows, p.n_rows - rows.first_row));
    }
  }
}

void product_of(PackedForm form, const LinearParams& p, std::int64_t first, std::int64_t last) {
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

}  // namespace

}  // namespace nemotron::kernels::avx2
