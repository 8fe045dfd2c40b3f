// Copies from global to shared memory that go on while a thread computes (the PTX manual,
// "cp.async"), and shared memory whose size the launch says. A thread waits for its own copies; a
// barrier behind that makes them visible to the others. On the host tests/simt/async_copy.h does
// the same as late as the waits allow.
#pragma once

#include <cstdint>

#include "kernels/cuda/device.cuh"

namespace nemotron::kernels::cuda {

// Aligned to 16 bytes.
__device__ inline std::uint8_t* dynamic_shared() {
#if defined(__CUDACC__)
  extern __shared__ __align__(16) std::uint8_t nemo_dynamic_shared[];
  return nemo_dynamic_shared;
#else
  return ::simt::dynamic_shared();
#endif
}

inline constexpr int kCopyBytes = 16;

// Begins to copy 16 bytes, or to clear them.
__device__ inline void begin_copy(std::uint8_t* shared, const std::uint8_t* global, bool is_there) {
#if !defined(__CUDACC__)
  ::simt::begin_copy(shared, global, is_there);
#elif !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 800
  const auto to = static_cast<std::uint32_t>(__cvta_generic_to_shared(shared));
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(to), "l"(global),
               "r"(is_there ? kCopyBytes : 0)
               : "memory");
#else
  __trap();  // never launched there
#endif
}

// What was begun since the last call is a group, which may be empty.
__device__ inline void end_copies() {
#if !defined(__CUDACC__)
  ::simt::end_copies();
#elif !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 800
  asm volatile("cp.async.commit_group;" ::: "memory");
#endif
}

// Until all groups of this thread but the last n are there.
template <int n>
__device__ inline void wait_for_copies() {
#if !defined(__CUDACC__)
  ::simt::wait_for_copies(n);
#elif !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 800
  asm volatile("cp.async.wait_group %0;" ::"n"(n) : "memory");
#endif
}

}  // namespace nemotron::kernels::cuda
