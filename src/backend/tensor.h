// What the layer code hands to a backend: device memory, stored weights, and views of rows.
// The layer code moves these about and never looks at what they point to.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <utility>

#include "base/status.h"
#include "quant/tensor_type.h"

namespace nemotron {

class MappedBytes;  // io/mapped_bytes.h

// Owned device memory, zeroed when made, aligned to 64 bytes at least.
class DeviceBuffer {
 public:
  DeviceBuffer() = default;
  DeviceBuffer(std::shared_ptr<void> memory, std::size_t size_bytes)
      : memory_(std::move(memory)), size_bytes_(size_bytes) {}
  DeviceBuffer(DeviceBuffer&&) = default;
  DeviceBuffer& operator=(DeviceBuffer&&) = default;

  void* data() const { return memory_.get(); }
  float* floats() const { return static_cast<float*>(memory_.get()); }
  std::size_t size_bytes() const { return size_bytes_; }

 private:
  std::shared_ptr<void> memory_;  // never shared: the pointer carries the backend's deleter
  std::size_t size_bytes_ = 0;
};

// What a matrix is for: products, or rows looked up by index.
enum class MatrixUse : std::uint8_t { kProduct, kLookup };

// A weight as it is stored in a file, and how to get at its bytes.
struct MatrixSource {
  MatrixUse use = MatrixUse::kProduct;
  TensorType type = TensorType::kF32;
  std::int64_t n_rows = 0;
  std::int64_t n_columns = 0;
  float weight_scale = 1.0f;  // the matrix is what is stored, times this
  // > 0: a product rounds its input to E4M3, saturating, as multiples of this (static FP8).
  float input_scale = 0.0f;
  // Fills `out` with the bytes from `offset_bytes` of the row-major tensor. Any thread.
  std::function<Status(std::uint64_t offset_bytes, std::span<std::byte> out)> read;
  // Told of bytes that are done, by the thread that uploads; an error ends the upload.
  std::function<Status(std::uint64_t more_bytes)> progress;
  // Whether a backend that can shall leave the rows where they are mapped, which it then keeps
  // mapped, instead of reading them. `mapping` is set for upload() alone.
  bool is_mapped = false;
  std::shared_ptr<const MappedBytes> mapping;
  std::uint64_t mapping_offset = 0;
};

// A weight matrix in the form the backend's kernels want. Constant after loading.
struct Matrix {
  DeviceBuffer memory;
  TensorType type = TensorType::kF32;
  std::int64_t n_rows = 0;
  std::int64_t n_columns = 0;
  float weight_scale = 1.0f;
  float input_scale = 0.0f;
  bool is_packed = false;  // CUDA: whether `memory` is in the order of kernels/cuda/packed_layout.h
  // CPU: instead of `memory`, the rows as they lie in a file, at any address.
  std::shared_ptr<const std::byte> mapped_rows = nullptr;
};

// Rows of floats on the device: [n_rows, n_columns], `stride` elements apart.
struct TensorView {
  float* data = nullptr;
  std::int64_t n_rows = 0;
  std::int64_t n_columns = 0;
  std::int64_t stride = 0;

  TensorView columns(std::int64_t first, std::int64_t n) const {
    return {data + first, n_rows, n, stride};
  }
};

// Rows in the form in which this backend's `linear` reads its input; only the backend knows it.
struct Activation {
  void* data = nullptr;
  std::int64_t n_rows = 0;
  std::int64_t n_columns = 0;
};

}  // namespace nemotron
