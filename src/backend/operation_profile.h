// What the operations of a backend took, by kind and type: how often each ran, the time, and what
// it had to read, write and compute.
#pragma once

#include <cstdint>
#include <string>

#include "kernels/common/linear_params.h"

namespace nemotron {

using kernels::Arithmetic;

struct OperationFigures {
  std::string name;  // its kind, and the type of what it reads: "linear Q5_0"
  Arithmetic arithmetic = Arithmetic::kF32;
  std::uint64_t n_runs = 0;
  std::uint64_t ns = 0;          // from beginning to end, all threads at work together
  std::uint64_t n_bytes = 0;     // of weights and states; activations are taken to be in a cache
  std::uint64_t operations = 0;  // a multiplication and an addition are two
};

}  // namespace nemotron
