// Quantized weights times int8 activations. Per output and block of 32 columns: an exact integer
// dot product (vpdpbusd), then fixed f32 operations that end in one FMA into the output's only sum,
// blocks ascending. So rows, ranges and the two ways of getting at the codes (below) agree to the
// bit.
//
// Few rows: codes are unpacked in registers and meet every row. Many rows: a tile is unpacked once
// into the scratch, which stays in the second-level cache, and meets sixteen rows at a time.
#if defined(__x86_64__)
#include "kernels/cpu/avx512/linear_int8.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "kernels/cpu/avx512/unpack.h"

namespace nemotron::kernels::avx512 {

namespace {

// Sums of 8 rows, 8 vectors of codes and what one row needs fit into the 32 registers.
constexpr int kStreamedRows = 8;
constexpr int kUnpackedRows = 16;

// The rows that a call computes, at one block.
struct RowBlock {
  const std::int8_t* q;
  const float* scale;
  const PreparedInt8::Sums* sums;
};

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
                                    const RowBlock& x, int row) {
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
  std::int64_t n_rows;     // of the whole input
  std::int64_t first_row;  // of this product
  std::int64_t n_blocks;
  float* y;  // of the first row, at the tile's first output
  std::int64_t y_stride;
  __mmask16 outputs;  // of the tile that exist
  // What the next tile's unpacking will read, fetched while this one is multiplied: so many bytes
  // per block. A prefill waits for memory at no other place.
  const std::byte* next = nullptr;
  std::int64_t next_bytes = 0;

  RowBlock at(std::int64_t block) const {
    const std::int64_t i = block * n_rows + first_row;
    return {x.q + i * kBlockColumns, x.scale + i, x.sums + i};
  }
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
      const RowBlock x = rows.at(b);
      prefetch_ahead<kLayout.block_bytes>(block);
#pragma GCC unroll 16
      for (int r = 0; r < kRows; ++r) sum[r] = add_block<Unpack::kMode>(sum[r], codes, w, x, r);
      block += kLayout.block_bytes;
    }
    tile += kLayout.group_bytes();
  }
  store_sums<kRows>(rows, sum);
}

// A block of a tile in the scratch.
struct alignas(64) UnpackedBlock {
  std::byte codes[8 * kVectorBytes];
  float a[kTileRows];
  float b[kTileRows];
};

template <class Unpack>
NEMO_TARGET_AVX512 void unpack_tile(const std::byte* tile, std::int64_t n_blocks,
                                    UnpackedBlock* out) {
  constexpr PackedLayout kLayout = Unpack::kLayout;
  for (std::int64_t first = 0; first < n_blocks; first += kLayout.blocks_per_group) {
    const auto header = Unpack::header(tile);
    const std::byte* block = tile + kLayout.header_bytes;
    for (std::int64_t b = 0; b < kLayout.blocks_per_group; ++b, ++out) {
      Codes codes;
      Unpack::codes(block, codes);
#pragma GCC unroll 8
      for (int q = 0; q < 8; ++q) _mm512_store_si512(out->codes + q * kVectorBytes, codes.quad[q]);
      const Factors w = Unpack::factors(block, header);
      _mm512_store_ps(out->a, w.a);
      _mm512_store_ps(out->b, w.b);
      block += kLayout.block_bytes;
    }
    tile += kLayout.group_bytes();
  }
}

// kRows rows times an unpacked tile.
template <CodeMode kMode, int kRows>
NEMO_TARGET_AVX512 void unpacked_tile(const UnpackedBlock* blocks, const ProductRows& rows) {
  __m512 sum[kRows];
#pragma GCC unroll 16
  for (int r = 0; r < kRows; ++r) sum[r] = _mm512_setzero_ps();
  for (std::int64_t b = 0; b < rows.n_blocks; ++b) {
    const UnpackedBlock& block = blocks[b];
    Codes codes;
#pragma GCC unroll 8
    for (int q = 0; q < 8; ++q) codes.quad[q] = load(block.codes, q);
    const Factors w{_mm512_load_ps(block.a), _mm512_load_ps(block.b)};
    const RowBlock x = rows.at(b);
    for (std::int64_t i = 0; i < rows.next_bytes; i += kVectorBytes)
      _mm_prefetch(reinterpret_cast<const char*>(rows.next + b * rows.next_bytes + i), _MM_HINT_T1);
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r) sum[r] = add_block<kMode>(sum[r], codes, w, x, r);
  }
  store_sums<kRows>(rows, sum);
}

// Function [n - 1] takes n rows.
template <class Unpack, std::size_t... kIndex>
constexpr auto stream_table(std::index_sequence<kIndex...>) {
  return std::array{&stream_tile<Unpack, static_cast<int>(kIndex) + 1>...};
}
template <CodeMode kMode, std::size_t... kIndex>
constexpr auto unpacked_table(std::index_sequence<kIndex...>) {
  return std::array{&unpacked_tile<kMode, static_cast<int>(kIndex) + 1>...};
}

// Bytes to fetch per block so that all of a tile has come when the rows are done.
std::int64_t prefetch_step(std::int64_t tile_bytes, const ProductRows& rows) {
  const std::int64_t n_calls = (rows.n_rows + kUnpackedRows - 1) / kUnpackedRows;
  const std::int64_t per_block = tile_bytes / (n_calls * rows.n_blocks) + 1;
  return (per_block + kVectorBytes - 1) / kVectorBytes * kVectorBytes;
}

