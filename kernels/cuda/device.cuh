// What the kernels are written with. Compiled by nvcc they are device code; compiled by a host
// compiler they are plain C++ over tests/simt/simt.h, which runs the threads of a block in turns.
//
// Arithmetic is the same in both, to the bit: nvcc is told not to contract products and sums, and
// division and square root are exactly rounded.
#pragma once

#include <cstdint>

#if defined(__CUDACC__)
#include <cuda_runtime.h>
#else
#include "simt/simt.h"
#endif

// A kernel that is found by its name: NEMO_KERNEL(name)(Args p) {...}.
#define NEMO_KERNEL(name) extern "C" __global__ void nemo_##name
// The same for blocks of at most so many threads, which may have more registers each.
#define NEMO_KERNEL_OF(most_threads, name) \
  extern "C" __global__ void __launch_bounds__(most_threads) nemo_##name

// Before a loop: how many rounds at once; all of them where its body indexes arrays that must be in
// registers, few where registers are.
#if defined(__CUDACC__)
#define NEMO_PRAGMA(text) _Pragma(#text)
#define NEMO_UNROLL(n) NEMO_PRAGMA(unroll n)
#define NEMO_UNROLL_ALL _Pragma("unroll")
#else
#define NEMO_UNROLL(n)
#define NEMO_UNROLL_ALL
#endif

namespace nemotron::kernels::cuda {

inline constexpr int kWarp = 32;

__device__ inline std::int64_t thread_index() {
  return std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x;
}

// The sum over a warp, in each of its lanes. A butterfly: its order is fixed.
__device__ inline float warp_sum(float value) {
  for (int mask = kWarp / 2; mask > 0; mask /= 2)
    value += __shfl_xor_sync(0xffffffffu, value, mask);
  return value;
}

// The sum over a block of whole warps, in each of its threads; warps ascending.
__device__ inline float block_sum(float value) {
  __shared__ float sums[kWarp];
  value = warp_sum(value);
  __syncthreads();  // an earlier call's sums have been read
  if (threadIdx.x % kWarp == 0) sums[threadIdx.x / kWarp] = value;
  __syncthreads();
  float total = 0.0f;
  for (unsigned i = 0; i < blockDim.x / kWarp; ++i) total += sums[i];
  return total;
}

}  // namespace nemotron::kernels::cuda
