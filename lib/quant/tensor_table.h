// What a container file says of its tensors: a table of named byte ranges. The rest of the program
// reads tensors through this table and never knows which kind of file it was.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "quant/tensor_type.h"

namespace nemotron {

struct TensorEntry {
  static constexpr int kMaxDims = 4;

  std::string name;
  TensorType type = TensorType::kF32;
  int n_dims = 0;
  // Outermost first (row-major), so GGUF's order is reversed; [0, n_dims) are used.
  std::array<std::uint64_t, kMaxDims> shape{};
  std::uint32_t file = 0;          // which of the model's files, for a model in several
  std::uint64_t offset_bytes = 0;  // from the start of that file
  std::uint64_t size_bytes = 0;    // inside the file: checked when the table was made

  std::span<const std::uint64_t> dims() const {
    return {shape.data(), static_cast<std::size_t>(n_dims)};
  }
  // Product of the dimensions; cannot overflow in a table that a reader of ours made.
  std::uint64_t n_elements() const;
};

using TensorTable = std::vector<TensorEntry>;

std::string shape_text(std::span<const std::uint64_t> shape);  // "[17504, 3136]"

// Bytes of a tensor of this type and shape. kBadFile when the product overflows or a row (the last
// dimension) is not a whole number of blocks.
Result<std::uint64_t> tensor_size_bytes(TensorType type, std::span<const std::uint64_t> shape);

}  // namespace nemotron