template <class Unpack>
void product(const LinearParams& p, std::int64_t first, std::int64_t last, void* scratch) {
  static constexpr auto kStream = stream_table<Unpack>(std::make_index_sequence<kStreamedRows>());
  static constexpr auto kUnpacked =
      unpacked_table<Unpack::kMode>(std::make_index_sequence<kUnpackedRows>());
  const PreparedInt8 x(const_cast<void*>(p.prepared), p.n_rows, p.n_in);
  ProductRows rows{x, p.n_rows, 0, p.n_in / kBlockColumns, nullptr, p.y_stride, 0};
  const std::int64_t tile_size = Unpack::kLayout.tile_bytes(p.n_in);
  for (std::int64_t j = first; j < last; j += kTileRows) {
    const std::byte* tile = static_cast<const std::byte*>(p.weight) + j / kTileRows * tile_size;
    rows.outputs =
        last - j >= kTileRows ? __mmask16{0xffff} : static_cast<__mmask16>((1u << (last - j)) - 1u);
    rows.first_row = 0;
    rows.y = p.y + j;
    if (p.n_rows <= kStreamedRows) {
      kStream[static_cast<std::size_t>(p.n_rows - 1)](tile, rows);
      continue;
    }
    auto* unpacked = static_cast<UnpackedBlock*>(scratch);
    unpack_tile<Unpack>(tile, rows.n_blocks, unpacked);
    rows.next = tile + tile_size;
    rows.next_bytes = j + kTileRows < last ? prefetch_step(tile_size, rows) : 0;
    while (rows.first_row < p.n_rows) {
      const std::int64_t n = std::min<std::int64_t>(kUnpackedRows, p.n_rows - rows.first_row);
      rows.y = p.y + rows.first_row * p.y_stride + j;
      kUnpacked[static_cast<std::size_t>(n - 1)](unpacked, rows);
      rows.first_row += n;
      rows.next += rows.n_blocks * rows.next_bytes;
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

std::int32_t float_bits(float value) {
  std::int32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}

PreparedInt8::Sums sums_for(PackedForm form, std::int32_t first_half, std::int32_t second_half) {
  switch (form) {
    case PackedForm::kQ8_0:
    case PackedForm::kIQ4_NL:
      return {-128 * (first_half + second_half), 0};
    case PackedForm::kQ5_0:
      return {-16 * (first_half + second_half), 0};
    case PackedForm::kQ4_0:
      return {-8 * (first_half + second_half), 0};
    case PackedForm::kQ4_K:
      return {float_bits(static_cast<float>(first_half + second_half)), 0};
    case PackedForm::kQ6_K:
      return {-32 * first_half, -32 * second_half};
    case PackedForm::kBF16:
    case PackedForm::kF8:
    case PackedForm::kNone:
      break;
  }
  return {0, 0};
}

}  // namespace

std::int64_t int8_scratch_bytes(std::int64_t n_in) {
  return n_in / kBlockColumns * static_cast<std::int64_t>(sizeof(UnpackedBlock));
}

NEMO_TARGET_AVX512 void prepare_int8(const PrepareParams& p, PackedForm form, std::int64_t first,
                                     std::int64_t last) {
  constexpr float kTooSmall = 1e-30f;  // its inverse would overflow; such a block counts as zero
  const PreparedInt8 out(p.prepared, p.n_rows, p.n_in);
  for (std::int64_t b = first; b < last; ++b) {
    for (std::int64_t r = 0; r < p.n_rows; ++r) {
      const float* x = p.x + r * p.n_in + b * kBlockColumns;
      const __m512 low = _mm512_loadu_ps(x);
      const __m512 high = _mm512_loadu_ps(x + kLanes);
      const float max = max_magnitude(low, high);
      const bool is_zero = max < kTooSmall;
      const __m512 inverse = _mm512_set1_ps(is_zero ? 0.0f : 127.0f / max);
      const __m512i q_low = rounded(_mm512_mul_ps(low, inverse));
      const __m512i q_high = rounded(_mm512_mul_ps(high, inverse));
      const std::int64_t i = b * p.n_rows + r;
      auto* q = reinterpret_cast<__m128i*>(out.q + i * kBlockColumns);
      _mm_storeu_si128(q, _mm512_cvtsepi32_epi8(q_low));
      _mm_storeu_si128(q + 1, _mm512_cvtsepi32_epi8(q_high));
      out.scale[i] = is_zero ? 0.0f : max / 127.0f;
      out.sums[i] = sums_for(form, _mm512_reduce_add_epi32(q_low), _mm512_reduce_add_epi32(q_high));
    }
  }
}

void linear_int8(const LinearParams& p, PackedForm form, std::int64_t first, std::int64_t last,
                 void* scratch) {
  switch (form) {
    case PackedForm::kQ8_0:
      return product<UnpackQ8_0>(p, first, last, scratch);
    case PackedForm::kQ5_0:
      return product<UnpackQ5_0>(p, first, last, scratch);
    case PackedForm::kQ4_0:
      return product<UnpackQ4_0>(p, first, last, scratch);
    case PackedForm::kIQ4_NL:
      return product<UnpackIQ4_NL>(p, first, last, scratch);
    case PackedForm::kQ4_K:
      return product<UnpackQ4_K>(p, first, last, scratch);
    case PackedForm::kQ6_K:
      return product<UnpackQ6_K>(p, first, last, scratch);
    case PackedForm::kBF16:
    case PackedForm::kF8:
    case PackedForm::kNone:
      break;
  }
}

}  // namespace nemotron::kernels::avx512
#endif
