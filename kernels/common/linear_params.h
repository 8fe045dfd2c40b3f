// y = x W^T: the shapes of a matrix product with a stored weight, for all levels and types.
//
// A level may keep a weight in an order of its own: the rows of a file go through pack_tile,
// sixteen outputs at a time. It may also want its input in another form: prepare writes it, once
// per product.
#pragma once

#include <cstdint>

#include "quant/tensor_type.h"

namespace nemotron::kernels {

// Outputs that are packed together. Ranges of outputs begin at a multiple of it.
inline constexpr std::int64_t kTileRows = 16;

// Of which arithmetic the multiplications of a product are.
enum class Arithmetic : std::uint8_t { kF32, kBF16, kInt8 };

// Columns that `prepare` treats together.
inline constexpr std::int64_t kPrepareColumns = 32;

struct PackTileParams {
  TensorType type = TensorType::kF32;
  const void* rows = nullptr;  // [n_rows, n_in] as in a file, at any address
  std::int64_t n_rows = 0;     // 1 to kTileRows; missing rows become zeros
  std::int64_t n_in = 0;
  void* tile = nullptr;  // tile_bytes(type, n_in), aligned to 64
  // kTileRows rows that will be packed next: a level may bring them near meanwhile. Or null.
  const void* next_rows = nullptr;
};

struct PrepareParams {
  TensorType type = TensorType::kF32;  // of the weight that x will meet
  const float* x = nullptr;            // [n_rows, n_in], contiguous
  std::int64_t n_rows = 0;
  std::int64_t n_in = 0;
  // > 0: x / input_scale is rounded to E4M3, saturating (static FP8); outputs are then in multiples
  // of it. Types other than F8_E4M3 have none.
  float input_scale = 0.0f;
  void* prepared = nullptr;  // prepared_bytes(type, n_rows, n_in), aligned to 64
};

// Every output element is one dot product over k in an order that depends on (level, type, n_in)
// alone: n_rows, the range of outputs and the thread never change it.
struct LinearParams {
  const void* weight = nullptr;  // tiles of kTileRows outputs, tile_bytes(type, n_in) each
  TensorType type = TensorType::kF32;
  std::int64_t n_out = 0;
  std::int64_t n_in = 0;
  const float* x = nullptr;        // [n_rows, n_in], contiguous
  const void* prepared = nullptr;  // the same as prepare() wrote it, where the level asks for it
  std::int64_t n_rows = 0;
  float* y = nullptr;  // [n_rows, y_stride]; column j is output j
  std::int64_t y_stride = 0;
};

// Rows of a table by index, as floats: the embedding.
struct EmbedParams {
  // [n_vocab, n_columns] as in a file, row_bytes apart, at any address
  const void* table = nullptr;
  TensorType type = TensorType::kF32;
  std::int64_t row_bytes = 0;
  std::int64_t n_columns = 0;
  const std::int32_t* tokens = nullptr;  // [n_rows]
  float* out = nullptr;                  // [n_rows, n_columns]
};

// Bytes of n elements of a row.
inline std::int64_t row_bytes(TensorType type, std::int64_t n) {
  const TensorTypeTraits& t = traits(type);
  return n / t.block_elements * t.block_bytes;
}

}  // namespace nemotron::kernels
