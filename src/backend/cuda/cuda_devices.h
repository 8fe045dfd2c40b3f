// Which CUDA devices there are, and why one, or all of them, cannot be used.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "backend/cuda/cuda_module.h"
#include "backend/cuda/driver.h"

namespace nemotron {

struct CudaDeviceInfo {
  int index = 0;
  std::string name;               // empty where there is no device at all
  std::uint64_t total_bytes = 0;  // of memory
  int n_processors = 0;           // streaming multiprocessors
  int compute_capability = 0;     // 90 for 9.0
  Status usable;                  // or kNoDevice with the reason
};

// The driver's devices, or one entry without a name that says why there are none. No context is
// made: what only loading the kernels can tell is not known here.
std::vector<CudaDeviceInfo> list_cuda_devices(const Result<CudaDriver>& driver,
                                              const Result<CudaModule>& module);

}  // namespace nemotron
