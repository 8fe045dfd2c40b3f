#include "threading/thread_pool.h"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>
#include <mutex>
#include <numeric>
#include <set>
#include <string>
#include <thread>
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

void host_one_thread(Job job, void* arg, std::uint32_t n_jobs, void* user) {
  *static_cast<int*>(user) += 1;
  for (std::uint32_t i = n_jobs; i-- > 0;) job(arg, i);
}

void host_threads(Job job, void* arg, std::uint32_t n_jobs, void*) {
  std::vector<std::thread> threads;
  for (std::uint32_t i = 0; i < n_jobs; ++i) threads.emplace_back(job, arg, i);
  for (std::thread& thread : threads) thread.join();
}

// Own threads, a host's single thread, a host's many.
std::vector<std::unique_ptr<ThreadPool>> all_pools(int n_threads, int& n_host_calls) {
  std::vector<std::unique_ptr<ThreadPool>> pools;
  pools.push_back(make_pool(n_threads));
  for (const HostParallelFor host :
       {HostParallelFor{host_one_thread, &n_host_calls}, HostParallelFor{host_threads, nullptr}}) {
    auto pool = ThreadPool::create(host, n_threads);
    REQUIRE(pool.is_ok());
    pools.push_back(std::move(pool).value());
  }
  return pools;
}

// Visits of [0, n), to find what was left out or done twice.
class Visits {
 public:
  explicit Visits(std::int64_t n) : counts_(static_cast<std::size_t>(n)) {}
  void add(std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) ++counts_[static_cast<std::size_t>(i)];
  }
  bool once_up_to(std::int64_t end) const {
    for (std::size_t i = 0; i < counts_.size(); ++i)
      if (counts_[i] != (static_cast<std::int64_t>(i) < end ? 1 : 0)) return false;
    return true;
  }

 private:
  std::vector<std::atomic<int>> counts_;
};

ParallelLoop loop_of(std::int64_t n_items, std::int64_t grain, std::int64_t unit = 1) {
  ParallelLoop loop;
  loop.n_items = n_items;
  loop.grain = grain;
  loop.unit = unit;
  return loop;
}

void spin_for(std::chrono::nanoseconds time) {
  const auto end = Clock::now() + time;
  while (Clock::now() < end) {
  }
}

}  // namespace

TEST_CASE("every index is visited exactly once, by a thread of the pool") {
  int n_host_calls = 0;
  for (const int n_threads : {1, 2, 5}) {
    for (const auto& pool : all_pools(n_threads, n_host_calls)) {
      CHECK(pool->n_threads() == n_threads);
      for (const std::int64_t n : {0, 1, 2, 7, 1000}) {
        for (const std::int64_t grain : {0, 1, 3, 5000}) {
          Visits visits(n);
          std::atomic<bool> bad_thread = false;
          pool->parallel_for(n, grain, [&](std::int64_t begin, std::int64_t end, int thread) {
            if (thread < 0 || thread >= n_threads) bad_thread = true;
            visits.add(begin, end);
          });
          CHECK_FALSE(bad_thread);
          CHECK(visits.once_up_to(n));
        }
      }
    }
  }
  CHECK(n_host_calls > 0);
}

TEST_CASE("a thread index belongs to one thread at a time") {
  int n_host_calls = 0;
  for (const auto& pool : all_pools(4, n_host_calls)) {
    std::atomic<int> in_use[4] = {};
    std::atomic<bool> twice = false;
    pool->parallel_for(2000, 1, [&](std::int64_t, std::int64_t, int thread) {
      if (in_use[thread].fetch_add(1) != 0) twice = true;
      spin_for(std::chrono::microseconds(1));
      in_use[thread].fetch_sub(1);
    });
    CHECK_FALSE(twice);
  }
}

TEST_CASE("loops follow each other without losing a range") {
  for (const int n_threads : {2, 4, 33}) {  // also many more threads than processors
    const auto pool = make_pool(n_threads);
    for (int round = 0; round < 3000; ++round) {
      std::int64_t sums[33] = {};  // no atomics: run() must order everything
      pool->parallel_for(50, 7, [&](std::int64_t begin, std::int64_t end, int thread) {
        for (std::int64_t i = begin; i < end; ++i) sums[thread] += i;
      });
      REQUIRE(std::accumulate(std::begin(sums), std::end(sums), std::int64_t{0}) == 49 * 50 / 2);
    }
  }
}

TEST_CASE("threads help: a long loop is shared") {
  const auto pool = make_pool(3);
  std::mutex mutex;
  std::set<std::thread::id> threads;
  pool->parallel_for(200, 1, [&](std::int64_t, std::int64_t, int) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    const std::lock_guard lock(mutex);
    threads.insert(std::this_thread::get_id());
  });
  CHECK(threads.size() == 3);
}

TEST_CASE("a loop past its deadline does one range when it must, else none") {
  int n_host_calls = 0;
  for (const auto& pool : all_pools(3, n_host_calls)) {
    ThreadPool::Work work(*pool, kPast);
    ParallelLoop loop = loop_of(1000, 40, 10);
    loop.limit = kPast;
    Visits visits(1000);
    const auto body = [&](std::int64_t begin, std::int64_t end, int) { visits.add(begin, end); };
    CHECK(work.run(loop, body).next_item == 0);
    CHECK(visits.once_up_to(0));
    loop.begin_one = true;
    CHECK(work.run(loop, body).next_item == 10);
    CHECK(visits.once_up_to(10));
  }
}

