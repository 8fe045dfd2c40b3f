// How weights lie in device memory for products on tensor cores: tiles of 16 rows, and in a tile
// chunks of 64 columns, each in the order in which the lanes of a warp read it. Lane i has rows
// g = i / 4 and g + 8 of the tile and, of each 16 columns, the four from 4 (i % 4): the elements of
// an mma fragment up to an order of the columns, which prepared_rows.cuh shares.
//
// A chunk is, in words of 32 bits:
//   codes    [planes][32 lanes][4]: 16 bits: plane h is columns 16 h to 16 h + 15: words of row g,
//   of
//            row g + 8, and the same of the next two columns. 8 bits: plane p is columns 32 p to 32
//            p + 31: a word of row g for each 16, then of row g + 8. 4 bits and more: one plane, of
//            row g a word for each 32 columns, then of row g + 8; low nibbles are the first 16
//            columns, high ones the others
//   high     bits above four: [16 rows][2], bit j of a word is that of column j of 32 (5 bits), or
//            [16 rows][4], bits 2 j and 2 j + 1 are those of column j of 16 (6 bits)
//   scales   [16 rows][words]: as ScaleForm says
// Rows and columns that the matrix does not have are zeros.
#pragma once

#include <cstdint>

#include "kernels/cuda/launch_shapes.h"
#include "quant/tensor_type.h"

namespace nemotron::kernels::cuda {

inline constexpr int kTileRows = 16;

enum class ScaleForm : std::uint8_t {
  kNone,         // BF16, FP8
  kHalves,       // f16 scale of each 32
  kHalvesMins,   // the same, then f16 of what is added to each 32
  kBytes32,      // f16 d, unused; signed bytes for each 32
  kBytesMins32,  // f16 d, f16 dmin; a byte for each 32, then the minimums' bytes
  kBytes16,      // f16 d, unused; a signed byte for each 16
  kNibbles16,    // f16 d, f16 dmin; for each 16 a nibble, and above it the minimum's
  kFp4,          // a byte of E4M3 for each 16
};

struct PackedForm {
  int code_bits;  // 16, 8, 6, 5, 4; 0: not packed
  ScaleForm scales;
  int offset;  // taken from a code to get the integer; table: the code says which
  bool is_table;
};

constexpr PackedForm packed_form(TensorType type) {
  switch (type) {
    case TensorType::kF32:
    case TensorType::kF16:
      return {0, ScaleForm::kNone, 0, false};
    case TensorType::kBF16:
      return {16, ScaleForm::kNone, 0, false};
    case TensorType::kF8_E4M3:
      return {8, ScaleForm::kNone, 0, true};
    case TensorType::kQ4_0:
      return {4, ScaleForm::kHalves, 8, false};
    case TensorType::kQ4_1:
      return {4, ScaleForm::kHalvesMins, 0, false};
    case TensorType::kQ5_0:
      return {5, ScaleForm::kHalves, 16, false};
    case TensorType::kQ5_1:
      return {5, ScaleForm::kHalvesMins, 0, false};
    case TensorType::kQ8_0:
      return {8, ScaleForm::kHalves, 0, false};
    case TensorType::kQ2_K:
      return {4, ScaleForm::kNibbles16, 0, false};
    case TensorType::kQ3_K:
      return {4, ScaleForm::kBytes16, 4, false};
    case TensorType::kQ4_K:
      return {4, ScaleForm::kBytesMins32, 0, false};
    case TensorType::kQ5_K:
      return {5, ScaleForm::kBytesMins32, 0, false};
    case TensorType::kQ6_K:
      return {6, ScaleForm::kBytes16, 32, false};
    case TensorType::kIQ4_NL:
      return {4, ScaleForm::kHalves, 0, true};
    case TensorType::kIQ4_XS:
      return {4, ScaleForm::kBytes32, 0, true};
    case TensorType::kNVFP4:
      return {4, ScaleForm::kFp4, 0, true};
  }
  return {0, ScaleForm::kNone, 0, false};
}

constexpr bool is_packed_type(TensorType type) { return packed_form(type).code_bits > 0; }

constexpr int scale_words(ScaleForm form) {  // of a row
  if (form == ScaleForm::kNone) return 0;
  return form == ScaleForm::kHalves || form == ScaleForm::kFp4 ? 1 : 2;
}
constexpr int high_words(int code_bits) { return code_bits == 5 ? 2 : code_bits == 6 ? 4 : 0; }
constexpr int code_planes(int code_bits) { return code_bits == 16 ? 4 : code_bits == 8 ? 2 : 1; }

// In bytes, from the chunk's beginning.
constexpr int high_offset(TensorType type) {
  return 512 * code_planes(packed_form(type).code_bits);
}
constexpr int scales_offset(TensorType type) {
  return high_offset(type) + 4 * kTileRows * high_words(packed_form(type).code_bits);
}
constexpr int chunk_bytes(TensorType type) {
  return scales_offset(type) + 4 * kTileRows * scale_words(packed_form(type).scales);
}

constexpr std::int64_t packed_chunks(std::int64_t n_columns) {
  return prepared_stride(n_columns) / kChunkColumns;
}
constexpr std::int64_t packed_tiles(std::int64_t n_rows) {
  return prepared_stride(n_rows) / kTileRows;
}
constexpr std::int64_t packed_bytes(TensorType type, std::int64_t n_rows, std::int64_t n_columns) {
  return packed_tiles(n_rows) * packed_chunks(n_columns) * chunk_bytes(type);
}

}  // namespace nemotron::kernels::cuda
