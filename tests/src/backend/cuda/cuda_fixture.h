// An engine over the CUDA backend and a driver without a device.
#pragma once

#include "backend/cuda/cuda_backend.h"
#include "mock_cuda.h"
#include "model/golden_case.h"

namespace nemotron::test {

// What Engine::create says; MockCuda as it is.
inline Result<std::shared_ptr<Engine>> try_cuda_engine(
    const std::string& path, const EngineOptions& options = {},
    const CudaBackendOptions& backend_options = {}) {
  auto file = open_model(path);
  INFO(file.status().message());
  REQUIRE(file.is_ok());
  NEMO_ASSIGN(auto backend,
              CudaBackend::create(MockCuda::driver(), MockCuda::module(), backend_options));
  return Engine::create(file.value(), std::move(backend), options, {});
}

inline std::shared_ptr<Engine> cuda_engine(const std::string& path,
                                           const EngineOptions& options = {},
                                           const CudaBackendOptions& backend_options = {}) {
  auto engine = try_cuda_engine(path, options, backend_options);
  INFO(engine.status().message());
  REQUIRE(engine.is_ok());
  return std::move(engine).value();
}

// With the plain kernels alone.
inline CudaBackendOptions plain_kernels() {
  CudaBackendOptions options;
  options.plain_kernels = kAllKernels;
  return options;
}

}  // namespace nemotron::test
