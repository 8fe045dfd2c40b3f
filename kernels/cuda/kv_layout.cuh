// Where a CUDA kernel finds the keys and values of a KV head.
#pragma once

#include <cstdint>

#include "kernels/cuda/device.cuh"
#include "kernels/cuda/kernel_args.h"

namespace nemotron::kernels::cuda {

// The keys, or values, of one KV head in the block of a position.
__device__ inline std::uint8_t* head_part(const AttentionArgs& p, const SpanArgs& span,
                                          bool is_values, std::int64_t position,
                                          std::int64_t kv_head) {
  const std::int64_t head_bytes = kv_head_bytes(span.kv_type, p.head_dim);
  const std::int64_t part = 2 * p.layer + (is_values ? 1 : 0);
  return static_cast<std::uint8_t*>(span.kv_blocks[position / kKvBlockTokens]) +
         (part * p.n_kv_heads + kv_head) * head_bytes;
}

}  // namespace nemotron::kernels::cuda
