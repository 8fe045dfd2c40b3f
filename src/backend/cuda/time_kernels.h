// How long the operations of which there are two kernels take with each, on inputs of a model's
// size: which kernels a device is better off without.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "backend/cuda/cuda_backend.h"

namespace nemotron {

// Of which size. The defaults are those of Nemotron 3 Nano 4B.
struct TimedShapes {
  std::int64_t n_columns = 3136;    // of a product, whose matrix is 4 times as wide
  std::int64_t n_rows = 512;        // of a prompt; decoding is one row
  std::int64_t n_positions = 4096;  // before attention's rows
  std::int64_t n_heads = 40;
  std::int64_t n_kv_heads = 8;
  std::int64_t attention_head_dim = 128;
  std::int64_t n_ssm_heads = 96;
  std::int64_t ssm_head_dim = 80;
  std::int64_t d_state = 128;
  std::int64_t n_groups = 8;
  int n_runs = 20;  // of each, whose time is divided by it
};

struct TimedOperation {
  std::string name;  // "product Q5_0, 1 row"
  CudaKernels kernels = kAllKernels;
  double plain_us = 0.0;  // microseconds
  double tuned_us = 0.0;
};

// Calls `told` for each. The CudaKernels whose operations, all together, each counted as a part of
// what the plain one takes, are slower tuned. kOutOfMemory, kDeviceLost.
Result<std::uint32_t> time_kernels(CudaBackend& plain, CudaBackend& tuned,
                                   const TimedShapes& shapes,
                                   const std::function<void(const TimedOperation&)>& told);

}  // namespace nemotron
