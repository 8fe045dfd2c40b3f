// The CPU backend: shares the outputs of each operation among the pool's threads and calls the
// kernels of one instruction set level. Weights are kept in the form that the
// level packs them into; activations are f32, and `linear` brings them into the form it reads.
#pragma once

#include <memory>

#include "backend/backend.h"
#include "kernels/cpu/kernel_table.h"

namespace nemotron {

struct CpuBackendOptions {
  int n_threads = 0;                              // 0: one per usable processor
  const kernels::KernelTable* kernels = nullptr;  // not null
  bool fp8_weight_only = false;                   // leave the inputs of FP8 products as they are
};

// kOutOfMemory when threads cannot be started.
Result<std::unique_ptr<Backend>> make_cpu_backend(const CpuBackendOptions& options);

}  // namespace nemotron
