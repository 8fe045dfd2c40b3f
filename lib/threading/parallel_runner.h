// Something that calls one function on several threads at once: threads of our own
// (worker_threads.h) or the job system of a host.
#pragma once

#include <cstdint>

namespace nemotron {

// Calls to job(arg, index) with indices below n_jobs, each at most once. A job must not wait for
// another one: they may run one after the other.
using Job = void (*)(void* arg, std::uint32_t index);

class ParallelRunner {
 public:
  virtual ~ParallelRunner() = default;
  virtual int n_jobs() const = 0;
  // Returns when all calls that began are over. The calls may be fewer than n_jobs(), at least one:
  // a job shares out work until none is left, and one that would come too late is left out. One
  // caller at a time; not after fork().
  virtual void run(Job job, void* arg) = 0;
  // Between these calls loops follow each other closely, so that waiting threads may stay awake.
  virtual void stay_awake(bool awake) = 0;
  // About how long a call of run() with nothing to do takes.
  virtual double overhead_ns() const = 0;
};

// A host's job system. `run` calls job(arg, i) once for each i < n_jobs, on any threads and in any
// order, and returns when all are done.
struct HostParallelFor {
  void (*run)(Job job, void* arg, std::uint32_t n_jobs, void* user) = nullptr;
  void* user = nullptr;
};

}  // namespace nemotron
