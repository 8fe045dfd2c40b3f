// What the operations of a phase took, beside what the machine allows.
#pragma once

#include <nemotron/nemotron.hpp>
#include <nlohmann/json.hpp>

#include "calibration.h"

// Measures the operations of one run.
class OperationBench {
 public:
  OperationBench(nemotron::Context& context, const MachineLimits& limits)
      : context_(context), limits_(limits) {}

  void begin() { context_.set_profiling(true); }
  // The run took so long in all.
  void end(double seconds);

  // By kind, the slowest first, and last what lay between them. "of_limit" is the least time that
  // the machine could read the bytes and do the arithmetic in, as a part of the time it took.
  const nlohmann::ordered_json& report() const { return report_; }

 private:
  nemotron::Context& context_;
  const MachineLimits& limits_;
  nlohmann::ordered_json report_;
};

void print_operations(const nlohmann::ordered_json& operations);
