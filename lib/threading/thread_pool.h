// Shares out the index range of one loop at a time among a fixed number of threads, its own or
// those of a host's job system. Which thread takes which part is not fixed, so a body must compute
// each index independently of the others. A loop can stop at a deadline, or when told to, and be
// taken up again from the first index that was not done. Several users of a pool take turns.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>

#include "base/result.h"
#include "threading/parallel_runner.h"
#include "threading/process_mark.h"
#include "threading/run_limit.h"
#include "threading/turns.h"
#include "threading/worker_threads.h"

namespace nemotron {

// One loop over [first_item, n_items).
struct ParallelLoop {
  std::int64_t first_item = 0;  // a multiple of `unit`, as all ranges begin
  std::int64_t n_items = 0;
  std::int64_t grain = 1;  // most items of a range; a multiple of `unit`
  std::int64_t unit = 1;
  // Where the limit is one: no range begins that is not expected to end before the deadline, and
  // none once it stops; except the first range, if one has to begin.
  RunLimit limit;
  double item_ns = 0.0;  // expected of one item
  bool begin_one = false;
  bool alone = false;    // on the calling thread only: not worth waking others
  bool measure = false;  // fill in the times below
};

// What became of it.
struct LoopProgress {
  std::int64_t next_item = 0;  // all before it are done, and none from it on
  // Where the loop was measured: what some of its items took, by the ranges that were not the
  // slowest of their thread, since the system may have taken its processor away.
  std::int64_t busy_ns = 0;
  std::int64_t busy_items = 0;
  std::int64_t longest_ns = 0;  // of one range
};

class ThreadPool {
 public:
  class Work;

  // `n_threads` from 1 to kMaxThreads counts the calling thread. kOutOfMemory when the system
  // refuses a thread, kInvalidArgument for another number.
  static Result<std::unique_ptr<ThreadPool>> create(int n_threads);
  // On the threads of a host, up to n_threads at once.
  static Result<std::unique_ptr<ThreadPool>> create(HostParallelFor host, int n_threads);
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  static constexpr int kMaxThreads = 4095;

  int n_threads() const { return runner_->n_jobs(); }
  // In such a child the pool has no threads: it may be destroyed, and nothing else.
  bool is_forked_child() const { return home_.is_forked_child(); }
  // What sharing out one loop costs.
  double overhead_ns() const { return runner_->overhead_ns(); }

  // Calls body(begin, end, thread_index) for disjoint ranges of at most `grain` indices that cover
  // [0, n_items), and returns when all are done; thread_index < n_threads(). Waits for its turn;
  // body must not throw or use this pool.
  template <typename Body>
  void parallel_for(std::int64_t n_items, std::int64_t grain, const Body& body);

 private:
  explicit ThreadPool(std::unique_ptr<ParallelRunner> runner) : runner_(std::move(runner)) {}

  ProcessMark home_;
  std::unique_ptr<ParallelRunner> runner_;
  Turns turns_;
};

// The use of a pool for some loops in a row: other users wait, and threads stay awake. A user with
// a deadline does not wait for others: it works on the calling thread alone until it gets the pool.
class ThreadPool::Work {
 public:
  explicit Work(ThreadPool& pool, const RunLimit& limit = {});
  ~Work();
  Work(const Work&) = delete;
  Work& operator=(const Work&) = delete;

  // Between two loops: lets others have their turn if they wait and this one took long.
  void take_turns(const RunLimit& limit);

  // body(begin, end, thread_index) for the loop's ranges.
  template <typename Body>
  LoopProgress run(const ParallelLoop& loop, const Body& body) {
    const auto call = [](const void* context, std::int64_t begin, std::int64_t end, int thread) {
      (*static_cast<const Body*>(context))(begin, end, thread);
    };
    return run_ranges(loop, call, &body);
  }

 private:
  using Call = void (*)(const void* context, std::int64_t begin, std::int64_t end, int thread);

  void begin(const RunLimit& limit);
  void end();
  LoopProgress run_ranges(const ParallelLoop& loop, Call call, const void* context);

  ThreadPool& pool_;
  bool has_pool_ = false;
  RunLimit::Clock::time_point since_;  // has_pool_
};

template <typename Body>
void ThreadPool::parallel_for(std::int64_t n_items, std::int64_t grain, const Body& body) {
  ParallelLoop loop;
  loop.n_items = n_items;
  loop.grain = grain < 1 ? 1 : grain;
  Work(*this).run(loop, body);
}

}  // namespace nemotron
