// Matrix products on tensor cores for many rows: packed weights (packed_layout.h) times prepared
// rows. A block has the chunks of its outputs and rows in shared memory, a few stages of 64
// columns, which are copied there while it multiplies what came before. Sums are those of
// linear_mma.cu, to the byte: a warp does its parts of the columns in turn, and has their total in
// registers.
#include "kernels/cuda/async_copy.cuh"
#include "kernels/cuda/f8_chunk.cuh"
#include "kernels/cuda/kernel_list.h"
#include "kernels/cuda/linear_tiles.cuh"
#include "kernels/cuda/wide_shape.h"

namespace nemotron::kernels::cuda {

// A block's outputs and rows, and the shared memory that they are copied to, chunk by chunk. A
// stage is
//   weights  [tiles][chunk_bytes], as they are in memory
//   rows     [2][rows][kRowBytes]: the first 32 columns and the others, so that the lanes that read
//            at once read 128 bytes without a gap
template <typename Weights>
class WideStages {
 public:
  __device__ explicit WideStages(const PackedLinearArgs& p) : p_(p) {}

  __device__ std::int64_t first_tile() const { return std::int64_t{blockIdx.y} * p_.block.n_tiles; }
  __device__ std::int64_t first_row() const { return std::int64_t{blockIdx.x} * p_.block.n_rows; }

  // All threads together: a group of copies, empty behind the last chunk.
  __device__ void begin(int chunk, int stage) const {
    if (chunk < p_.block.n_chunks) {
      begin_weights(chunk, memory(stage));
      begin_rows(chunk, memory(stage) + p_.block.n_tiles * chunk_bytes(type));
    }
    end_copies();
  }

  // Until the oldest of n_stages - 1 groups is there, for all threads; all are then done with the
  // stage before it.
  __device__ void wait() const {
    switch (p_.block.n_stages) {
      case 2:
        wait_for_copies<0>();
        break;
      case 3:
        wait_for_copies<1>();
        break;
      default:
        wait_for_copies<2>();
    }
    __syncthreads();
  }

  __device__ const std::uint8_t* weights(int stage, int tile) const {
    return memory(stage) + tile * chunk_bytes(type);
  }
  __device__ const std::uint8_t* rows(int stage, int block, int row) const {
    return memory(stage) + p_.block.n_tiles * chunk_bytes(type) +
           (block * p_.block.n_rows + row) * kRowBytes;
  }
  static constexpr int kRowBytes = 16 * Weights::kRowWords;

 private:
  static constexpr TensorType type = Weights::kType;

  __device__ std::uint8_t* memory(int stage) const {
    return dynamic_shared() + stage * p_.block.stage_bytes;
  }

  __device__ void begin_weights(int chunk, std::uint8_t* to) const {
    constexpr int kPieces = chunk_bytes(type) / kCopyBytes;
    const int n_chunks = p_.block.n_chunks;
    const int n_left = static_cast<int>(packed_tiles(p_.n_out) - first_tile());
    const std::uint8_t* from = p_.weight + (first_tile() * n_chunks + chunk) * chunk_bytes(type);
    NEMO_UNROLL(1)
    for (int i = static_cast<int>(threadIdx.x); i < p_.block.n_tiles * kPieces; i += blockDim.x) {
      const int tile = i / kPieces;
      const bool is_there = tile < n_left;
      const int offset = is_there ? tile * n_chunks * chunk_bytes(type) : 0;
      begin_copy(to + i * kCopyBytes, from + offset + i % kPieces * kCopyBytes, is_there);
    }
  }

  // Eight lanes at once copy to 128 bytes without a gap.
  __device__ void begin_rows(int chunk, std::uint8_t* to) const {
    constexpr int kPieces = kRowBytes / kCopyBytes;
    constexpr int kRowsAtOnce = 8 / kPieces;
    const int stride = static_cast<int>(row_bytes<Weights>(p_));
    const int n_left = static_cast<int>(p_.n_rows - first_row());
    const auto* from = reinterpret_cast<const std::uint8_t*>(p_.x) + first_row() * stride +
                       chunk * (2 * kRowBytes);
    NEMO_UNROLL(1)
    for (int i = static_cast<int>(threadIdx.x); i < 2 * kPieces * p_.block.n_rows;
         i += blockDim.x) {
      const int row = i / 16 * kRowsAtOnce + i % 8 / kPieces;
      const int block = i / 8 % 2, piece = i % kPieces;
      const bool is_there = row < n_left;
      const int offset = (is_there ? row * stride : 0) + block * kRowBytes;
      begin_copy(to + (block * p_.block.n_rows + row) * kRowBytes + piece * kCopyBytes,
                 from + offset + piece * kCopyBytes, is_there);
    }
  }

  const PackedLinearArgs& p_;
};

template <typename Weights>
using WideSums = TileSums<Weights, wide_output_tiles(Weights::kType), kWideRowTiles>;

// The sum of a warp's parts. The last tiles of rows have their place in shared memory, each lane
// its own, where there are not registers enough.
template <typename Weights>
class WideTotal {
 public:
  __device__ explicit WideTotal(float* places) : places_(places) {
    NEMO_UNROLL_ALL
    for (int m = 0; m < kOutputs; ++m) NEMO_UNROLL_ALL
    for (int i = 0; i < kSums; ++i) set(m, i, 0.0f);
  }

  __device__ void add(const WideSums<Weights>& sums) {
    NEMO_UNROLL_ALL
    for (int m = 0; m < kOutputs; ++m) NEMO_UNROLL_ALL
    for (int i = 0; i < kSums; ++i) set(m, i, get(m, i) + sums.sums[m][i / 4][i % 4]);
  }

