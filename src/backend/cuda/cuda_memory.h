// What things take in the memory of the CUDA backend.
#pragma once

#include "backend/backend_memory.h"

namespace nemotron {

class CudaMemory final : public BackendMemory {
 public:
  // `uses_tensor_cores`: whether products of types for which there is such a kernel have it.
  explicit CudaMemory(bool uses_tensor_cores = true) : uses_tensor_cores_(uses_tensor_cores) {}

  // Whether the weights are kept in the order of packed_layout.h.
  bool is_packed(const MatrixSource& source) const;

  bool is_host() const override { return false; }
  std::uint64_t matrix_bytes(const MatrixSource& source) const override;
  std::uint64_t product_bytes(const MatrixSource& source) const override;
  std::uint64_t operation_bytes(std::size_t n_operations) const override;
  std::size_t activation_bytes(std::int64_t n_rows, std::int64_t n_columns) const override;
  // Sums of parts of the positions, then each head's running maximum and sum.
  std::size_t attention_bytes(std::int64_t n_rows, std::int64_t n_heads,
                              std::int64_t head_dim) const override;

  // Of the rows of floats with which an activation begins. Behind them are, for products on tensor
  // cores, prepared rows, and as much again for what static FP8 makes of them; for plain products
  // of static FP8, rounded floats.
  static std::size_t float_bytes(std::int64_t n_rows, std::int64_t n_columns);
  static std::size_t prepared_bytes(std::int64_t n_rows, std::int64_t n_columns);
  // Floats of the sums of parts; 0 where no kernel splits positions.
  static std::int64_t attention_scratch_floats(std::int64_t n_heads, std::int64_t head_dim);

 private:
  bool uses_tensor_cores_;
};

}  // namespace nemotron
