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

inline constexpr int kConvTokens = 16;  // of a span that a thread of causal_conv1d goes through
inline constexpr int kMaxConvTaps = 4;  // that it has registers for
inline constexpr int kScanWarps = 2;    // of ssm_scan_*
inline constexpr int kScanBlockChannels = 16;
inline constexpr int kScanTokens = 8;  // whose inputs are in shared memory at once
inline constexpr int kMaxScanStates = 256;

// The compute capability, 10 * major + minor, from which on there are the instructions of mma.cuh.
// Both of the device and of what code was compiled for: in older code kernels with them are empty.
inline constexpr int kMinMmaCapability = 80;
// Where the product of E4M3 numbers is an instruction; others of 8.9 and more make it of many.
constexpr bool has_e4m3_mma(int capability) { return capability == 89 || capability >= 120; }

// Attention on tensor cores: a part is what a block of attention_split takes.
inline constexpr int kAttentionWarps = 4;
inline constexpr int kAttentionPart = 256;  // positions, 64 to a warp
constexpr bool has_attention_mma(std::int64_t head_dim) {
  return head_dim == 64 || head_dim == 128;
}
// Scratch has room for so many parts of rows, whose sums take so many floats.
inline constexpr std::int64_t kAttentionSlots = 1024;
constexpr std::int64_t attention_slot_floats(std::int64_t n_heads, std::int64_t head_dim) {
  return n_heads * (head_dim + 2);
}
// Rows that are split at most, and rows of a span that is: with more there are tiles enough.
inline constexpr std::int64_t kMostSplitRows = 128;
inline constexpr std::int64_t kMostSplitSpanRows = 16;
// Parts of each row for which there is room.
constexpr std::int64_t attention_parts_at_once(std::int64_t n_split_rows) {
  std::int64_t n = 1;
  while (2 * n * n_split_rows <= kAttentionSlots) n *= 2;
  return n;
}

// Columns that products on tensor cores take at once; prepared rows are padded to a multiple.
inline constexpr int kChunkColumns = 64;
constexpr std::int64_t prepared_stride(std::int64_t n_columns) {
  return (n_columns + kChunkColumns - 1) / kChunkColumns * kChunkColumns;
}

// Products on tensor cores. A warp has tiles of 16 outputs and of 8 rows of x.
inline constexpr int kNarrowTiles = 1;  // of rows
inline constexpr int kMiddleTiles = 4;
inline constexpr int kMostParts = 8;  // of the columns: a warp each, in narrow and middle

}  // namespace nemotron::kernels::cuda
