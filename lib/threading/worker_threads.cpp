#include "threading/worker_threads.h"

#include <sched.h>

#include <algorithm>
#include <string>
#include <system_error>

namespace nemotron {

namespace {

// Loops follow each other closely while a model runs, and waking a parked thread takes longer than
// most of them. So a thread looks this often before it parks; not where threads outnumber
// processors, since there it would take the time of the one it waits for.
constexpr int kSpins = 1000;

constexpr std::uint32_t kJoinedMask = (1u << 12) - 1;
constexpr std::uint32_t kOpen = 1u << 12;
constexpr std::uint32_t kAwake = 1u << 13;
constexpr std::uint32_t kStopping = 1u << 14;
constexpr std::uint32_t kOneJob = 1u << 15;
constexpr std::uint32_t kJobMask = ~(kOneJob - 1);

void pause_briefly() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// Returns when `value` is no longer `old`, and what it is then.
std::uint32_t wait_while(const std::atomic<std::uint32_t>& value, std::uint32_t old, int n_spins) {
  for (int i = 0; i < n_spins; ++i) {
    const std::uint32_t now = value.load(std::memory_order_acquire);
    if (now != old) return now;
    pause_briefly();
  }
  value.wait(old, std::memory_order_acquire);
  return value.load(std::memory_order_acquire);
}

}  // namespace

Result<std::unique_ptr<ParallelRunner>> WorkerThreads::create(int n_jobs) {
  std::unique_ptr<WorkerThreads> workers(
      new WorkerThreads(n_jobs <= usable_processors() ? kSpins : 0));
  try {
    workers->threads_->reserve(static_cast<std::size_t>(n_jobs - 1));
    for (int i = 1; i < n_jobs; ++i)
      workers->threads_->emplace_back(
          [raw = workers.get(), i] { raw->work(static_cast<std::uint32_t>(i)); });
  } catch (const std::system_error&) {
    return Status(StatusCode::kOutOfMemory, "the system refused to start a thread");
  }
  return std::unique_ptr<ParallelRunner>(std::move(workers));
}

WorkerThreads::~WorkerThreads() {
  if (home_.is_forked_child()) {
    static_cast<void>(threads_.release());  // a handle can be neither joined nor destroyed here
    return;
  }
  state_.fetch_or(kStopping, std::memory_order_release);
  state_.notify_all();
  for (std::thread& thread : *threads_) thread.join();
}

void WorkerThreads::stay_awake(bool awake) {
  // No notification: the next job wakes those who are parked, and who is awake will see it.
  if (awake) {
    state_.fetch_or(kAwake, std::memory_order_relaxed);
  } else {
    state_.fetch_and(~kAwake, std::memory_order_relaxed);
  }
}

void WorkerThreads::run(Job job, void* arg) {
  job_ = job;
  arg_ = arg;
  n_finished_.store(0, std::memory_order_relaxed);
  const std::uint32_t before = state_.load(std::memory_order_relaxed);
  state_.store(((before & ~kJoinedMask) + kOneJob) | kOpen, std::memory_order_release);
  state_.notify_all();
  job(arg, 0);
  const std::uint32_t n_joined = state_.fetch_and(~kOpen, std::memory_order_acq_rel) & kJoinedMask;
  std::uint32_t finished = n_finished_.load(std::memory_order_acquire);
  while (finished != n_joined) finished = wait_while(n_finished_, finished, n_spins_);
}

// Takes part in the open job, unless it closes first; `state` is as it was seen last.
bool WorkerThreads::join(std::uint32_t& state) {
  while ((state & kOpen) != 0)
    if (state_.compare_exchange_weak(state, state + 1, std::memory_order_acq_rel,
                                     std::memory_order_acquire))
      return true;
  return false;
}

void WorkerThreads::work(std::uint32_t index) {
  std::uint32_t last_job = 0;
  std::uint32_t state = state_.load(std::memory_order_acquire);
  while ((state & kStopping) == 0) {
    if ((state & kJobMask) != last_job && join(state)) {
      last_job = state & kJobMask;
      job_(arg_, index);
      n_finished_.fetch_add(1, std::memory_order_release);
      n_finished_.notify_one();
      state = state_.load(std::memory_order_acquire);
    } else {
      state = wait_while(state_, state, (state & kAwake) != 0 ? n_spins_ : 0);
    }
  }
}

int usable_processors() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) == 0) return std::max(1, CPU_COUNT(&set));
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

}  // namespace nemotron
