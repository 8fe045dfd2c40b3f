// Threads that help the calling thread with one job at a time. A thread that is not awake in time
// is not waited for: the job is closed when the caller is done with its part, and the caller waits
// for those who joined before.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

#include "base/result.h"
#include "threading/parallel_runner.h"
#include "threading/process_mark.h"

namespace nemotron {

class WorkerThreads final : public ParallelRunner {
 public:
  // `n_jobs` from 1 to 4096 counts the calling thread. kOutOfMemory when the system refuses a
  // thread.
  static Result<std::unique_ptr<ParallelRunner>> create(int n_jobs);
  // In a forked child, where the threads are not, gives up their handles instead of joining them.
  ~WorkerThreads() override;

  int n_jobs() const override { return static_cast<int>(threads_->size()) + 1; }
  void run(Job job, void* arg) override;
  void stay_awake(bool awake) override;
  double overhead_ns() const override { return 1000.0; }

 private:
  explicit WorkerThreads(int n_spins) : n_spins_(n_spins) {}
  void work(std::uint32_t index);
  bool join(std::uint32_t& state);

  const int n_spins_;  // looks at what a thread waits for, before it parks
  const ProcessMark home_;
  std::unique_ptr<std::vector<std::thread>> threads_ = std::make_unique<std::vector<std::thread>>();
  Job job_ = nullptr;  // these two change only while no job is open and none runs
  void* arg_ = nullptr;
  // How many joined the job (low bits), whether one is open, whether threads stay awake or stop,
  // and the number of the job (high bits). Threads wait for it to change.
  alignas(64) std::atomic<std::uint32_t> state_{0};
  alignas(64) std::atomic<std::uint32_t> n_finished_{0};  // of those who joined
};

// Processors this process may use (its affinity mask); at least 1.
int usable_processors();

}  // namespace nemotron
