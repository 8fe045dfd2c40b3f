#include "threading/thread_pool.h"

#include <algorithm>
#include <atomic>
#include <string>

#include "threading/host_runner.h"

namespace nemotron {

namespace {

using Clock = RunLimit::Clock;

// How long one user keeps a pool that others wait for.
constexpr std::chrono::milliseconds kTurn{2};

std::int64_t ns_between(Clock::time_point begin, Clock::time_point end) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(end - begin).count();
}

// A loop while threads take ranges of it.
struct SharedLoop {
  const ParallelLoop& loop;
  void (*call)(const void*, std::int64_t, std::int64_t, int);
  const void* context;
  alignas(64) std::atomic<std::int64_t> next_item;
  alignas(64) std::atomic<std::int64_t> busy_ns{0};
  std::atomic<std::int64_t> busy_items{0};
  std::atomic<std::int64_t> longest_ns{0};
};

// Items of the next range; 0: stop here.
std::int64_t range_size(const ParallelLoop& loop, Clock::time_point now) {
  if (loop.limit.is_stopped()) return 0;
  if (!loop.limit.has_deadline()) return loop.grain;
  if (now >= loop.limit.deadline) return 0;  // before subtracting: it may be the earliest time
  const double left_ns = static_cast<double>(ns_between(now, loop.limit.deadline));
  if (left_ns >= loop.item_ns * static_cast<double>(loop.grain)) return loop.grain;
  return static_cast<std::int64_t>(left_ns / loop.item_ns) / loop.unit * loop.unit;
}

// The time, where somebody wants to know it: reading the clock takes as long as a small range.
Clock::time_point now_if(bool needed) { return needed ? Clock::now() : Clock::time_point(); }

// The ranges of one thread.
class Stopwatch {
 public:
  void add(std::int64_t n_items, std::int64_t ns) {
    ++n_ranges_;
    n_items_ += n_items;
    ns_ += ns;
    if (ns < longest_ns_) return;
    longest_ns_ = ns;
    longest_items_ = n_items;
  }
  void report(SharedLoop& shared) const {
    const bool without_longest = n_ranges_ > 1;
    shared.busy_ns.fetch_add(ns_ - (without_longest ? longest_ns_ : 0), std::memory_order_relaxed);
    shared.busy_items.fetch_add(n_items_ - (without_longest ? longest_items_ : 0),
                                std::memory_order_relaxed);
    std::int64_t before = shared.longest_ns.load(std::memory_order_relaxed);
    while (before < longest_ns_ && !shared.longest_ns.compare_exchange_weak(
                                       before, longest_ns_, std::memory_order_relaxed)) {
    }
  }

 private:
  std::int64_t n_ranges_ = 0;
  std::int64_t n_items_ = 0;
  std::int64_t ns_ = 0;
  std::int64_t longest_ns_ = 0;
  std::int64_t longest_items_ = 0;
};

void take_ranges(SharedLoop& shared, int thread) {
  const ParallelLoop& loop = shared.loop;
  const bool has_clock = loop.measure || loop.limit.has_deadline();
  Clock::time_point now = now_if(has_clock);
  Stopwatch stopwatch;
  bool may_begin_one = loop.begin_one && thread == 0;
  for (;;) {
    std::int64_t n = range_size(loop, now);
    if (n == 0 && may_begin_one) n = loop.unit;
    may_begin_one = false;
    if (n == 0) break;
    const std::int64_t begin = shared.next_item.fetch_add(n, std::memory_order_relaxed);
    if (begin >= loop.n_items) break;
    const std::int64_t end = std::min(begin + n, loop.n_items);
    shared.call(shared.context, begin, end, thread);
    const Clock::time_point end_time = now_if(has_clock);
    stopwatch.add(end - begin, ns_between(now, end_time));
    now = end_time;
  }
  if (loop.measure) stopwatch.report(shared);
}

Status check_count(int n_threads) {
  if (n_threads >= 1 && n_threads <= ThreadPool::kMaxThreads) return Status::ok();
  return {StatusCode::kInvalidArgument, std::to_string(n_threads) + " threads; possible are 1 to " +
                                            std::to_string(ThreadPool::kMaxThreads)};
}

}  // namespace

Result<std::unique_ptr<ThreadPool>> ThreadPool::create(int n_threads) {
  NEMO_TRY(check_count(n_threads));
  NEMO_ASSIGN(auto runner, WorkerThreads::create(n_threads));
  return std::unique_ptr<ThreadPool>(new ThreadPool(std::move(runner)));
}

Result<std::unique_ptr<ThreadPool>> ThreadPool::create(HostParallelFor host, int n_threads) {
  NEMO_TRY(check_count(n_threads));
  if (host.run == nullptr)
    return Status(StatusCode::kInvalidArgument, "the host's parallel_for is null");
  return std::unique_ptr<ThreadPool>(new ThreadPool(std::make_unique<HostRunner>(host, n_threads)));
}

ThreadPool::Work::Work(ThreadPool& pool, const RunLimit& limit) : pool_(pool) { begin(limit); }

ThreadPool::Work::~Work() {
  if (has_pool_) end();
}

void ThreadPool::Work::begin(const RunLimit& limit) {
  if (limit.has_deadline()) {
    has_pool_ = pool_.turns_.try_acquire();
  } else {
    pool_.turns_.acquire();
    has_pool_ = true;
  }
  if (!has_pool_) return;
  since_ = Clock::now();
  pool_.runner_->stay_awake(true);
}

void ThreadPool::Work::end() {
  pool_.runner_->stay_awake(false);
  has_pool_ = false;
  pool_.turns_.release();
}

void ThreadPool::Work::take_turns(const RunLimit& limit) {
  if (has_pool_) {
    if (!pool_.turns_.is_wanted() || Clock::now() - since_ < kTurn) return;
    end();
  }
  begin(limit);
}

LoopProgress ThreadPool::Work::run_ranges(const ParallelLoop& loop, Call call,
                                          const void* context) {
  const bool is_shared = has_pool_ && !loop.alone && pool_.n_threads() > 1 &&
                         loop.n_items - loop.first_item > loop.grain;
  ParallelLoop own = loop;
  if (!is_shared && !loop.limit.is_limited()) own.grain = std::max(loop.n_items, loop.grain);
  SharedLoop shared{own, call, context, loop.first_item};
  if (!is_shared) {
    take_ranges(shared, 0);
  } else {
    pool_.runner_->run(
        [](void* arg, std::uint32_t index) {
          take_ranges(*static_cast<SharedLoop*>(arg), static_cast<int>(index));
        },
        &shared);
  }
  return {std::min(shared.next_item.load(std::memory_order_relaxed), loop.n_items),
          shared.busy_ns.load(std::memory_order_relaxed),
          shared.busy_items.load(std::memory_order_relaxed),
          shared.longest_ns.load(std::memory_order_relaxed)};
}

}  // namespace nemotron
