// The blocks of products on tensor cores for many rows (linear_wide.cu), and which of them to
// choose: none changes a byte of the result.
//
// What limits such a product first is the traffic from the second cache: about 25 bytes per clock
// and multiprocessor on an H200, where 2,048 operations are half of what tensor cores could do in
// that time. A warp has 48 x 64 sums (outputs x rows), and as many registers again for the total of
// the parts of columns; eight warps fill a multiprocessor's registers. So 192 x 128 sums want
// 40 KiB of BF16 for 64 columns, 77 operations to a byte. Scales want registers, too: types with
// them have 128 x 128, which are 84 operations to a byte with Q8_0, 98 with Q4_K. Reckoned, not
// measured.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/checked_math.h"
#include "kernels/cuda/kernel_args.h"
#include "kernels/cuda/packed_layout.h"

namespace nemotron::kernels::cuda {

// What the choice depends on.
struct DeviceShape {
  std::int64_t n_processors = 132;
  std::int64_t shared_bytes = 227 << 10;  // that a block may have
};

// What a product reads: its weights, and of a row of x so many bytes for each 64 columns.
struct WideOperands {
  constexpr WideOperands(TensorType weights) : type(weights) {}
  constexpr WideOperands(TensorType weights, int bytes_of_row)
      : type(weights), row_bytes(bytes_of_row) {}
  TensorType type;
  int row_bytes = 2 * kChunkColumns;  // bf16
};
inline constexpr WideOperands kNativeF8{TensorType::kF8_E4M3, kChunkColumns};

inline constexpr int kWideRowTiles = 8;  // of a warp, 8 rows each
inline constexpr int kMostWideWarps = 8;
inline constexpr int kMostWideStages = 4;
constexpr int wide_output_tiles(TensorType type) {  // of a warp, 16 outputs each
  return packed_form(type).scales == ScaleForm::kNone ? 3 : 2;
}
// Tiles of rows whose totals are in shared memory, and their bytes of a warp.
constexpr int wide_placed_tiles(TensorType type) { return wide_output_tiles(type) == 3 ? 1 : 0; }
constexpr int wide_placed_bytes(TensorType type) {
  return wide_output_tiles(type) * wide_placed_tiles(type) * 4 * 128;
}

// The warps of a block, and for how many chunks of columns it has memory: two at least.
struct WideShape {
  int output_warps = 1;
  int row_warps = 1;
  int n_stages = 2;

  constexpr int n_warps() const { return output_warps * row_warps; }
  constexpr int n_tiles(const WideOperands& x) const {
    return output_warps * wide_output_tiles(x.type);
  }
  constexpr int n_rows() const { return row_warps * 8 * kWideRowTiles; }
  constexpr int stage_bytes(const WideOperands& x) const {
    return n_tiles(x) * chunk_bytes(x.type) + n_rows() * x.row_bytes;
  }
  constexpr int shared_bytes(const WideOperands& x) const {
    return n_stages * stage_bytes(x) + n_warps() * wide_placed_bytes(x.type);
  }
  // Blocks along the rows and the outputs.
  constexpr std::int64_t grid_x(std::int64_t rows) const { return ceil_div(rows, n_rows()); }
  constexpr std::int64_t grid_y(const WideOperands& x, std::int64_t n_out) const {
    return ceil_div(packed_tiles(n_out), n_tiles(x));
  }
  constexpr WideBlock block(const WideOperands& x, std::int64_t n_in) const {
    return {n_tiles(x), n_rows(), n_stages, stage_bytes(x),
            static_cast<std::int32_t>(packed_chunks(n_in))};
  }
};

// As many stages as there is memory for, of that many blocks on a multiprocessor, each of which
// costs it another 1,024 bytes.
constexpr int wide_stages(const WideOperands& x, WideShape shape, std::int64_t n_resident,
                          std::int64_t shared_bytes) {
  for (shape.n_stages = kMostWideStages; shape.n_stages > 2; --shape.n_stages)
    if ((shape.shared_bytes(x) + 1024) * n_resident <= shared_bytes + 1024) break;
  return shape.n_stages;
}

// The shape whose busiest multiprocessor is done first: large blocks read less, small ones leave
// fewer multiprocessors idle.
constexpr WideShape wide_shape(const WideOperands& x, std::int64_t n_out, std::int64_t n_rows,
                               const DeviceShape& device) {
  WideShape best;
  std::int64_t best_clocks = INT64_MAX;
  for (const int row_warps : {1, 2}) {
    for (const int output_warps : {1, 2, 4}) {
      WideShape shape{output_warps, row_warps, 2};
      if (shape.shared_bytes(x) > device.shared_bytes) continue;
      const std::int64_t n_blocks =
          ceil_div(shape.grid_x(n_rows) * shape.grid_y(x, n_out), device.n_processors);
      // Of a chunk: 128 operations for a sum, 2,048 of bf16 in a clock, twice that of bytes; or
      // what is read, 25 bytes in a clock.
      const int sums = shape.n_tiles(x) * kTileRows * shape.n_rows();
      const std::int64_t clocks =
          n_blocks * std::max(sums * x.row_bytes / 2048, shape.stage_bytes(x) / 25);
      if (clocks > best_clocks) continue;
      best_clocks = clocks;
      best = shape;
      best.n_stages =
          wide_stages(x, shape, std::min<std::int64_t>(n_blocks, kMostWideWarps / shape.n_warps()),
                      device.shared_bytes);
    }
  }
  return best;
}

}  // namespace nemotron::kernels::cuda
