// One side of a comparison of backends: memory for the inputs and outputs of an operation, and the
// first fault.
#pragma once

#include <algorithm>
#include <memory>
#include <random>
#include <utility>
#include <vector>

#include "backend/backend.h"

namespace nemotron {

using Floats = std::vector<float>;

struct Dimensions {
  std::int64_t n_rows = 0;
  std::int64_t n_columns = 0;
  std::size_t size() const { return static_cast<std::size_t>(n_rows * n_columns); }
};

inline Floats random_floats(std::size_t n, std::uint32_t seed, float low = -1.0f,
                            float high = 1.0f) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<float> values(low, high);
  Floats out(n);
  for (float& value : out) value = values(random);
  return out;
}

// One of the two backends, and the memory of one operation. The first fault stays.
class Side {
 public:
  explicit Side(Backend& backend) : backend_(backend) {}

  Status status() const { return status_; }
  // What has no memory is not run.
  template <typename Call>
  void run(const Call& call) {
    if (status_.is_ok()) call(backend_);
  }
  void keep(Status status) {
    if (status_.is_ok()) status_ = std::move(status);
  }

  float* floats(const Floats& values) {
    const DeviceBuffer* buffer = memory(std::max<std::size_t>(1, values.size()) * sizeof(float));
    if (buffer == nullptr) return nullptr;
    keep(backend_.write(*buffer, values));
    return buffer->floats();
  }
  TensorView tensor(const Dimensions& d, const Floats& values) {
    return {floats(values), d.n_rows, d.n_columns, d.n_columns};
  }
  TensorView empty(const Dimensions& d) { return tensor(d, Floats(d.size())); }
  Activation activation(const Dimensions& d) {
    const DeviceBuffer* buffer = memory(backend_.memory().activation_bytes(d.n_rows, d.n_columns));
    return {buffer == nullptr ? nullptr : buffer->data(), d.n_rows, d.n_columns};
  }
  TensorView carry(std::int64_t n_rows, const AttentionShape& shape) {
    const DeviceBuffer* buffer =
        memory(backend_.memory().attention_bytes(n_rows, shape.n_heads, shape.head_dim));
    return {buffer == nullptr ? nullptr : buffer->floats(), n_rows, 2 * shape.n_heads,
            2 * shape.n_heads};
  }
  // The values in the form that products read: a norm would change them, squares do not.
  Activation squares(const Dimensions& d, const Floats& values) {
    const Activation out = activation(d);
    const TensorView x = tensor(d, values);
    run([&](Backend& b) { b.relu2(x, out); });
    return out;
  }
  Matrix upload(const MatrixSource& source) {
    Matrix out;
    run([&](Backend& b) {
      Result<Matrix> matrix = b.upload(source);
      if (matrix.is_ok()) {
        out = std::move(matrix).value();
      } else {
        keep(std::move(matrix).status());
      }
    });
    return out;
  }
  void* bytes(std::size_t size_bytes) {
    const DeviceBuffer* buffer = memory(size_bytes);
    return buffer == nullptr ? nullptr : buffer->data();
  }

  Floats read(const float* device, std::size_t n) {
    Floats out(n);
    if (status_.is_ok()) keep(backend_.read(device, out));
    return out;
  }
  Floats read(const Activation& x) {
    Floats out(static_cast<std::size_t>(x.n_rows * x.n_columns));
    if (status_.is_ok()) keep(backend_.read_activation(x, out));
    return out;
  }

 private:
  const DeviceBuffer* memory(std::size_t size_bytes) {
    if (!status_.is_ok()) return nullptr;
    Result<DeviceBuffer> buffer = backend_.allocate(size_bytes);
    if (!buffer.is_ok()) {
      keep(std::move(buffer).status());
      return nullptr;
    }
    buffers_.push_back(std::make_unique<DeviceBuffer>(std::move(buffer).value()));
    return buffers_.back().get();
  }

  Backend& backend_;
  std::vector<std::unique_ptr<DeviceBuffer>> buffers_;
  Status status_;
};

}  // namespace nemotron
