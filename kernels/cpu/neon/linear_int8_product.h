// Quantized weights times int8 activations, over a way to multiply bytes (Dot). Per output and
// block of 32 columns: an exact integer dot product, then fixed f32 operations that end in one FMA
// into the output's only sum, blocks ascending. So rows, ranges and ways agree to the bit.
//
// Codes of four outputs are unpacked in registers and meet as many rows as the registers allow
// (Dot::kMostRows). Of more rows, so many at a time pass as many tiles as the second-level cache
// holds.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <utility>

#include "kernels/cpu/neon/linear_int8.h"
#include "kernels/cpu/neon/unpack.h"

namespace nemotron::kernels::neon {

// 64 outputs of 4096 columns are 148 KiB in Q4_K; their eight rows 44.
inline constexpr std::int64_t kPassOutputs = 64;

template <PackedForm kForm, class Dot>
NEMO_INLINE_NEON float32x4_t add_block(float32x4_t sum, const Codes& codes, const Factors& w,
                                       const PreparedInt8::Rows& x, int row) {
  const int8x16_t q[2] = {vld1q_s8(x.q + row * kBlockColumns),
                          vld1q_s8(x.q + row * kBlockColumns + kVectorBytes)};
  const float scale = x.scale[row];
  const PreparedInt8::Sums& sums = x.sums[row];
  const int32x4_t zero = vdupq_n_s32(0);
  constexpr bool kHasOffset = kForm.meaning.offset != 0;
  if constexpr (kForm.meaning.mode == CodeMode::kOffset) {
    const int32x4_t start = kHasOffset ? vdupq_n_s32(sums.a) : zero;
    const float32x4_t u = vcvtq_f32_s32(Dot::block(start, codes, q));
    return vfmaq_f32(sum, u, vmulq_n_f32(w.a, scale));
  } else if constexpr (kForm.meaning.mode == CodeMode::kMinimum) {
    const float32x4_t u = vcvtq_f32_s32(Dot::block(zero, codes, q));
    const float32x4_t less = vfmsq_n_f32(vmulq_f32(u, w.a), w.b, std::bit_cast<float>(sums.a));
    return vfmaq_n_f32(sum, less, scale);
  } else {
    const bool starts = kHasOffset && kForm.meaning.mode == CodeMode::kHalves;
    const int32x4_t first = starts ? vdupq_n_s32(sums.a) : zero;
    const int32x4_t second = starts ? vdupq_n_s32(sums.b) : zero;
    const float32x4_t u = vcvtq_f32_s32(Dot::half(first, codes.quad, q[0]));
    const float32x4_t v = vcvtq_f32_s32(Dot::half(second, codes.quad + 4, q[1]));
    float32x4_t both = vfmaq_f32(vmulq_f32(u, w.a), v, w.b);
    if constexpr (kForm.meaning.mode == CodeMode::kHalvesMinimum) {
      both = vfmsq_n_f32(both, w.c, std::bit_cast<float>(sums.a));
      both = vfmsq_n_f32(both, w.d, std::bit_cast<float>(sums.b));
    }
    return vfmaq_n_f32(sum, both, scale);
  }
}

// Where the rows of a product are read and its outputs go.
struct ProductRows {
  const PreparedInt8& x;
  std::int64_t first_row;  // of this product
  std::int64_t n_blocks;
  float* y;  // of the first row, at the strip's first output
  std::int64_t y_stride;
  std::int64_t n_outputs;  // of the strip that exist
};

NEMO_INLINE_NEON void store_outputs(float* y, float32x4_t sum, std::int64_t n) {
  if (n >= kStripOutputs) return vst1q_f32(y, sum);
  float outputs[kStripOutputs];
  vst1q_f32(outputs, sum);
  for (std::int64_t j = 0; j < n; ++j) y[j] = outputs[j];
}

// kRows rows times a packed strip.
template <TensorType kType, class Dot, int kRows>
void multiply_strip(const std::byte* strip, const ProductRows& rows) {
  constexpr PackedForm kForm = packed_form(kType);
  float32x4_t sum[kRows];
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r) sum[r] = vdupq_n_f32(0.0f);
  for (std::int64_t first = 0; first < rows.n_blocks; first += kForm.blocks_per_group) {
    const Header header = load_header<kForm>(strip);
    strip += kForm.header_bytes();
    for (std::int64_t b = first; b < first + kForm.blocks_per_group; ++b) {
      const Codes codes = unpack_codes<kForm>(strip);
      const Factors w = load_factors<kForm>(strip, header);
      const PreparedInt8::Rows x = rows.x.rows_at(b, rows.first_row);
#pragma GCC unroll 8
      for (int r = 0; r < kRows; ++r) sum[r] = add_block<kForm, Dot>(sum[r], codes, w, x, r);
      strip += kForm.block_bytes();
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r) store_outputs(rows.y + r * rows.y_stride, sum[r], rows.n_outputs);
}

// Function [n - 1] takes n rows.
template <TensorType kType, class Dot, std::size_t... kIndex>
constexpr auto row_table(std::index_sequence<kIndex...>) {
  return std::array{&multiply_strip<kType, Dot, static_cast<int>(kIndex) + 1>...};
}

template <TensorType kType, class Dot>
void product(const LinearParams& p, std::int64_t first, std::int64_t last) {
  static constexpr auto kTable = row_table<kType, Dot>(std::make_index_sequence<Dot::kMostRows>());
  const PreparedInt8 x(const_cast<void*>(p.prepared), p.n_rows, p.n_in);
  ProductRows rows{x, 0, p.n_in / kBlockColumns, nullptr, p.y_stride, 0};
  const std::int64_t strip_bytes = packed_form(kType).strip_bytes(p.n_in);
  const auto* strips = static_cast<const std::byte*>(p.weight);
  for (std::int64_t pass = first; pass < last; pass += kPassOutputs) {
    const std::int64_t end = std::min(last, pass + kPassOutputs);
    for (rows.first_row = 0; rows.first_row < p.n_rows; rows.first_row += Dot::kMostRows) {
      const auto n = std::min<std::int64_t>(Dot::kMostRows, p.n_rows - rows.first_row);
      for (std::int64_t j = pass; j < end; j += kStripOutputs) {
        rows.y = p.y + rows.first_row * p.y_stride + j;
        rows.n_outputs = std::min(kStripOutputs, end - j);
        kTable[static_cast<std::size_t>(n - 1)](strips + j / kStripOutputs * strip_bytes, rows);
      }
    }
  }
}

template <class Dot>
void linear_int8(const LinearParams& p, std::int64_t first, std::int64_t last) {
  switch (p.type) {
    case TensorType::kQ8_0:
      return product<TensorType::kQ8_0, Dot>(p, first, last);
    case TensorType::kQ5_0:
      return product<TensorType::kQ5_0, Dot>(p, first, last);
    case TensorType::kQ5_1:
      return product<TensorType::kQ5_1, Dot>(p, first, last);
    case TensorType::kQ4_0:
      return product<TensorType::kQ4_0, Dot>(p, first, last);
    case TensorType::kQ4_1:
      return product<TensorType::kQ4_1, Dot>(p, first, last);
    case TensorType::kIQ4_NL:
      return product<TensorType::kIQ4_NL, Dot>(p, first, last);
    case TensorType::kNVFP4:
      return product<TensorType::kNVFP4, Dot>(p, first, last);
    case TensorType::kQ2_K:
      return product<TensorType::kQ2_K, Dot>(p, first, last);
    case TensorType::kQ3_K:
      return product<TensorType::kQ3_K, Dot>(p, first, last);
    case TensorType::kQ4_K:
      return product<TensorType::kQ4_K, Dot>(p, first, last);
    case TensorType::kQ5_K:
      return product<TensorType::kQ5_K, Dot>(p, first, last);
    case TensorType::kQ6_K:
      return product<TensorType::kQ6_K, Dot>(p, first, last);
    case TensorType::kIQ4_XS:
      return product<TensorType::kIQ4_XS, Dot>(p, first, last);
    default:
      break;
  }
}

}  // namespace nemotron::kernels::neon
