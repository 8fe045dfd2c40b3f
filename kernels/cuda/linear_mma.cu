// Matrix products on tensor cores for few rows: packed weights (packed_layout.h) times prepared
// rows, a warp to a part of the columns. linear_wide.cu is the same for many rows, to the byte.
#include <type_traits>

#include "kernels/cuda/f8_chunk.cuh"
#include "kernels/cuda/kernel_list.h"
#include "kernels/cuda/linear_tiles.cuh"

namespace nemotron::kernels::cuda {

// A part's sums, of a tile of outputs. `x` is this lane's place in the first row.
template <typename Weights, int kRows>
__device__ inline void add_part(const PackedLinearArgs& p, const std::uint8_t* weight,
                                const std::uint8_t* x, std::int64_t n_rows_left, ChunkRange range,
                                TileSums<Weights, 1, kRows>& sums) {
  constexpr int kWords = Weights::kRowWords;
  const int lane = threadIdx.x % kWarp;
  // By what ptxas makes of it: fewer registers with scales in 32 bits, and without them in 64.
  using Offset = std::conditional_t<Weights::kFromZero, int, std::int64_t>;
  const Offset tile_bytes = 8 * static_cast<Offset>(row_bytes<Weights>(p));
  NEMO_UNROLL(1)
  for (int chunk = range.begin; chunk < range.end; ++chunk) {
    Weights weights[1];
    weights[0].template load<Memory::kGlobal>(
        weight + std::int64_t{chunk} * chunk_bytes(Weights::kType), lane);
    const std::uint8_t* columns = x + chunk * (32 * kWords);
    NEMO_UNROLL_ALL
    for (int block = 0; block < 2; ++block) {
      Words<kWords> rows[kRows];
      NEMO_UNROLL_ALL
      for (int n = 0; n < kRows; ++n) {
        rows[n] = load_words_if<kWords>(8 * n + lane / 4 < n_rows_left,
                                        columns + n * tile_bytes + block * 16 * kWords);
      }
      sums.add_block(
          weights, [&rows](int n) { return rows[n]; }, block);
    }
  }
}

// A block to a tile of outputs (x) and kRows tiles of rows (y); a warp to a part of the columns.
template <typename Weights, int kRows>
__device__ void linear_few(const PackedLinearArgs& p) {
  __shared__ float parts[kMostParts][kRows][4][kWarp];
  const int lane = threadIdx.x % kWarp;
  const int part = threadIdx.x / kWarp;
  const std::int64_t tile = blockIdx.x;
  const std::int64_t first_row = std::int64_t{blockIdx.y} * 8 * kRows;
  const std::uint8_t* weight =
      p.weight + tile * packed_chunks(p.n_in) * chunk_bytes(Weights::kType);
  const auto* x = reinterpret_cast<const std::uint8_t*>(p.x) +
                  (first_row + lane / 4) * row_bytes<Weights>(p) +
                  4 * Weights::kRowWords * (lane % 4);
  TileSums<Weights, 1, kRows> part_sums;
  part_sums.clear();
  add_part(p, weight, x, p.n_rows - first_row, part_range(p, part), part_sums);
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

#define NEMO_LINEAR(X, name)                                       \
  NEMO_KERNEL(linear_##name##_narrow)(const PackedLinearArgs p) {  \
    linear_few<PackedChunk<TensorType::k##name>, kNarrowTiles>(p); \
  }                                                                \
  NEMO_KERNEL(linear_##name##_middle)(const PackedLinearArgs p) {  \
    linear_few<PackedChunk<TensorType::k##name>, kMiddleTiles>(p); \
  }
NEMO_CUDA_PACKED_TYPES(NEMO_LINEAR, )
#undef NEMO_LINEAR

NEMO_KERNEL(linear_F8_E4M3_native_narrow)(const PackedLinearArgs p) {
  linear_few<F8Chunk, kNarrowTiles>(p);
}
NEMO_KERNEL(linear_F8_E4M3_native_middle)(const PackedLinearArgs p) {
  linear_few<F8Chunk, kMiddleTiles>(p);
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
    out[prepared_index(c)] = c < p.n_columns ? float_to_f8_e4m3(x[c] / p.f8_scale) : 0;
}

}  // namespace nemotron::kernels::cuda
