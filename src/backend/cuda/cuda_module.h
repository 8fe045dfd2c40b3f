// Finding and opening libnemotron-cuda.so, which holds the kernels.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "backend/cuda/module_abi.h"
#include "base/result.h"

namespace nemotron {

// Device code and who keeps it in memory.
struct CudaModule {
  std::shared_ptr<const nemo_cuda_module> table;
  std::string path;
};

// Opens the module at `path`, or, for an empty one, beside the library that this code is part of.
// kNoDevice with the reason: there is none, it cannot be opened, or it belongs to another version.
Result<CudaModule> open_cuda_module(const std::string& path);

// What open_cuda_module() asks of a table. kNoDevice.
Status check_cuda_module(const nemo_cuda_module* table, const std::string& path);

}  // namespace nemotron
