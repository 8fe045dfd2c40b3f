// Where a context computes: the CPU, or a CUDA device.
#pragma once

#include <nemotron/nemotron.h>

#include <optional>
#include <string>

#include "backend/cuda/cuda_backend.h"

namespace nemotron::api {

// What a CUDA backend is made of.
struct CudaChoice {
  CudaDriver driver;
  CudaModule module;
  CudaBackendOptions options;
};

// Empty for the CPU; `why_not` then says why it is not a device that NEMO_DEVICE_AUTO would have
// taken. With NEMO_DEVICE_CUDA that is an error: kNoDevice.
Result<std::optional<CudaChoice>> choose_device(const nemo_context_options& options,
                                                std::string& why_not);

}  // namespace nemotron::api
