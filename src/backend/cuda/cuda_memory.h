// What things take in the memory of the CUDA backend.
#pragma once

#include "backend/backend_memory.h"

namespace nemotron {

class CudaMemory final : public BackendMemory {
 public:
  bool is_host() const override { return false; }
  std::uint64_t matrix_bytes(const MatrixSource& source) const override;
  std::uint64_t product_bytes(const MatrixSource& source) const override;
  std::uint64_t operation_bytes(std::size_t n_operations) const override;
  std::size_t activation_bytes(std::int64_t n_rows, std::int64_t n_columns) const override;

  // Of the rows of floats with which an activation begins; behind them is as much again, for what a
  // product with static FP8 makes of them.
  static std::size_t float_bytes(std::int64_t n_rows, std::int64_t n_columns);
};

}  // namespace nemotron