TEST_CASE("a loop is stopped by another thread and resumed from where it got") {
  int n_host_calls = 0;
  for (const auto& pool : all_pools(4, n_host_calls)) {
    std::atomic<bool> stop = false;
    ParallelLoop loop = loop_of(5000, 3, 1);
    loop.limit.stop = &stop;
    Visits visits(loop.n_items);
    int n_runs = 0;
    while (loop.first_item < loop.n_items) {
      stop = false;
      std::atomic<int> n_ranges = 0;
      ThreadPool::Work work(*pool, loop.limit);
      const LoopProgress progress = work.run(loop, [&](std::int64_t begin, std::int64_t end, int) {
        visits.add(begin, end);
        if (++n_ranges == 20) stop = true;  // whichever thread this is
      });
      REQUIRE(progress.next_item > loop.first_item);
      REQUIRE(visits.once_up_to(progress.next_item));
      loop.first_item = progress.next_item;
      ++n_runs;
    }
    CHECK(n_runs > 10);
  }
}

TEST_CASE("ranges are cut so that they are expected to end before the deadline") {
  const auto pool = make_pool(2);
  ThreadPool::Work work(*pool);
  ParallelLoop loop = loop_of(1 << 20, 64, 4);
  loop.item_ns = 10000.0;  // a range of 64: 0.64 ms; what four take does not fit twice
  loop.limit.deadline = Clock::now() + std::chrono::milliseconds(5);
  loop.measure = true;
  std::atomic<std::int64_t> longest = 0;
  std::atomic<bool> off_unit = false;
  const LoopProgress progress = work.run(loop, [&](std::int64_t begin, std::int64_t end, int) {
    if (begin % 4 != 0) off_unit = true;
    longest = std::max<std::int64_t>(longest, end - begin);
    spin_for(std::chrono::microseconds(10) * (end - begin));
  });
  CHECK_FALSE(off_unit);
  CHECK(longest == 64);
  CHECK(progress.next_item >= 64);
  CHECK(progress.next_item < 2000);  // 5 ms on two threads are 1000 items
  CHECK(progress.busy_items > 0);
  CHECK(progress.busy_items < progress.next_item);
  CHECK(progress.busy_ns >= progress.busy_items * 10000);
  CHECK(progress.longest_ns >= 640000);
}

TEST_CASE("users of one pool take turns") {
  const auto pool = make_pool(3);
  std::atomic<int> n_users = 0;
  std::atomic<bool> overlap = false;
  const auto use = [&](bool with_deadline) {
    for (int i = 0; i < 200; ++i) {
      RunLimit limit;
      if (with_deadline) limit.deadline = Clock::now() + std::chrono::seconds(10);
      ThreadPool::Work work(*pool, limit);
      for (int k = 0; k < 3; ++k) {
        std::atomic<std::int64_t> sum = 0;
        ParallelLoop loop = loop_of(40, 3);
        loop.limit = limit;
        work.run(loop, [&](std::int64_t begin, std::int64_t end, int thread) {
          // Who works alone because another has the pool is thread 0 of its own.
          if (thread != 0 && n_users.fetch_add(1) > 2) overlap = true;
          for (std::int64_t j = begin; j < end; ++j) sum += j;
          if (thread != 0) n_users.fetch_sub(1);
        });
        if (sum != 39 * 40 / 2) overlap = true;
        work.take_turns(limit);
      }
    }
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) threads.emplace_back(use, i == 3);
  for (std::thread& thread : threads) thread.join();
  CHECK_FALSE(overlap);
}

TEST_CASE("a user with a deadline does not wait for another one") {
  const auto pool = make_pool(2);
  const ThreadPool::Work holder(*pool);
  RunLimit limit;
  limit.deadline = Clock::now() + std::chrono::seconds(60);
  std::thread other([&] {
    ThreadPool::Work work(*pool, limit);
    ParallelLoop loop = loop_of(100, 1);
    loop.limit = limit;
    bool only_caller = true;
    const auto caller = std::this_thread::get_id();
    const auto progress = work.run(loop, [&](std::int64_t, std::int64_t, int thread) {
      if (thread != 0 || std::this_thread::get_id() != caller) only_caller = false;
    });
    CHECK(only_caller);
    CHECK(progress.next_item == 100);
  });
  other.join();
}

TEST_CASE("a pool with many waiting users serves all") {
  const auto pool = make_pool(2);
  std::atomic<int> n_done = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      ThreadPool::Work work(*pool);
      for (int k = 0; k < 20; ++k) {
        work.run(loop_of(8, 1),
                 [](std::int64_t, std::int64_t, int) { spin_for(std::chrono::microseconds(50)); });
        work.take_turns({});
      }
      ++n_done;
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(n_done == 8);
}

TEST_CASE("numbers of threads that make no pool") {
  for (const int n_threads : {0, -1, ThreadPool::kMaxThreads + 1}) {
    const auto pool = ThreadPool::create(n_threads);
    REQUIRE_FALSE(pool.is_ok());
    CHECK(pool.status().code() == StatusCode::kInvalidArgument);
    CHECK(pool.status().message().find(std::to_string(n_threads)) == 0);
  }
  CHECK_FALSE(ThreadPool::create(HostParallelFor{}, 2).is_ok());
}

TEST_CASE("in a forked child a pool says so, and is destroyed without its threads") {
  auto pool = make_pool(3);
  pool->parallel_for(100, 1, [](std::int64_t, std::int64_t, int) {});
  CHECK_FALSE(pool->is_forked_child());
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    alarm(20);  // a child that hangs dies
    const bool says_so = pool->is_forked_child();
    pool.reset();
    _exit(says_so ? 0 : 1);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
  std::atomic<int> n = 0;
  pool->parallel_for(100, 1, [&](std::int64_t begin, std::int64_t end, int) {
    n += static_cast<int>(end - begin);
  });
  CHECK(n == 100);
}

TEST_CASE("at least one processor is usable") { CHECK(usable_processors() >= 1); }
