// The tensor cores' product of a 16 x 16 and a 16 x 8 matrix of bf16, and what feeds it. A warp
// does it together; which elements a lane holds stands in the PTX manual, "mma.m16n8k16". Of lane
// i, with g = i / 4 and t = i % 4:
//   a: rows g and g + 8 of A, columns 2t, 2t + 1 (a[0], a[1]) and 2t + 8, 2t + 9 (a[2], a[3])
//   b: column g of B, rows 2t, 2t + 1 (b[0]) and 2t + 8, 2t + 9 (b[1])
//   d: rows g (d[0], d[1]) and g + 8 (d[2], d[3]) of the sums, columns 2t and 2t + 1
// Needs kMinMmaCapability; on the host tests/simt/mma.h does the same with the same map.
#pragma once

#include <cstdint>

#include "kernels/cuda/device.cuh"
#include "kernels/cuda/launch_shapes.h"

namespace nemotron::kernels::cuda {

inline constexpr int kMmaRows = 16;    // of A
inline constexpr int kMmaColumns = 8;  // of B
inline constexpr int kMmaTerms = 16;   // of each sum

// Words that are read at once.
template <int n>
struct alignas(4 * n) Words {
  std::uint32_t word[n];
};
template <int n>
__device__ inline Words<n> load_words(const void* from) {
  return *static_cast<const Words<n>*>(from);
}
template <int n>
__device__ inline Words<n> load_words_if(bool is_there, const void* from) {
  return is_there ? load_words<n>(from) : Words<n>{};
}

// d += A B: products exact, sums f32 in the device's order.
__device__ inline void mma_bf16(float (&d)[4], const std::uint32_t (&a)[4],
                                const std::uint32_t (&b)[2]) {
#if !defined(__CUDACC__)
  ::simt::mma_bf16(d, a, b);
#elif !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 800
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, "
      "{%0,%1,%2,%3};"
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
#else
  __trap();  // never launched there
#endif
}

// The same of a 16 x 32 and a 32 x 8 matrix of E4M3 numbers, four in a word ("mma.m16n8k32"):
//   a: rows g and g + 8 of A, columns 4t to 4t + 3 (a[0], a[1]) and 4t + 16 to 4t + 19 (a[2], a[3])
//   b: column g of B, rows 4t to 4t + 3 (b[0]) and 4t + 16 to 4t + 19 (b[1])
// Sums have fewer bits than f32: see f8_chunk.cuh. Needs has_e4m3_mma().
__device__ inline void mma_e4m3(float (&d)[4], const std::uint32_t (&a)[4],
                                const std::uint32_t (&b)[2]) {
#if !defined(__CUDACC__)
  ::simt::mma_e4m3(d, a, b);
#elif defined(__CUDA_ARCH__)
  if constexpr (has_e4m3_mma(__CUDA_ARCH__ / 10)) {
    asm volatile(
        "mma.sync.aligned.m16n8k32.row.col.f32.e4m3.e4m3.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, "
        "{%8,%9}, {%0,%1,%2,%3};"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
  } else {
    __trap();  // never launched there
  }
#endif
}

// Two floats rounded to bf16, the first in the low half.
__device__ inline std::uint32_t bf16_pair(float low, float high) {
#if !defined(__CUDACC__)
  return ::simt::bf16_pair(low, high);
#elif !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 800
  std::uint32_t pair;
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(pair) : "f"(high), "f"(low));
  return pair;
#else
  __trap();
  return 0;
#endif
}

// a * b + c of both halves, rounded once.
__device__ inline std::uint32_t fma_bf16_pair(std::uint32_t a, std::uint32_t b, std::uint32_t c) {
#if !defined(__CUDACC__)
  return ::simt::fma_bf16_pair(a, b, c);
#elif !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 800
  std::uint32_t d;
  asm("fma.rn.bf16x2 %0, %1, %2, %3;" : "=r"(d) : "r"(a), "r"(b), "r"(c));
  return d;
#else
  __trap();
  return 0;
#endif
}

// Four of the eight bytes of (high, low), chosen by the nibbles of `selector`; as PRMT without
// sign.
__device__ inline std::uint32_t permute_bytes(std::uint32_t low, std::uint32_t high,
                                              std::uint32_t selector) {
#if defined(__CUDACC__)
  return __byte_perm(low, high, selector);
#else
  return ::simt::permute_bytes(low, high, selector);
#endif
}

// Integers in bytes 0 and 2 as a pair of bf16: of x = m - 128 s with 7 bits m and the sign s,
// (128 + m) - (128 + 128 s) is made of bits and is exact.
__device__ inline std::uint32_t pair_of_integers(std::uint32_t bytes) {
  return fma_bf16_pair((bytes & 0x007f007fu) | 0x43004300u, 0x3f803f80u,
                       (bytes & 0x00800080u) | 0xc300c300u);
}

}  // namespace nemotron::kernels::cuda
