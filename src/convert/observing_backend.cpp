#include "convert/observing_backend.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace nemotron {

void ObservingBackend::observe(const Matrix& matrix) {
  statistics_[&matrix].sums_of_squares.assign(static_cast<std::size_t>(matrix.n_columns), 0.0);
}

// Rows in their order, so that neither threads nor the length of steps change a bit.
void ObservingBackend::add_up(Activation x, InputStatistics& statistics) {
  rows_.resize(static_cast<std::size_t>(x.n_rows * x.n_columns));
  Status status = backend_->read_activation(x, rows_);
  if (!status.is_ok()) {
    if (status_.is_ok()) status_ = std::move(status);
    return;
  }
  const auto n_columns = static_cast<std::size_t>(x.n_columns);
  for (std::size_t first = 0; first < rows_.size(); first += n_columns) {
    for (std::size_t i = 0; i < n_columns; ++i) {
      const float value = rows_[first + i];
      statistics.sums_of_squares[i] += static_cast<double>(value) * value;
      statistics.largest = std::max(statistics.largest, std::fabs(value));
    }
  }
  statistics.n_rows += x.n_rows;
}

void ObservingBackend::linear(Activation x, const Matrix& weight, TensorView out) {
  const auto found = statistics_.find(&weight);
  if (found != statistics_.end()) add_up(x, found->second);
  backend_->linear(x, weight, out);
}

Result<bool> ObservingBackend::advance(const RunLimit& limit) {
  NEMO_TRY(std::exchange(status_, Status::ok()));
  return backend_->advance(limit);
}

Status ObservingBackend::synchronize() {
  NEMO_TRY(backend_->synchronize());
  return std::exchange(status_, Status::ok());
}

Result<DeviceBuffer> ObservingBackend::allocate(std::size_t size_bytes) {
  return backend_->allocate(size_bytes);
}

Status ObservingBackend::read(const float* device, std::span<float> host) {
  return backend_->read(device, host);
}

Status ObservingBackend::write(const DeviceBuffer& device, std::span<const float> host) {
  return backend_->write(device, host);
}

Status ObservingBackend::read_bytes(const void* device, std::span<std::byte> host) {
  return backend_->read_bytes(device, host);
}

Status ObservingBackend::write_bytes(void* device, std::span<const std::byte> host) {
  return backend_->write_bytes(device, host);
}

Status ObservingBackend::read_kv(const KvPart& part, const void* block, std::span<std::byte> rows) {
  return backend_->read_kv(part, block, rows);
}

Status ObservingBackend::write_kv(const KvPart& part, void* block,
                                  std::span<const std::byte> rows) {
  return backend_->write_kv(part, block, rows);
}

void ObservingBackend::copy(void* to, const void* from, std::size_t size_bytes) {
  backend_->copy(to, from, size_bytes);
}

Status ObservingBackend::reserve_operations(std::size_t n) {
  return backend_->reserve_operations(n);
}

Status ObservingBackend::read_activation(Activation x, std::span<float> rows) {
  return backend_->read_activation(x, rows);
}

void ObservingBackend::embed(const Matrix& table, std::span<const std::int32_t> tokens,
                             TensorView out) {
  backend_->embed(table, tokens, out);
}

void ObservingBackend::rms_norm(TensorView x, const NormWeights& w, Activation out) {
  backend_->rms_norm(x, w, out);
}

void ObservingBackend::gather_rows(TensorView x, std::span<const std::int32_t> rows,
                                   TensorView out) {
  backend_->gather_rows(x, rows, out);
}

void ObservingBackend::gated_group_norm(TensorView y, TensorView z, const NormWeights& w,
                                        Activation out) {
  backend_->gated_group_norm(y, z, w, out);
}

void ObservingBackend::causal_conv1d(const StepBatch& batch, int layer, TensorView xBC,
                                     const Conv1dWeights& w, TensorView out) {
  backend_->causal_conv1d(batch, layer, xBC, w, out);
}

void ObservingBackend::ssm_scan(const StepBatch& batch, int layer, TensorView x, TensorView B,
                                TensorView C, TensorView dt, const SsmWeights& w, TensorView y) {
  backend_->ssm_scan(batch, layer, x, B, C, dt, w, y);
}

void ObservingBackend::attention(const StepBatch& batch, int layer, TensorView q, TensorView k,
                                 TensorView v, const AttentionShape& shape, TensorView carry,
                                 Activation out) {
  backend_->attention(batch, layer, q, k, v, shape, carry, out);
}

}  // namespace nemotron
