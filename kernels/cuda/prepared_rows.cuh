// Rows as products on tensor cores read them: bf16, padded with zeros to whole chunks of 64
// columns, and in each 32 columns the order 0..3, 16..19, 4..7, 20..23, ... : the eight that a lane
// needs for two fragments lie in one place. For products of E4M3 instructions rows are bytes in
// the same order.
#pragma once

#include <cstdint>

#include "base/float_types.h"
#include "kernels/cuda/device.cuh"
#include "kernels/cuda/launch_shapes.h"

namespace nemotron::kernels::cuda {

// Where a column is in its row.
__device__ inline std::int64_t prepared_index(std::int64_t column) {
  const std::int64_t block = column / 32 * 32;
  const std::int64_t j = column % 32;
  return block + 8 * (j % 16 / 4) + 4 * (j / 16) + j % 4;
}

// Row `row` of rows of n_columns.
__device__ inline bf16_bits* prepared_row(bf16_bits* prepared, std::int64_t row,
                                          std::int64_t n_columns) {
  return prepared + row * prepared_stride(n_columns);
}

// The threads of a block together: zeros behind the last column of a row.
__device__ inline void clear_behind(bf16_bits* prepared_row, std::int64_t n_columns) {
  for (std::int64_t c = n_columns + threadIdx.x; c < prepared_stride(n_columns); c += blockDim.x)
    prepared_row[prepared_index(c)] = 0;
}

}  // namespace nemotron::kernels::cuda
