// Matrix products on tensor cores: packed weights (packed_layout.h) times prepared rows. Each sum
// has one order, whatever the number of rows and the kernel: columns ascending, 16 at a time, in
// parts that depend on the shape alone, which are added ascending. Weights are exact, scales are
// applied in f32 to the sums over the columns that share them; only x was rounded, to bf16. Where
// the device has instructions for it, E4M3 weights are multiplied with E4M3 inputs as they are.
#include <algorithm>
#include <cmath>

#include "kernels/cuda/f8_chunk.cuh"
#include "kernels/cuda/kernel_list.h"
#include "kernels/cuda/packed_chunk.cuh"
#include "kernels/cuda/prepared_rows.cuh"

namespace nemotron::kernels::cuda {

struct ChunkRange {
  std::int64_t begin;
  std::int64_t end;
};

// Of the columns' chunks.
__device__ inline ChunkRange part_range(const PackedLinearArgs& p, int part) {
  const std::int64_t n = packed_chunks(p.n_in);
  return {n * part / p.n_parts, n * (part + 1) / p.n_parts};
}

// A warp's sums of kOutputs tiles of 16 outputs times kRows tiles of 8 rows of x. Of tile pair
// (m, n) a lane has sum i of output 16 m + lane / 4 + 8 (i / 2), row 8 n + 2 (lane % 4) + i % 2.
template <typename Weights, int kOutputs, int kRows>
struct TileSums {
  static constexpr TensorType type = Weights::kType;
  float sums[kOutputs][kRows][4];

  __device__ void clear() {
    NEMO_UNROLL_ALL
    for (auto& output : sums) NEMO_UNROLL_ALL
    for (auto& row : output) NEMO_UNROLL_ALL
    for (float& sum : row) sum = 0.0f;
  }

  // From one row of x to the next, in steps of bf16 whatever they are.
  __device__ static std::int64_t row_stride(const PackedLinearArgs& p) {
    return prepared_stride(p.n_in) / (2 / Weights::kRowLoads);
  }
  // This lane's place in the first of eight rows of x.
  __device__ static const bf16_bits* lane_rows(const PackedLinearArgs& p, std::int64_t first_row) {
    const int lane = threadIdx.x % kWarp;
    return p.x + (first_row + lane / 4) * row_stride(p) + 8 * (lane % 4);
  }

  // `weight` is the first tile's beginning, `x` of lane_rows().
  __device__ void add(const PackedLinearArgs& p, const std::uint8_t* weight, const bf16_bits* x,
                      int n_tiles_left, std::int64_t n_rows_left, ChunkRange range) {
    const int lane = threadIdx.x % kWarp;
    const std::int64_t tile_bytes = packed_chunks(p.n_in) * chunk_bytes(type);
    const std::int64_t stride = row_stride(p);
    NEMO_UNROLL(1)
    for (std::int64_t chunk = range.begin; chunk < range.end; ++chunk) {
      Weights weights[kOutputs];
      NEMO_UNROLL_ALL
      for (int m = 0; m < kOutputs; ++m)
        if (m < n_tiles_left)
          weights[m].load(weight + m * tile_bytes + chunk * chunk_bytes(type), lane);
      NEMO_UNROLL_ALL
      for (int block = 0; block < Weights::kRowLoads; ++block) {
        Words<4> rows[kRows];
        NEMO_UNROLL_ALL
        for (int n = 0; n < kRows; ++n) {
          rows[n] =
              load_words_if<4>(8 * n + lane / 4 < n_rows_left,
                               x + 8 * n * stride + chunk * (32 * Weights::kRowLoads) + 32 * block);
        }
        add_block(weights, rows, block);
      }
    }
  }

 private:
  // Two fragments.
  __device__ void add_block(const Weights (&weights)[kOutputs], const Words<4> (&rows)[kRows],
                            int block) {
    NEMO_UNROLL_ALL
    for (int first = 2 * block; first < 2 * block + 2; first += Weights::kGroup) {
      NEMO_UNROLL_ALL
      for (int m = 0; m < kOutputs; ++m) add_group(weights[m], rows, first, sums[m]);
    }
  }

