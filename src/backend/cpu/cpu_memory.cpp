#include "backend/cpu/cpu_memory.h"

#include <algorithm>

#include "backend/cpu/mapped_weights.h"
#include "backend/cpu/operation_queue.h"
#include "backend/cpu/pack_weights.h"
#include "base/checked_math.h"

namespace nemotron {

namespace {
constexpr std::size_t kAlignment = 64;
}

std::uint64_t CpuMemory::matrix_bytes(const MatrixSource& source) const {
  return stored_bytes(source, kernels_);
}

std::uint64_t CpuMemory::product_bytes(const MatrixSource& source) const {
  return std::uint64_t{thread_scratch_bytes(source)} * static_cast<std::uint64_t>(n_threads_);
}

std::uint64_t CpuMemory::operation_bytes(std::size_t n_operations) const {
  return OperationQueue::record_bytes(n_operations * kMostRecords);
}

std::size_t CpuMemory::activation_bytes(std::int64_t n_rows, std::int64_t n_columns) const {
  std::int64_t prepared = 0;
  for (int i = 0; i < kNumTensorTypes; ++i)
    prepared =
        std::max(prepared, kernels_.prepared_bytes(static_cast<TensorType>(i), n_rows, n_columns));
  return float_bytes(n_rows, n_columns) + static_cast<std::size_t>(prepared);
}

std::size_t CpuMemory::attention_bytes(std::int64_t n_rows, std::int64_t n_heads,
                                       std::int64_t /*head_dim*/) const {
  return static_cast<std::size_t>(n_rows * 2 * n_heads) * sizeof(float);
}

std::size_t CpuMemory::thread_scratch_bytes(const MatrixSource& source) const {
  if (source.use != MatrixUse::kProduct) return 0;
  if (source.is_mapped) return mapped_scratch_bytes(kernels_, source.type, source.n_columns);
  const std::int64_t bytes = kernels_.linear_scratch_bytes(source.type, source.n_columns);
  return round_up(static_cast<std::size_t>(bytes), kAlignment);
}

std::size_t CpuMemory::float_bytes(std::int64_t n_rows, std::int64_t n_columns) {
  return round_up(static_cast<std::size_t>(n_rows * n_columns) * sizeof(float), kAlignment);
}

}  // namespace nemotron
