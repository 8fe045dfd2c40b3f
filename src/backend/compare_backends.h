// Every operation of a backend against the same one of another, on random inputs of awkward sizes:
// what `nemotron devices --selftest` prints, and what the tests of a new backend begin with.
#pragma once

#include <functional>
#include <string>

#include "backend/backend.h"

namespace nemotron {

struct ComparedOperation {
  std::string name;    // "linear Q4_K", "attention q8"
  double error = 0.0;  // root mean square of the difference, relative to that of the reference
  double bound = 0.0;  // most that is allowed
  Status status;       // of running it
  bool is_good() const { return status.is_ok() && error <= bound; }
};

// Calls `told` for each operation. `has_native_f8`: the backend multiplies static FP8 by E4M3
// instructions. kOutOfMemory, kDeviceLost: what both could not be asked.
Status compare_backends(Backend& backend, Backend& reference, bool has_native_f8,
                        const std::function<void(const ComparedOperation&)>& told);

}  // namespace nemotron
