// A backend that does what another one does and adds up, for each matrix, the squares of what its
// products read. The model runs over it as over any other.
#pragma once

#include <map>
#include <memory>
#include <span>
#include <vector>

#include "backend/backend.h"

namespace nemotron {

struct InputStatistics {
  std::vector<double> sums_of_squares;  // [n_columns]
  std::int64_t n_rows = 0;
  float largest = 0.0f;  // |x| over all
};

class ObservingBackend final : public Backend {
 public:
  explicit ObservingBackend(std::unique_ptr<Backend> backend) : backend_(std::move(backend)) {}

  // From now on the inputs of `matrix` are added up. It is known by its address.
  void observe(const Matrix& matrix);
  // Of a matrix that is observed.
  const InputStatistics& statistics(const Matrix& matrix) const { return statistics_.at(&matrix); }

  const char* name() const override { return backend_->name(); }
  Result<DeviceBuffer> allocate(std::size_t size_bytes) override;
  void zero(const DeviceBuffer& buffer) override { backend_->zero(buffer); }
  Status read(const float* device, std::span<float> host) override;
  Status write(const DeviceBuffer& device, std::span<const float> host) override;
  Status read_bytes(const void* device, std::span<std::byte> host) override;
  Status write_bytes(void* device, std::span<const std::byte> host) override;
  Status read_kv(const KvPart& part, const void* block, std::span<std::byte> rows) override;
  Status write_kv(const KvPart& part, void* block, std::span<const std::byte> rows) override;
  void copy(void* to, const void* from, std::size_t size_bytes) override;
  Status reserve_operations(std::size_t n) override;
  // Both also say what reading an observed input said, once.
  Result<bool> advance(const RunLimit& limit) override;
  Status synchronize() override;
  Result<Matrix> upload(const MatrixSource& source) override { return backend_->upload(source); }
  const BackendMemory& memory() const override { return backend_->memory(); }
  Status read_activation(Activation x, std::span<float> rows) override;

  void embed(const Matrix& table, std::span<const std::int32_t> tokens, TensorView out) override;
  void rms_norm(TensorView x, const NormWeights& w, Activation out) override;
  void linear(Activation x, const Matrix& weight, TensorView out) override;
  void relu2(TensorView x, Activation out) override { backend_->relu2(x, out); }
  void add(TensorView x, TensorView residual) override { backend_->add(x, residual); }
  void gather_rows(TensorView x, std::span<const std::int32_t> rows, TensorView out) override;
  void gated_group_norm(TensorView y, TensorView z, const NormWeights& w, Activation out) override;
  void choose_tokens(TensorView logits, std::span<const TokenChoice> choices) override {
    backend_->choose_tokens(logits, choices);
  }
  Result<SampledToken> chosen_token(std::size_t i) override { return backend_->chosen_token(i); }

  void causal_conv1d(const StepBatch& batch, int layer, TensorView xBC, const Conv1dWeights& w,
                     TensorView out) override;
  void ssm_scan(const StepBatch& batch, int layer, TensorView x, TensorView B, TensorView C,
                TensorView dt, const SsmWeights& w, TensorView y) override;
  void attention(const StepBatch& batch, int layer, TensorView q, TensorView k, TensorView v,
                 const AttentionShape& shape, TensorView carry, Activation out) override;

 private:
  void add_up(Activation x, InputStatistics& statistics);

  std::unique_ptr<Backend> backend_;
  std::map<const Matrix*, InputStatistics> statistics_;
  std::vector<float> rows_;
  Status status_ = Status::ok();  // of reading inputs; not told yet
};

}  // namespace nemotron
