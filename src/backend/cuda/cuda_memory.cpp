#include "backend/cuda/cuda_memory.h"

#include "backend/cuda/command_queue.h"
#include "base/checked_math.h"
#include "kernels/common/linear_params.h"
#include "kernels/cuda/launch_shapes.h"
#include "kernels/cuda/packed_layout.h"

namespace nemotron {

bool CudaMemory::is_packed(const MatrixSource& source) const {
  return uses_tensor_cores_ && source.use == MatrixUse::kProduct &&
         kernels::cuda::is_packed_type(source.type);
}

std::uint64_t CudaMemory::matrix_bytes(const MatrixSource& source) const {
  if (is_packed(source))
    return static_cast<std::uint64_t>(
        kernels::cuda::packed_bytes(source.type, source.n_rows, source.n_columns));
  return static_cast<std::uint64_t>(source.n_rows *
                                    kernels::row_bytes(source.type, source.n_columns));
}

std::uint64_t CudaMemory::product_bytes(const MatrixSource&) const { return 0; }

std::uint64_t CudaMemory::operation_bytes(std::size_t) const { return CommandQueue::kInputBytes; }

std::size_t CudaMemory::activation_bytes(std::int64_t n_rows, std::int64_t n_columns) const {
  return float_bytes(n_rows, n_columns) + 2 * prepared_bytes(n_rows, n_columns);
}

std::size_t CudaMemory::attention_bytes(std::int64_t n_rows, std::int64_t n_heads,
                                        std::int64_t head_dim) const {
  const std::int64_t carry = n_rows * 2 * n_heads;
  return static_cast<std::size_t>(attention_scratch_floats(n_heads, head_dim) + carry) *
         sizeof(float);
}

std::int64_t CudaMemory::attention_scratch_floats(std::int64_t n_heads, std::int64_t head_dim) {
  if (!kernels::cuda::has_attention_mma(head_dim)) return 0;
  return kernels::cuda::kAttentionSlots * kernels::cuda::attention_slot_floats(n_heads, head_dim);
}

std::size_t CudaMemory::float_bytes(std::int64_t n_rows, std::int64_t n_columns) {
  return round_up(static_cast<std::size_t>(n_rows * n_columns) * sizeof(float),
                  DevicePool::kAlignment);
}

std::size_t CudaMemory::prepared_bytes(std::int64_t n_rows, std::int64_t n_columns) {
  return round_up(static_cast<std::size_t>(n_rows * kernels::cuda::prepared_stride(n_columns)) *
                      sizeof(bf16_bits),
                  DevicePool::kAlignment);
}

}  // namespace nemotron
