// Runs jobs on the threads of a host's job system.
#pragma once

#include "threading/parallel_runner.h"

namespace nemotron {

class HostRunner final : public ParallelRunner {
 public:
  HostRunner(HostParallelFor host, int n_jobs) : host_(host), n_jobs_(n_jobs) {}

  int n_jobs() const override { return n_jobs_; }
  void run(Job job, void* arg) override {
    host_.run(job, arg, static_cast<std::uint32_t>(n_jobs_), host_.user);
  }
  void stay_awake(bool) override {}
  double overhead_ns() const override {
    return 10000.0;
  }  // queues, locks and wake-ups we cannot see

 private:
  HostParallelFor host_;
  int n_jobs_;
};

}  // namespace nemotron
