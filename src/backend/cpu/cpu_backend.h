// The CPU backend: shares the outputs of each operation among the pool's threads and calls the
// kernels of one instruction set level. Weights are kept in the form that the
// level packs them into, or stay in their file's mapping (mapped_weights.h); activations are f32,
// and `linear` brings them into the form it reads. Row operations are in row_operations.cpp, those
// along sequences in sequence_operations.cpp.
#pragma once

#include <algorithm>
#include <memory>
#include <string>

#include "backend/backend.h"
#include "backend/cpu/cpu_memory.h"
#include "backend/cpu/operation_queue.h"
#include "io/page_buffer.h"
#include "kernels/cpu/kernel_table.h"
#include "threading/thread_pool.h"

namespace nemotron {

struct CpuBackendOptions {
  int n_threads = 0;                              // 0: one per usable processor
  const kernels::KernelTable* kernels = nullptr;  // not null
  bool fp8_weight_only = false;                   // leave the inputs of FP8 products as they are
  // Shared with other backends, whose steps take turns with ours; n_threads is then its own.
  std::shared_ptr<ThreadPool> pool = nullptr;
  HostParallelFor parallel_for = {};  // without `pool`: threads of the host instead of our own
  HostMemory memory = {};             // for weights, activations and states
};

// The pool that a backend with these options uses: to share it. kOutOfMemory when threads cannot be
// started, kInvalidArgument for their number.
Result<std::shared_ptr<ThreadPool>> make_thread_pool(const CpuBackendOptions& options);

// As make_thread_pool().
Result<std::unique_ptr<Backend>> make_cpu_backend(const CpuBackendOptions& options);

class CpuBackend final : public Backend {
 public:
  static Result<std::unique_ptr<CpuBackend>> create(const CpuBackendOptions& options);

  const char* name() const override { return name_.c_str(); }

  const BackendMemory& memory() const override { return memory_; }
  // In small pages: states grow while somebody waits for a slice.
  Result<DeviceBuffer> allocate(std::size_t size_bytes) override {
    return allocate(size_bytes, PageSize::kSmall);
  }
  void zero(const DeviceBuffer& buffer) override;
  Status read(const float* device, std::span<float> host) override;
  Status write(const DeviceBuffer& device, std::span<const float> host) override;
  Status read_bytes(const void* device, std::span<std::byte> host) override;
  Status write_bytes(void* device, std::span<const std::byte> host) override;
  Status read_kv(const KvPart& part, const void* block, std::span<std::byte> rows) override;
  Status write_kv(const KvPart& part, void* block, std::span<const std::byte> rows) override;
  void copy(void* to, const void* from, std::size_t size_bytes) override;
  Status reserve_operations(std::size_t n) override;
  Result<bool> advance(const RunLimit& limit) override { return queue_.advance(limit); }
  Status synchronize() override;
  void set_profiling(bool enabled) override { queue_.profile().enable(enabled); }
  std::vector<OperationFigures> profile() const override { return queue_.profile().figures(); }
  Result<Matrix> upload(const MatrixSource& source) override;
  Status read_activation(Activation x, std::span<float> rows) override;

  void embed(const Matrix& table, std::span<const std::int32_t> tokens, TensorView out) override;
  void rms_norm(TensorView x, const NormWeights& w, Activation out) override;
  void linear(Activation x, const Matrix& weight, TensorView out) override;
  void relu2(TensorView x, Activation out) override;
  void add(TensorView x, TensorView residual) override;
  void gather_rows(TensorView x, std::span<const std::int32_t> rows, TensorView out) override;
  void gated_group_norm(TensorView y, TensorView z, const NormWeights& w, Activation out) override;

  // The choice itself is made when the token is asked for: it is none of the operations that run in
  // slices.
  void choose_tokens(TensorView logits, std::span<const TokenChoice> choices) override {
    logits_ = logits;
    choices_ = choices;
  }
  Result<SampledToken> chosen_token(std::size_t i) override;

  void causal_conv1d(const StepBatch& batch, int layer, TensorView xBC, const Conv1dWeights& w,
                     TensorView out) override;
  void ssm_scan(const StepBatch& batch, int layer, TensorView x, TensorView B, TensorView C,
                TensorView dt, const SsmWeights& w, TensorView y) override;
  void attention(const StepBatch& batch, int layer, TensorView q, TensorView k, TensorView v,
                 const AttentionShape& shape, TensorView carry, Activation out) override;

  // The longest slice since the last call.
  OperationQueue::LongestRange take_longest_range() { return queue_.take_longest(); }

 private:
  Result<DeviceBuffer> allocate(std::size_t size_bytes, PageSize page_size);
  CpuBackend(const CpuBackendOptions& options, std::shared_ptr<ThreadPool> pool);

  // Records kernel(params, first, last) over n_items.
  template <typename Params>
  void share(void (*kernel)(const Params&, std::int64_t, std::int64_t), const Params& params,
             const WorkPlan& plan) {
    queue_.record(plan, [kernel, params](const WorkRange& range) {
      kernel(params, range.first, range.last);
    });
  }
  // Records body(span, range) over [0, n_items(span)) of all spans at once, in each of the plan's
  // phases; n_units(span, phase) is the work of one item.
  template <typename Count, typename Units, typename Body>
  void share_spans(const StepBatch& batch, WorkPlan plan, const Count& n_items,
                   const Units& n_units, const Body& body);

  void store_kv(const StepBatch& batch, int layer, TensorView k, TensorView v,
                const AttentionShape& shape);
  void prepare(const kernels::PrepareParams& params);
  Status reserve_scratch(const MatrixSource& source);
  std::byte* scratch(int thread) const {
    return static_cast<std::byte*>(scratch_.data()) +
           scratch_bytes_ * static_cast<std::size_t>(thread);
  }

  const kernels::KernelTable& kernels_;
  std::string name_;
  std::shared_ptr<ThreadPool> pool_;
  CpuMemory memory_;
  OperationQueue queue_;
  DeviceBuffer scratch_;  // [n_threads, scratch_bytes_]
  std::size_t scratch_bytes_ = 0;
  bool fp8_weight_only_ = false;
  const HostMemory pages_;
  TensorView logits_;  // of choose_tokens()
  std::span<const TokenChoice> choices_;
  SamplerScratch sampler_;
};

// An activation: rows of floats, and behind them room for what a level's `prepare` writes.
inline float* first_element(const Activation& a) { return static_cast<float*>(a.data); }

}  // namespace nemotron
