// The queue of recorded operations: order, interruption, and how slices are planned.
#include "backend/cpu/operation_queue.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <chrono>
#include <memory>
#include <utility>
#include <vector>

using namespace nemotron;

namespace {

using Clock = RunLimit::Clock;
const RunLimit kPast = {Clock::time_point::min(), nullptr};

std::unique_ptr<ThreadPool> make_pool(int n_threads) {
  auto pool = ThreadPool::create(n_threads);
  REQUIRE(pool.is_ok());
  return std::move(pool).value();
}

WorkPlan plan_of(std::int64_t n_items, std::int64_t unit = 1, std::int64_t n_phases = 1) {
  WorkPlan plan;
  plan.n_items = n_items;
  plan.unit = unit;
  plan.n_phases = n_phases;
  return plan;
}

void spin_for(std::chrono::nanoseconds time) {
  const auto end = Clock::now() + time;
  while (Clock::now() < end) {
  }
}

// Each item of record r reads what the previous record left in its place and its neighbour's: the
// result shows whether any record began before the one in front of it was done.
void record_chain(OperationQueue& queue, std::vector<std::vector<std::uint64_t>>& rows,
                  std::int64_t n_phases) {
  for (std::size_t r = 1; r < rows.size(); ++r) {
    queue.record(plan_of(static_cast<std::int64_t>(rows[r].size()), 4, n_phases),
                 [from = rows[r - 1].data(), to = rows[r].data(),
                  n = rows[r].size()](const WorkRange& range) {
                   for (auto i = static_cast<std::size_t>(range.first);
                        i < static_cast<std::size_t>(range.last); ++i) {
                     if (range.phase == 0) to[i] = from[i] * 31 + from[(i + 1) % n];
                     to[i] = to[i] * 7 + static_cast<std::uint64_t>(range.phase);
                   }
                 });
  }
}

std::vector<std::uint64_t> run_chain(OperationQueue& queue, std::int64_t n_phases,
                                     const RunLimit& limit, int& n_calls) {
  std::vector<std::vector<std::uint64_t>> rows(20, std::vector<std::uint64_t>(50));
  for (std::size_t i = 0; i < 50; ++i) rows[0][i] = i * 1000003;
  record_chain(queue, rows, n_phases);
  for (n_calls = 1; !queue.advance(limit);) ++n_calls;
  return rows.back();
}

}  // namespace

TEST_CASE("records and their phases run in order, also when each range is a call of its own") {
  const int n_threads = GENERATE(1, 2, 4);
  const auto pool = make_pool(n_threads);
  OperationQueue queue(*pool);
  REQUIRE(queue.reserve(100).is_ok());
  for (const std::int64_t n_phases : {1, 3}) {
    int n_calls = 0;
    const auto expected = run_chain(queue, n_phases, {}, n_calls);
    CHECK(n_calls == 1);
    // Past its deadline a call does one range: 13 units of 4 items in 19 records.
    CHECK(run_chain(queue, n_phases, kPast, n_calls) == expected);
    CHECK(n_calls == 19 * 13 * n_phases);
  }
}

TEST_CASE("a record without items, and a queue without records, are done at once") {
  const auto pool = make_pool(2);
  OperationQueue queue(*pool);
  CHECK(queue.advance(kPast));
  REQUIRE(queue.reserve(3).is_ok());
  std::atomic<int> n_items = 0;
  for (const int n : {0, 1, 0})
    queue.record(plan_of(n), [&n_items](const WorkRange& range) {
      n_items += static_cast<int>(range.last - range.first);
    });
  CHECK(queue.advance({}));
  CHECK(n_items == 1);
}

TEST_CASE("a record for which there is no room runs those before it") {
  const auto pool = make_pool(2);
  OperationQueue queue(*pool);
  REQUIRE(queue.reserve(2).is_ok());
  int n_run = 0;
  for (int i = 0; i < 3; ++i) {
    CHECK(n_run == 0);
    queue.record(plan_of(1), [&n_run](const WorkRange&) { ++n_run; });
  }
  CHECK(n_run == 2);
  CHECK(queue.advance({}));
  CHECK(n_run == 3);
  CHECK(queue.reserve(SIZE_MAX).code() == StatusCode::kOutOfMemory);
}

TEST_CASE("slices are planned from what the work was measured to take") {
  const auto pool = make_pool(2);
  OperationQueue queue(*pool);
  REQUIRE(queue.reserve(1).is_ok());
  // 20 us per item: 200 us are 10 items, where sharing 1000 evenly would give 125.
  for (int round = 0; round < 3; ++round) {
    std::atomic<std::int64_t> longest = 0;
    queue.record(plan_of(1000), [&longest](const WorkRange& range) {
      std::int64_t before = longest;
      while (before < range.last - range.first &&
             !longest.compare_exchange_weak(before, range.last - range.first)) {
      }
      spin_for(std::chrono::microseconds(20) * (range.last - range.first));
    });
    CHECK(queue.advance({Clock::now() + std::chrono::hours(1), nullptr}));
    if (round > 0) CHECK(longest <= 12);
    if (round > 0) CHECK(longest >= 2);  // fewer where the system takes the processor away
  }
}

TEST_CASE("another thread's stop ends a call soon, and the next goes on") {
  const auto pool = make_pool(2);
  OperationQueue queue(*pool);
  REQUIRE(queue.reserve(1).is_ok());
  std::atomic<std::int64_t> n_items = 0;
  std::atomic<bool> stop = false;
  queue.record(plan_of(100000), [&](const WorkRange& range) {
    for (std::int64_t i = range.first; i < range.last; ++i)
      if (n_items.fetch_add(1) == 500) stop = true;
    spin_for(std::chrono::microseconds(1) * (range.last - range.first));
  });
  CHECK_FALSE(queue.advance({Clock::time_point::max(), &stop}));
  CHECK(n_items > 500);
  CHECK(n_items < 50000);
  stop = false;
  CHECK(queue.advance({Clock::time_point::max(), &stop}));
  CHECK(n_items == 100000);
}
