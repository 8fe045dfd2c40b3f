// How many threads and blocks each kernel wants: constants that device code and launches share.
#pragma once

#include <cstdint>

namespace nemotron::kernels::cuda {

inline constexpr int kRowThreads = 256;   // of a row, or of a piece of elements
inline constexpr int kLinearOutputs = 4;  // of a block, a warp each
inline constexpr int kLinearRows = 8;     // of x that a warp multiplies at once
inline constexpr int kConvThreads = 128;  // channels
inline constexpr int kScanThreads = 64;   // channels of a head
inline constexpr int kKvStoreThreads = 64;
inline constexpr int kAttentionThreads = 128;  // at least the positions of a KV block
inline constexpr int kSampleThreads = 256;     // 32 KiB of bins

// Columns that products on tensor cores take at once; prepared rows are padded to a multiple.
inline constexpr int kChunkColumns = 64;
constexpr std::int64_t prepared_stride(std::int64_t n_columns) {
  return (n_columns + kChunkColumns - 1) / kChunkColumns * kChunkColumns;
}

// Products on tensor cores. A warp has tiles of 16 outputs and of 8 rows of x.
inline constexpr int kNarrowTiles = 1;  // of rows
inline constexpr int kMiddleTiles = 4;
inline constexpr int kMostParts = 8;  // of the columns: a warp each, in narrow and middle
inline constexpr int kWideOutputTiles = 2;
inline constexpr int kWideWarps = 4;  // of a block, each with its own outputs
inline constexpr int kMinMmaCapability = 80;

}  // namespace nemotron::kernels::cuda
