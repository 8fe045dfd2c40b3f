// The CPU backend: shares the outputs of each operation among the pool's threads and calls the
// kernels of one instruction set level. Weights stay in the type of the file, activations are f32.
#pragma once

#include <memory>

#include "backend/backend.h"
#include "kernels/cpu/kernel_table.h"

namespace nemotron {

struct CpuBackendOptions {
  int n_threads = 0;                              // 0: one per usable processor
  const kernels::KernelTable* kernels = nullptr;  // not null
};

// kOutOfMemory when threads cannot be started.
Result<std::unique_ptr<Backend>> make_cpu_backend(const CpuBackendOptions& options);

}  // namespace nemotron
