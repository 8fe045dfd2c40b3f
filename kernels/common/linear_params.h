// y = x W^T: the shapes of a matrix product with a stored weight, for all levels and types.
#pragma once

#include <cstdint>

#include "quant/tensor_type.h"

namespace nemotron::kernels {

// Every output element is one dot product over k in an order that depends on (level, type, n_in)
// alone: n_rows, the range of outputs and the thread never change it.
struct LinearParams {
  const void* weight = nullptr;  // [n_out, n_in], rows of blocks of `type`, row_bytes apart
  TensorType type = TensorType::kF32;
  std::int64_t row_bytes = 0;
  std::int64_t n_in = 0;
  const float* x = nullptr;  // [n_rows, n_in], contiguous
  std::int64_t n_rows = 0;
  float* y = nullptr;  // [n_rows, y_stride]; column j is output j
  std::int64_t y_stride = 0;
};

// Rows of a table by index, as floats: the embedding.
struct EmbedParams {
  const void* table = nullptr;  // [n_vocab, n_columns], rows of blocks of `type`, row_bytes apart
  TensorType type = TensorType::kF32;
  std::int64_t row_bytes = 0;
  std::int64_t n_columns = 0;
  const std::int32_t* tokens = nullptr;  // [n_rows]
  float* out = nullptr;                  // [n_rows, n_columns]
};

}  // namespace nemotron::kernels
