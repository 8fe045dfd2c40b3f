// The machine that runs CUDA kernels on the host: its barriers, its exchanges, and that it notices
// when they are used wrongly.
#include "simt/simt.h"

#include <catch2/catch.hpp>
#include <vector>

namespace {
unsigned flat_thread() { return threadIdx.x + blockDim.x * (blockIdx.x + gridDim.x * blockIdx.y); }
}  // namespace

TEST_CASE("each thread of each block runs once and knows where it is") {
  std::vector<int> n_runs(3 * 2 * 70);
  CHECK(simt::run({3, 2, 1}, 70, [&] { ++n_runs[flat_thread()]; }).empty());
  CHECK(n_runs == std::vector<int>(n_runs.size(), 1));
  CHECK(simt::run({0, 2, 1}, 70, [&] { ++n_runs[0]; }).empty());
  CHECK(n_runs[0] == 1);
}

TEST_CASE("behind a barrier everything before it is done") {
  std::vector<int> values(256), sums(256);
  CHECK(simt::run({1, 1, 1}, 256, [&] {
          const unsigned t = threadIdx.x;
          for (int round = 1; round <= 3; ++round) {
            values[t] += round;
            __syncthreads();
            for (const int value : values) sums[t] += value;
            __syncthreads();
          }
        }).empty());
  CHECK(sums == std::vector<int>(256, 256 * (1 + 3 + 6)));
}

TEST_CASE("a lane gets the value of the lane that its mask names, again and again") {
  std::vector<float> first(96), second(96);
  CHECK(simt::run({1, 1, 1}, 96, [&] {
          const unsigned t = threadIdx.x;
          first[t] = __shfl_xor_sync(~0u, static_cast<float>(t), 5);
          second[t] = __shfl_xor_sync(~0u, first[t], 16);
        }).empty());
  for (unsigned t = 0; t < 96; ++t) {
    CHECK(first[t] == static_cast<float>(t ^ 5u));
    CHECK(second[t] == static_cast<float>(t ^ 16u ^ 5u));
  }
}

TEST_CASE("warps may leave before a barrier that others pass") {
  int n_passed = 0;
  CHECK(simt::run({1, 1, 1}, 64, [&] {
          if (threadIdx.x >= 32) return;
          __syncthreads();
          ++n_passed;
        }).empty());
  CHECK(n_passed == 32);
}

TEST_CASE("a lane that is missing in an exchange is a fault") {
  const std::string fault = simt::run({2, 1, 1}, 32, [] {
    if (threadIdx.x != 7 || blockIdx.x == 0) (void)__shfl_xor_sync(~0u, 1.0f, 1);
  });
  CHECK(fault == "block 1, 0: 31 threads wait for others that never come");
}

TEST_CASE("threads that wait at a barrier for threads in an exchange are a fault") {
  const std::string fault = simt::run({1, 1, 1}, 32, [] {
    if (threadIdx.x < 16) {
      __syncthreads();
    } else {
      (void)__shfl_xor_sync(~0u, 1.0f, 1);
    }
  });
  CHECK(fault == "block 0, 0: 32 threads wait for others that never come");
  // And the machine is usable afterwards.
  CHECK(simt::run({1, 1, 1}, 32, [] { __syncthreads(); }).empty());
}
