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

}  // namespace nemotron::kernels::cuda
