// What products on tensor cores have in common: the order of sums, a warp's tile of them, and what
// is stored of a sum. Each sum has one order, whatever the number of rows and the kernel: columns
// ascending, 16 at a time, in parts that depend on the shape alone, which are added ascending.
// Weights are exact, scales are applied in f32 to the sums over the columns that share them; only x
// was rounded, to bf16, or for the weights of f8_chunk.cuh to E4M3.
#pragma once

#include <algorithm>
#include <cmath>

#include "kernels/cuda/kernel_args.h"
#include "kernels/cuda/packed_chunk.cuh"
#include "kernels/cuda/prepared_rows.cuh"

namespace nemotron::kernels::cuda {

struct ChunkRange {
  int begin;
  int end;
};

// Of the columns' chunks.
__device__ inline ChunkRange part_range(const PackedLinearArgs& p, int part) {
  const int n = static_cast<int>(packed_chunks(p.n_in));
  return {n * part / p.n_parts, n * (part + 1) / p.n_parts};
}

// Of a row of x.
template <typename Weights>
__device__ inline std::int64_t row_bytes(const PackedLinearArgs& p) {
  return prepared_stride(p.n_in) / 2 * Weights::kRowWords;
}

// A warp's sums of kOutputs tiles of 16 outputs times kRows tiles of 8 rows of x. Of tile pair
// (m, n) a lane has sum i of output 16 m + lane / 4 + 8 (i / 2), row 8 n + 2 (lane % 4) + i % 2.
template <typename Weights, int kOutputs, int kRows>
struct TileSums {
  float sums[kOutputs][kRows][4];

  __device__ void clear() {
    NEMO_UNROLL_ALL
    for (auto& output : sums) NEMO_UNROLL_ALL
    for (auto& row : output) NEMO_UNROLL_ALL
    for (float& sum : row) sum = 0.0f;
  }

  // The first or second 32 columns of a chunk; rows(n) are this lane's words of tile n.
  template <typename Rows>
  __device__ void add_block(const Weights (&weights)[kOutputs], const Rows& rows, int block) {
    NEMO_UNROLL_ALL
    for (int i = 0; i < Weights::kFragments; i += Weights::kGroup)
      add_group(weights, rows, Weights::kFragments * block + i);
  }

 private:
  // The fragments whose columns share a scale, from `first` on.
  template <typename Rows>
  __device__ void add_group(const Weights (&weights)[kOutputs], const Rows& rows, int first) {
    std::uint32_t a[kOutputs][Weights::kGroup][4];
    NEMO_UNROLL_ALL
    for (int m = 0; m < kOutputs; ++m) NEMO_UNROLL_ALL
    for (int i = 0; i < Weights::kGroup; ++i) weights[m].fragment(first + i, a[m][i]);
    NEMO_UNROLL_ALL
    for (int n = 0; n < kRows; ++n) {
      const Words<Weights::kRowWords> row = rows(n);
      float x_sums[4] = {};  // for all outputs: minimums are taken from each x
      if constexpr (Weights::kHasMins) add_ones(row, first, x_sums);
      NEMO_UNROLL_ALL
      for (int m = 0; m < kOutputs; ++m) {
        if constexpr (Weights::kFromZero) {
          float products[4] = {};
          multiply(a[m], row, first, products);
          add_scaled(weights[m], products, first, sums[m][n]);
        } else {
          multiply(a[m], row, first, sums[m][n]);
        }
        if constexpr (Weights::kHasMins) subtract_mins(weights[m], x_sums, first, sums[m][n]);
      }
    }
  }

  __device__ static void multiply(const std::uint32_t (&a)[Weights::kGroup][4],
                                  const Words<Weights::kRowWords>& row, int first,
                                  float (&into)[4]) {
    NEMO_UNROLL_ALL
    for (int i = 0; i < Weights::kGroup; ++i) {
      const int half = (first + i) % Weights::kFragments;
      Weights::multiply(into, a[i], {row.word[2 * half], row.word[2 * half + 1]});
    }
  }

  // The sums of x are a product with ones.
  __device__ static void add_ones(const Words<Weights::kRowWords>& row, int first,
                                  float (&x_sums)[4]) {
    std::uint32_t ones[Weights::kGroup][4];
    NEMO_UNROLL_ALL
    for (auto& a : ones) NEMO_UNROLL_ALL
    for (std::uint32_t& pair : a) pair = kPairOfOnes;
    multiply(ones, row, first, x_sums);
  }

  __device__ static void add_scaled(const Weights& weights, const float (&products)[4], int first,
                                    float (&sums)[4]) {
    NEMO_UNROLL_ALL
    for (int i = 0; i < 4; ++i) sums[i] = fmaf(products[i], weights.scale(i / 2, first), sums[i]);
  }

  __device__ static void subtract_mins(const Weights& weights, const float (&x_sums)[4], int first,
                                       float (&sums)[4]) {
    NEMO_UNROLL_ALL
    for (int i = 0; i < 4; ++i) sums[i] = fmaf(-weights.min(i / 2, first), x_sums[i], sums[i]);
  }
};

// What is stored of a sum. `output` may lie behind the last one, where weights are zeros.
__device__ inline void store(const PackedLinearArgs& p, std::int64_t row, std::int64_t output,
                             float sum) {
  if (row >= p.n_rows) return;
  float value = sum * p.scale;
  if (p.epilogue == Epilogue::kRelu2) {
    const float positive = std::max(value, 0.0f);
    value = positive * positive;
    if (output < prepared_stride(p.n_out))
      prepared_row(p.y_prepared, row, p.n_out)[prepared_index(output)] = float_to_bf16(value);
  }
  if (output >= p.n_out) return;
  float& y = p.y[row * p.y_stride + output];
  y = p.epilogue == Epilogue::kAdd ? y + value : value;
}

}  // namespace nemotron::kernels::cuda
