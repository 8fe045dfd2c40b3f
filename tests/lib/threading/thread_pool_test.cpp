#include "threading/thread_pool.h"

#include <catch2/catch.hpp>
#include <numeric>

using namespace nemotron;

TEST_CASE("every index is visited exactly once, by a thread of the pool") {
  for (const int n_threads : {1, 2, 5}) {
    auto pool = ThreadPool::create(n_threads);
    REQUIRE(pool.is_ok());
    CHECK(pool.value()->n_threads() == n_threads);
    for (const std::int64_t n : {0, 1, 2, 7, 1000}) {
      for (const std::int64_t grain : {0, 1, 3, 5000}) {
        std::vector<std::atomic<int>> visits(static_cast<std::size_t>(n));
        std::atomic<bool> bad_thread = false;
        pool.value()->parallel_for(n, grain, [&](std::int64_t begin, std::int64_t end, int thread) {
          if (thread < 0 || thread >= n_threads) bad_thread = true;
          for (std::int64_t i = begin; i < end; ++i) ++visits[static_cast<std::size_t>(i)];
        });
        CHECK_FALSE(bad_thread);
        CHECK(std::all_of(visits.begin(), visits.end(), [](const auto& v) { return v == 1; }));
      }
    }
  }
}

TEST_CASE("loops follow each other without losing a range") {
  auto pool = ThreadPool::create(4);
  REQUIRE(pool.is_ok());
  for (int round = 0; round < 3000; ++round) {
    std::atomic<std::int64_t> sum = 0;
    pool.value()->parallel_for(50, 7, [&](std::int64_t begin, std::int64_t end, int) {
      for (std::int64_t i = begin; i < end; ++i) sum += i;
    });
    REQUIRE(sum == 49 * 50 / 2);
  }
}

TEST_CASE("at least one processor is usable") { CHECK(usable_processors() >= 1); }
