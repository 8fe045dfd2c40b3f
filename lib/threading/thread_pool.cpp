#include "threading/thread_pool.h"

#include <sched.h>

#include <algorithm>
#include <system_error>

namespace nemotron {

namespace {

// Loops follow each other closely while a model runs, and waking a parked thread takes longer than
// most of them. So a thread looks this often before it parks; not where threads outnumber
// processors, since there it would take the time of the one it waits for.
constexpr int kSpins = 1000;

void pause_briefly() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// Returns when `value` is no longer `old`, and what it is then.
template <typename T>
T wait_while(const std::atomic<T>& value, T old, int n_spins) {
  for (int i = 0; i < n_spins; ++i) {
    const T now = value.load(std::memory_order_acquire);
    if (now != old) return now;
    pause_briefly();
  }
  value.wait(old, std::memory_order_acquire);
  return value.load(std::memory_order_acquire);
}

}  // namespace

Result<std::unique_ptr<ThreadPool>> ThreadPool::create(int n_threads) {
  std::unique_ptr<ThreadPool> pool(new ThreadPool(n_threads <= usable_processors() ? kSpins : 0));
  try {
    pool->workers_.reserve(static_cast<std::size_t>(n_threads - 1));
    for (int i = 1; i < n_threads; ++i)
      pool->workers_.emplace_back([raw = pool.get(), i] { raw->work(i); });
  } catch (const std::system_error&) {
    return Status(StatusCode::kOutOfMemory, "the system refused to start a thread");
  }
  return pool;
}

ThreadPool::~ThreadPool() {
  stopping_.store(true);
  generation_.fetch_add(1);
  generation_.notify_all();
  for (std::thread& worker : workers_) worker.join();
}

void ThreadPool::run(const Loop& loop) {
  if (loop.n_items <= 0) return;
  if (workers_.empty() || loop.n_items <= loop.grain) {
    loop.call(loop.context, 0, loop.n_items, 0);
    return;
  }
  loop_ = loop;
  next_item_.store(0, std::memory_order_relaxed);
  n_busy_.store(static_cast<int>(workers_.size()), std::memory_order_relaxed);
  generation_.fetch_add(1, std::memory_order_release);
  generation_.notify_all();
  take_ranges(0);
  int busy = n_busy_.load(std::memory_order_acquire);
  while (busy != 0) busy = wait_while(n_busy_, busy, n_spins_);
}

void ThreadPool::work(int thread_index) {
  std::uint32_t seen = 0;
  for (;;) {
    seen = wait_while(generation_, seen, n_spins_);
    if (stopping_.load()) return;
    take_ranges(thread_index);
    if (n_busy_.fetch_sub(1, std::memory_order_acq_rel) == 1) n_busy_.notify_one();
  }
}

void ThreadPool::take_ranges(int thread_index) {
  for (;;) {
    const std::int64_t begin = next_item_.fetch_add(loop_.grain, std::memory_order_relaxed);
    if (begin >= loop_.n_items) return;
    loop_.call(loop_.context, begin, std::min(begin + loop_.grain, loop_.n_items), thread_index);
  }
}

int usable_processors() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) == 0) return std::max(1, CPU_COUNT(&set));
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

}  // namespace nemotron
