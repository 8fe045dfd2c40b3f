// Fetching weights ahead of the products that stream them.
#pragma once

#include <cstdint>

#include "kernels/cpu/intrinsics.h"

namespace nemotron::kernels {

// Fetches the n bytes that lie kAhead behind `from`. For weights that are streamed: the processor's
// own prefetchers fall behind where there is much arithmetic to each byte. Far enough for the
// latency of memory at full bandwidth, near enough to be in the first-level cache still; what lies
// behind the weights is fetched in vain, which is no fault.
template <std::int64_t kBytes>
__attribute__((always_inline)) inline void prefetch_ahead(const void* from) {
  constexpr std::int64_t kAhead = 12 << 10;
#pragma GCC unroll 16
  for (std::int64_t i = 0; i < kBytes; i += 64)
    _mm_prefetch(static_cast<const char*>(from) + kAhead + i, _MM_HINT_T0);
}

}  // namespace nemotron::kernels