  // The fragments whose columns share a scale, from `first` on.
  __device__ static void add_group(const Weights& weights, const Words<4> (&rows)[kRows], int first,
                                   float (&sums)[kRows][4]) {
    std::uint32_t a[Weights::kGroup][4];
    NEMO_UNROLL_ALL
    for (int i = 0; i < Weights::kGroup; ++i) weights.fragment(first + i, a[i]);
    NEMO_UNROLL_ALL
    for (int n = 0; n < kRows; ++n) {
      float products[4] = {};
      float* into = Weights::kFromZero ? products : sums[n];
      NEMO_UNROLL_ALL
      for (int i = 0; i < Weights::kGroup; ++i) multiply(a[i], rows[n], first + i, into);
      if constexpr (Weights::kFromZero) {
        NEMO_UNROLL_ALL
        for (int i = 0; i < 4; ++i)
          sums[n][i] = fmaf(products[i], weights.scale(i / 2, first), sums[n][i]);
      }
      if constexpr (Weights::kHasMins) subtract_mins(weights, rows[n], first, sums[n]);
    }
  }

  __device__ static void multiply(const std::uint32_t (&a)[4], const Words<4>& row, int h,
                                  float* into) {
    const std::uint32_t b[2] = {row.word[2 * (h % 2)], row.word[2 * (h % 2) + 1]};
    Weights::multiply(*reinterpret_cast<float(*)[4]>(into), a, b);
  }

