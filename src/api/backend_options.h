// What a host lends a context: threads and memory.
#pragma once

#include <nemotron/nemotron.h>

#include "backend/cpu/cpu_backend.h"
#include "base/result.h"

namespace nemotron::api {

// With the pool made, or that of share_threads. kInvalidArgument, kStructSize, kState, kForked;
// kOutOfMemory.
Result<CpuBackendOptions> read_backend_options(const nemo_context_options& options,
                                               const kernels::KernelTable* kernels);

}  // namespace nemotron::api