  // Sum i % 4 of the pair of tiles m and i / 4.
  static constexpr int kSums = 4 * kWideRowTiles;
  __device__ float get(int m, int i) const {
    return i < kHeld ? held_[m][i] : places_[place(m, i)];
  }

 private:
  static constexpr int kOutputs = wide_output_tiles(Weights::kType);
  static constexpr int kHeld = kSums - 4 * wide_placed_tiles(Weights::kType);

  __device__ static constexpr int place(int m, int i) {
    return (m * (kSums - kHeld) + i - kHeld) * kWarp;
  }
  __device__ void set(int m, int i, float value) {
    if (i < kHeld) {
      held_[m][i] = value;
    } else {
      places_[place(m, i)] = value;
    }
  }

  float held_[kOutputs][kHeld];
  float* places_;
};

// Of a warp in its block: its first tile of outputs, and its first row.
struct WarpPlace {
  int tile;
  int row;
};

template <typename Weights>
__device__ inline void add_chunk(const WideStages<Weights>& stages, int stage, WarpPlace at,
                                 WideSums<Weights>& sums) {
  const int lane = threadIdx.x % kWarp;
  constexpr int kOutputs = wide_output_tiles(Weights::kType);
  constexpr int kTileBytes = 8 * WideStages<Weights>::kRowBytes;
  NEMO_UNROLL(1)  // else the compiler reads further ahead than it has registers for
  for (int block = 0; block < 2; ++block) {
    Weights weights[kOutputs];
    NEMO_UNROLL_ALL
    for (int m = 0; m < kOutputs; ++m)
      weights[m].template load_block<Memory::kShared>(stages.weights(stage, at.tile + m), lane,
                                                      block);
    const std::uint8_t* rows = stages.rows(stage, block, at.row) + 4 * Weights::kRowWords * lane;
    sums.add_block(
        weights, [rows](int n) { return load_words<Weights::kRowWords>(rows + n * kTileBytes); },
        0);
  }
}

// By way of shared memory, where each lane has places of its own: so this is a loop, and not a
// store for each register. All threads together.
template <typename Weights>
__device__ inline void store_total(const PackedLinearArgs& p, std::int64_t first_tile,
                                   std::int64_t first_row, const WideTotal<Weights>& total) {
  constexpr int kSums = WideTotal<Weights>::kSums;
  const int lane = threadIdx.x % kWarp;
  float* places =
      reinterpret_cast<float*>(dynamic_shared()) + threadIdx.x / kWarp * kSums * kWarp + lane;
  __syncthreads();  // all are done with the last stage
  NEMO_UNROLL_ALL
  for (int m = 0; m < wide_output_tiles(Weights::kType); ++m) {
    NEMO_UNROLL_ALL
    for (int i = 0; i < kSums; ++i) places[i * kWarp] = total.get(m, i);
    NEMO_UNROLL(1)
    for (int i = 0; i < kSums; ++i)
      store(p, first_row + 8 * (i / 4) + 2 * (lane % 4) + i % 2,
            (first_tile + m) * kTileRows + lane / 4 + 8 * (i % 4 / 2), places[i * kWarp]);
  }
}

// A block to some rows (x) and some tiles of outputs (y), as in wide_shape.h.
template <typename Weights>
__device__ void linear_many(const PackedLinearArgs& p) {
  constexpr TensorType type = Weights::kType;
  const WideStages<Weights> stages(p);
  const int warp = static_cast<int>(threadIdx.x) / kWarp;
  const int n_across = p.block.n_tiles / wide_output_tiles(type);
  const WarpPlace at{warp % n_across * wide_output_tiles(type),
                     warp / n_across * 8 * kWideRowTiles};
  const int n_stages = p.block.n_stages;
  for (int chunk = 0; chunk < n_stages - 1; ++chunk) stages.begin(chunk, chunk);
  WideTotal<Weights> total(reinterpret_cast<float*>(dynamic_shared() +
                                                    n_stages * p.block.stage_bytes +
                                                    warp * wide_placed_bytes(type)) +
                           threadIdx.x % kWarp);
  WideSums<Weights> sums;
  sums.clear();
  int part = 0, part_end = part_range(p, part).end, stage = 0;
  NEMO_UNROLL(1)
  for (int chunk = 0; chunk < p.block.n_chunks; ++chunk) {
    stages.wait();
    stages.begin(chunk + n_stages - 1, stage == 0 ? n_stages - 1 : stage - 1);
    add_chunk(stages, stage, at, sums);
    stage = stage == n_stages - 1 ? 0 : stage + 1;
    if (chunk + 1 < part_end) continue;
    total.add(sums);
    sums.clear();
    part_end = part_range(p, ++part).end;
  }
  store_total(p, stages.first_tile() + at.tile, stages.first_row() + at.row, total);
}

#define NEMO_LINEAR(X, name)                                                              \
  NEMO_KERNEL_OF(kMostWideWarps* kWarp, linear_##name##_wide)(const PackedLinearArgs p) { \
    linear_many<PackedChunk<TensorType::k##name>>(p);                                     \
  }
NEMO_CUDA_PACKED_TYPES(NEMO_LINEAR, )
#undef NEMO_LINEAR

NEMO_KERNEL_OF(kMostWideWarps* kWarp, linear_F8_E4M3_native_wide)(const PackedLinearArgs p) {
  linear_many<F8Chunk>(p);
}

}  // namespace nemotron::kernels::cuda
