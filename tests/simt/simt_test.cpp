// The machine that runs CUDA kernels on the host: its barriers, its exchanges, and that it notices
// when they are used wrongly.
#include "simt/simt.h"

#include <algorithm>
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

TEST_CASE("the tensor cores' product is that of the matrices whose fragments the lanes hold") {
  // Numbers that bf16 holds, in places that the PTX manual gives: element i of a lane's four pairs
  // of A is row g + 8 (i % 4 / 2), column 2t + i % 2 + 8 (i / 4); of its two pairs of B row
  // 2t + i % 2 + 8 (i / 2), column g.
  const auto a_at = [](int row, int k) { return static_cast<float>((row * 7 + k * 3) % 23 - 11); };
  const auto b_at = [](int k, int column) { return static_cast<float>((k * 5 + column) % 17 - 8); };
  float found[16][8] = {};
  CHECK(simt::run({1, 1, 1}, 32, [&] {
          const int g = static_cast<int>(threadIdx.x) / 4, t = static_cast<int>(threadIdx.x) % 4;
          std::uint32_t a[4], b[2];
          for (int i = 0; i < 4; ++i) {
            const int row = g + 8 * (i % 2), k = 2 * t + 8 * (i / 2);
            a[i] = simt::bf16_pair(a_at(row, k), a_at(row, k + 1));
          }
          for (int i = 0; i < 2; ++i)
            b[i] = simt::bf16_pair(b_at(2 * t + 8 * i, g), b_at(2 * t + 8 * i + 1, g));
          float d[4] = {1.0f, 2.0f, 3.0f, 4.0f};
          simt::mma_bf16(d, a, b);
          for (int i = 0; i < 4; ++i) found[g + 8 * (i / 2)][2 * t + i % 2] = d[i];
        }).empty());
  for (int row = 0; row < 16; ++row)
    for (int column = 0; column < 8; ++column) {
      float sum = static_cast<float>(1 + column % 2 + 2 * (row / 8));
      for (int k = 0; k < 16; ++k) sum += a_at(row, k) * b_at(k, column);
      CHECK(found[row][column] == sum);
    }
}

TEST_CASE("the product of E4M3 numbers is that of the matrices whose fragments the lanes hold") {
  // Element i of a lane's sixteen of A is row g + 8 (i / 4 % 2), column 4t + i % 4 + 16 (i / 8); of
  // its eight of B row 4t + i % 4 + 16 (i / 4), column g.
  const auto a_at = [](int row, int k) { return static_cast<float>((row * 7 + k * 3) % 23 - 11); };
  const auto b_at = [](int k, int column) { return static_cast<float>((k * 5 + column) % 17 - 8); };
  const auto put = [](std::uint32_t& word, int i, float value) {
    word |= std::uint32_t{nemotron::float_to_f8_e4m3(value)} << (8 * (i % 4));
  };
  float found[16][8] = {};
  CHECK(simt::run({1, 1, 1}, 32, [&] {
          const int g = static_cast<int>(threadIdx.x) / 4, t = static_cast<int>(threadIdx.x) % 4;
          std::uint32_t a[4] = {}, b[2] = {};
          for (int i = 0; i < 16; ++i)
            put(a[i / 4], i, a_at(g + 8 * (i / 4 % 2), 4 * t + i % 4 + 16 * (i / 8)));
          for (int i = 0; i < 8; ++i) put(b[i / 4], i, b_at(4 * t + i % 4 + 16 * (i / 4), g));
          float d[4] = {1.0f, 2.0f, 3.0f, 4.0f};
          simt::mma_e4m3(d, a, b);
          for (int i = 0; i < 4; ++i) found[g + 8 * (i / 2)][2 * t + i % 2] = d[i];
        }).empty());
  for (int row = 0; row < 16; ++row)
    for (int column = 0; column < 8; ++column) {
      float sum = static_cast<float>(1 + column % 2 + 2 * (row / 8));
      for (int k = 0; k < 32; ++k) sum += a_at(row, k) * b_at(k, column);
      CHECK(found[row][column] == sum);
    }
}

TEST_CASE("bytes are chosen, and pairs of bf16 multiplied, as a device does") {
  CHECK(simt::permute_bytes(0x33221100, 0x77665544, 0x7250) == 0x77225500u);
  const std::uint32_t sum = simt::fma_bf16_pair(
      simt::bf16_pair(3.0f, -2.0f), simt::bf16_pair(0.5f, 8.0f), simt::bf16_pair(-1.0f, 0.25f));
  CHECK(sum == simt::bf16_pair(0.5f, -15.75f));
}

TEST_CASE("a warp runs as far ahead of the next as barriers let it") {
  std::vector<unsigned> order;
  CHECK(simt::run({1, 1, 1}, 64, [&] {
          for (int i = 0; i < 2; ++i) {
            (void)__shfl_xor_sync(~0u, 1.0f, 1);
            if (threadIdx.x % 32 == 0) order.push_back(threadIdx.x / 32);
          }
          __syncthreads();
          if (threadIdx.x % 32 == 0) order.push_back(threadIdx.x / 32);
        }).empty());
  CHECK(order == std::vector<unsigned>{0, 0, 1, 1, 1, 0});
}

TEST_CASE("what is copied is garbage until it is waited for") {
  std::vector<std::uint8_t> from(64);
  for (std::size_t i = 0; i < from.size(); ++i) from[i] = static_cast<std::uint8_t>(i);
  const auto garbage = [](const std::uint8_t* at) { return at[0] == 0xff && at[15] == 0xff; };
  CHECK(simt::run(
            {2, 1, 1}, 1,
            [&] {
              std::uint8_t* to = simt::dynamic_shared();
              CHECK(garbage(to));
              for (unsigned i = 0; i < 3; ++i) {
                std::fill_n(to + 16 * i, 16, std::uint8_t{7});
                simt::begin_copy(to + 16 * i, &from[16 * i], i != 1);
                simt::end_copies();
                CHECK(garbage(to + 16 * i));
              }
              simt::wait_for_copies(1);
              CHECK(std::equal(to, to + 16, from.begin()));
              CHECK(to[16] == 0);
              CHECK(to[31] == 0);
              CHECK(garbage(to + 32));
              simt::wait_for_copies(0);
              CHECK(std::equal(to + 32, to + 48, from.begin() + 32));
            },
            48)
            .empty());
}
