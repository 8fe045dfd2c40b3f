// CUDA's words for kernels that are compiled as host C++: threads of a block are fibres that run in
// turns, one block after another, on one thread of the host. A thread runs until it waits for its
// warp or its block.
//
// It finds wrong indices, wrong sums, missing values and barriers that not all threads reach; of
// races between warps those that show where each warp runs as far ahead of the next as it can. It
// cannot find those between blocks, nor what depends on the order in which a device runs them: here
// the order is always the same.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <string>

#include "simt/async_copy.h"
#include "simt/mma.h"

namespace simt {

struct Index3 {
  unsigned x = 0;
  unsigned y = 0;
  unsigned z = 0;
};

// Of the fibre that runs. One launch at a time in a process: callers of run() take turns.
extern Index3 thread_index, block_index, block_size, grid_size;

void sync_block();
// `value` of the lane whose number differs by `mask`, or that is `lane`; all lanes of the warp take
// part. For values of four bytes.
template <typename Value>
Value value_of_lane(Value value, unsigned lane) {
  std::uint32_t word;
  std::memcpy(&word, &value, sizeof word);
  std::memcpy(&value, &share_words(&word, 1)[lane % 32][0], sizeof word);
  return value;
}
template <typename Value>
Value exchange_xor(Value value, int mask) {
  return value_of_lane(value, lane_index() ^ static_cast<unsigned>(mask));
}

// Runs kernel() in every thread. "" or what is wrong: a barrier that some threads never reached.
// dynamic_shared() has that many bytes, which are 0xff when a block begins.
std::string run(Index3 grid, unsigned n_threads, const std::function<void()>& kernel,
                std::size_t shared_bytes = 0);
std::uint8_t* dynamic_shared();

// Thread switches so far.
std::uint64_t n_switches();

}  // namespace simt

#define __global__
#define __launch_bounds__(n)
#define __device__
#define __shared__ static  // one block runs at a time
#define threadIdx ::simt::thread_index
#define blockIdx ::simt::block_index
#define blockDim ::simt::block_size
#define gridDim ::simt::grid_size

inline void __syncthreads() { ::simt::sync_block(); }
template <typename Value>
Value __shfl_xor_sync(unsigned, Value value, int mask) {
  return ::simt::exchange_xor(value, mask);
}
template <typename Value>
Value __shfl_sync(unsigned, Value value, int lane) {
  return ::simt::value_of_lane(value, static_cast<unsigned>(lane));
}