  // Minimums times the sums of x, which are a product with ones.
  __device__ static void subtract_mins(const Weights& weights, const Words<4>& row, int first,
                                       float (&sums)[4]) {
    constexpr std::uint32_t kOnes[4] = {kPairOfOnes, kPairOfOnes, kPairOfOnes, kPairOfOnes};
    float x_sums[4] = {};
    NEMO_UNROLL_ALL
    for (int i = 0; i < Weights::kGroup; ++i) multiply(kOnes, row, first + i, x_sums);
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

// A block to a tile of outputs (x) and kRows tiles of rows (y); a warp to a part of the columns.
template <TensorType type, int kRows, typename Weights = PackedChunk<type>>
__device__ void linear_few(const PackedLinearArgs& p) {
  __shared__ float parts[kMostParts][kRows][4][kWarp];
  const int lane = threadIdx.x % kWarp;
  const int part = threadIdx.x / kWarp;
  const std::int64_t tile = blockIdx.x;
  const std::int64_t first_row = std::int64_t{blockIdx.y} * 8 * kRows;
  const std::uint8_t* weight = p.weight + tile * packed_chunks(p.n_in) * chunk_bytes(type);
  TileSums<Weights, 1, kRows> part_sums;
  part_sums.clear();
  part_sums.add(p, weight, part_sums.lane_rows(p, first_row), 1, p.n_rows - first_row,
                part_range(p, part));
  for (int n = 0; n < kRows; ++n)
    for (int i = 0; i < 4; ++i) parts[part][n][i][lane] = part_sums.sums[0][n][i];
  __syncthreads();
  for (int n = part; n < kRows; n += p.n_parts) {
    for (int i = 0; i < 4; ++i) {
      float sum = 0.0f;
      for (int other = 0; other < p.n_parts; ++other) sum += parts[other][n][i][lane];
      store(p, first_row + 8 * n + 2 * (lane % 4) + i % 2,
            tile * kTileRows + lane / 4 + 8 * (i / 2), sum);
    }
  }
}

// A block to 4 x 2 tiles of outputs (y) and some tiles of rows (x): a warp does its parts in turn,
// and keeps their total in shared memory, a place of its own for each lane.
template <TensorType type, typename Weights = PackedChunk<type>>
__device__ void linear_many(const PackedLinearArgs& p) {
  constexpr int kTiles = wide_tiles(type);
  using Sums = TileSums<Weights, kWideOutputTiles, kTiles>;
  constexpr int kSums = kWideOutputTiles * kTiles * 4;
  __shared__ float totals[kWideWarps][kSums][kWarp];
  const int lane = threadIdx.x % kWarp;
  const int warp = threadIdx.x / kWarp;
  const std::int64_t tile = (std::int64_t{blockIdx.y} * kWideWarps + warp) * kWideOutputTiles;
  const std::int64_t n_tiles = packed_tiles(p.n_out) - tile;
  if (n_tiles <= 0) return;  // the whole warp
  const int n_tiles_left =
      n_tiles < kWideOutputTiles ? static_cast<int>(n_tiles) : kWideOutputTiles;
  const std::int64_t first_row = std::int64_t{blockIdx.x} * 8 * kTiles;
  const std::uint8_t* weight = p.weight + tile * packed_chunks(p.n_in) * chunk_bytes(type);
  for (int i = 0; i < kSums; ++i) totals[warp][i][lane] = 0.0f;
  NEMO_UNROLL(1)
  for (int part = 0; part < p.n_parts; ++part) {
    Sums part_sums;
    part_sums.clear();
    part_sums.add(p, weight, Sums::lane_rows(p, first_row), n_tiles_left, p.n_rows - first_row,
                  part_range(p, part));
    NEMO_UNROLL_ALL
    for (int i = 0; i < kSums; ++i)
      totals[warp][i][lane] += part_sums.sums[i / (4 * kTiles)][i / 4 % kTiles][i % 4];
  }
  for (int i = 0; i < kSums; ++i) {
    const int m = i / (4 * kTiles);
    const int n = i / 4 % kTiles;
    if (m < n_tiles_left)
      store(p, first_row + 8 * n + 2 * (lane % 4) + i % 2,
            (tile + m) * kTileRows + lane / 4 + 8 * (i % 4 / 2), totals[warp][i][lane]);
  }
}

#define NEMO_LINEAR(X, name)                                      \
  NEMO_KERNEL(linear_##name##_narrow)(const PackedLinearArgs p) { \
    linear_few<TensorType::k##name, kNarrowTiles>(p);             \
  }                                                               \
  NEMO_KERNEL(linear_##name##_middle)(const PackedLinearArgs p) { \
    linear_few<TensorType::k##name, kMiddleTiles>(p);             \
  }                                                               \
  NEMO_KERNEL(linear_##name##_wide)(const PackedLinearArgs p) {   \
    linear_many<TensorType::k##name>(p);                          \
  }
NEMO_CUDA_PACKED_TYPES(NEMO_LINEAR, )
#undef NEMO_LINEAR

NEMO_KERNEL(linear_F8_E4M3_native_narrow)(const PackedLinearArgs p) {
  linear_few<TensorType::kF8_E4M3, kNarrowTiles, F8Chunk>(p);
}
NEMO_KERNEL(linear_F8_E4M3_native_middle)(const PackedLinearArgs p) {
  linear_few<TensorType::kF8_E4M3, kMiddleTiles, F8Chunk>(p);
}
NEMO_KERNEL(linear_F8_E4M3_native_wide)(const PackedLinearArgs p) {
  linear_many<TensorType::kF8_E4M3, F8Chunk>(p);
}

// A block to a row.
NEMO_KERNEL(prepare)(const PrepareArgs p) {
  const std::int64_t row = blockIdx.x;
  const float* x = p.x + row * p.n_columns;
  bf16_bits* out = prepared_row(p.prepared, row, p.n_columns);
  for (std::int64_t c = threadIdx.x; c < p.n_columns; c += blockDim.x)
    out[prepared_index(c)] = float_to_bf16(round_to_f8_e4m3(x[c] / p.f8_scale));
  clear_behind(out, p.n_columns);
}

// The same as bytes.
NEMO_KERNEL(prepare_e4m3)(const PrepareArgs p) {
  const std::int64_t row = blockIdx.x;
  const std::int64_t stride = prepared_stride(p.n_columns);
  const float* x = p.x + row * p.n_columns;
  auto* out = reinterpret_cast<f8_e4m3_bits*>(p.prepared) + row * stride;
  for (std::int64_t c = threadIdx.x; c < stride; c += blockDim.x)
    out[prepared_e4m3_index(c)] = c < p.n_columns ? float_to_f8_e4m3(x[c] / p.f8_scale) : 0;
}

}  // namespace nemotron::kernels::cuda
