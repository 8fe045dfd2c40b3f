// A fixed set of threads that share out the index range of one loop at a time. Which thread takes
// which part is not fixed, so a body must compute each index independently of the others.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

#include "base/result.h"

namespace nemotron {

class ThreadPool {
 public:
  // `n_threads` >= 1 counts the calling thread. kOutOfMemory when the system refuses a thread.
  static Result<std::unique_ptr<ThreadPool>> create(int n_threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int n_threads() const { return static_cast<int>(workers_.size()) + 1; }

  // Calls body(begin, end, thread_index) for disjoint ranges of at most `grain` indices that cover
  // [0, n_items), and returns when all are done; thread_index < n_threads(). One caller at a time;
  // body must not throw or call parallel_for.
  template <typename Body>
  void parallel_for(std::int64_t n_items, std::int64_t grain, const Body& body) {
    const auto call = [](const void* context, std::int64_t begin, std::int64_t end, int thread) {
      (*static_cast<const Body*>(context))(begin, end, thread);
    };
    run(Loop{n_items, grain < 1 ? 1 : grain, &body, call});
  }

 private:
  struct Loop {
    std::int64_t n_items = 0;
    std::int64_t grain = 1;
    const void* context = nullptr;
    void (*call)(const void*, std::int64_t, std::int64_t, int) = nullptr;
  };

  explicit ThreadPool(int n_spins) : n_spins_(n_spins) {}
  void run(const Loop& loop);
  void work(int thread_index);
  void take_ranges(int thread_index);

  const int n_spins_;  // looks at what a thread waits for, before it parks
  std::vector<std::thread> workers_;
  Loop loop_;
  std::atomic<std::int64_t> next_item_{0};
  std::atomic<std::uint32_t> generation_{0};  // counts loops; workers wait for it to change
  std::atomic<int> n_busy_{0};
  std::atomic<bool> stopping_{false};
};

// Processors this process may use (its affinity mask); at least 1.
int usable_processors();

}  // namespace nemotron
