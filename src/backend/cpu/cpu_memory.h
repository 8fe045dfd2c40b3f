// What things take in the memory of the CPU backend: a function of the kernel level and the number
// of threads alone.
#pragma once

#include "backend/backend_memory.h"
#include "kernels/cpu/kernel_table.h"

namespace nemotron {

class CpuMemory final : public BackendMemory {
 public:
  static constexpr std::size_t kMostRecords = 2;  // in the queue, of one operation

  CpuMemory(const kernels::KernelTable& kernels, int n_threads)
      : kernels_(kernels), n_threads_(n_threads) {}

  bool is_host() const override { return true; }
  std::uint64_t matrix_bytes(const MatrixSource& source) const override;
  std::uint64_t product_bytes(const MatrixSource& source) const override;
  std::uint64_t operation_bytes(std::size_t n_operations) const override;
  std::size_t activation_bytes(std::int64_t n_rows, std::int64_t n_columns) const override;
  std::size_t attention_bytes(std::int64_t n_rows, std::int64_t n_heads,
                              std::int64_t head_dim) const override;

  // Of one thread's part of product_bytes().
  std::size_t thread_scratch_bytes(const MatrixSource& source) const;
  // Of the rows of floats with which an activation begins.
  static std::size_t float_bytes(std::int64_t n_rows, std::int64_t n_columns);

 private:
  const kernels::KernelTable& kernels_;
  int n_threads_;
};

}  // namespace nemotron
