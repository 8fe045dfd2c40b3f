// CUDA's words for kernels that are compiled as host C++: threads of a block are fibres that run in
// turns, one block after another, on one thread of the host. A thread runs until it waits for its
// warp or its block.
//
// It finds wrong indices, wrong sums, missing values and barriers that not all threads reach. It
// cannot find races between blocks or warps, nor what depends on the order in which a device runs
// them: here the order is always the same.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

namespace simt {

struct Index3 {
  unsigned x = 0;
  unsigned y = 0;
  unsigned z = 0;
};

// Of the fibre that runs. One launch at a time in a process: callers of run() take turns.
extern Index3 thread_index, block_index, block_size, grid_size;

void sync_block();
// `value` of the lane whose number differs by `mask`; all lanes of the warp take part.
float exchange_xor(float value, int mask);

// Runs kernel() in every thread. "" or what is wrong: a barrier that some threads never reached.
std::string run(Index3 grid, unsigned n_threads, const std::function<void()>& kernel);

// Thread switches so far.
std::uint64_t n_switches();

}  // namespace simt

#define __global__
#define __device__
#define __shared__ static  // one block runs at a time
#define threadIdx ::simt::thread_index
#define blockIdx ::simt::block_index
#define blockDim ::simt::block_size
#define gridDim ::simt::grid_size

inline void __syncthreads() { ::simt::sync_block(); }
inline float __shfl_xor_sync(unsigned, float value, int mask) {
  return ::simt::exchange_xor(value, mask);
}
