// What the operations of a phase took, beside what the machine allows.
#pragma once

#include <chrono>
#include <nemotron/nemotron.hpp>
#include <nlohmann/json.hpp>

#include "calibration.h"

// Measures the operations of one run.
class OperationBench {
 public:
  OperationBench(nemotron::Context& context, const MachineLimits& limits)
      : context_(context), limits_(limits) {}

  // Seconds that run() takes; the operations of the last run are measured, too.
  template <typename Run>
  double time(bool is_last, Run&& run) {
    if (is_last) context_.set_profiling(true);
    const auto start = std::chrono::steady_clock::now();
    run();
    const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
    if (is_last) end(elapsed.count());
    return elapsed.count();
  }

  // By kind, the slowest first, and last what lay between them. "of_limit" is the least time that
  // the machine could read the bytes and do the arithmetic in, as a part of the time it took.
  const nlohmann::ordered_json& report() const { return report_; }

 private:
  // The run took so long in all.
  void end(double seconds);

  nemotron::Context& context_;
  const MachineLimits& limits_;
  nlohmann::ordered_json report_;
};

void print_operations(const nlohmann::ordered_json& operations);
