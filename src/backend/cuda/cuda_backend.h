// The CUDA backend: records launches of the kernels of libnemotron-cuda.so and hands them to the
// device. Weights of products on tensor cores are packed, others lie as in a file; activations are
// f32, and beside it what such products read. Memory and running are in cuda_backend.cpp, weights
// in cuda_weights.cpp, attention in cuda_attention.cpp, other operations in cuda_operations.cpp.
//
// Which kernel runs depends on the options, the device and the shapes of the model; only among
// kernels that give the same bytes does it depend on what is in a step.
//
// Its kernels are compiled, and have run on the host under the tests' SIMT machine; they have not
// yet run on a device.
#pragma once

#include <memory>

#include "backend/backend.h"
#include "backend/cuda/command_queue.h"
#include "backend/cuda/cuda_memory.h"
#include "backend/cuda/cuda_transfer.h"
#include "backend/cuda/host_buffer.h"

namespace nemotron {

// Kernels of which there are plain ones and tuned ones. Values of NEMO_CUDA_PLAIN_.
enum CudaKernels : std::uint32_t {
  kProductKernels = 1,
  kAttentionKernels = 2,
  kScanKernels = 4,
  kConvolutionKernels = 8,
  kAllKernels = 15,
};

struct CudaBackendOptions {
  CudaDeviceOptions device;
  std::uint64_t max_bytes = DevicePool::kNoLimit;  // of the device's memory
  bool fp8_weight_only = false;                    // leave the inputs of FP8 products as they are
  std::uint32_t plain_kernels = 0;  // CudaKernels: those that are obviously right, not fast
};

class CudaBackend final : public Backend {
 public:
  // kNoDevice with the reason, kOutOfMemory, kOverBudget.
  static Result<std::unique_ptr<CudaBackend>> create(const CudaDriver& driver,
                                                     const CudaModule& module,
                                                     const CudaBackendOptions& options);
  ~CudaBackend() override;

  const char* name() const override { return "cuda"; }
  const BackendMemory& memory() const override { return memory_; }
  // Whether products of static FP8 use E4M3 instructions.
  bool has_native_f8() const { return has_native_f8_ && is_tuned(kProductKernels); }
  std::uint64_t reserved_bytes() const { return pool_->reserved_bytes(); }

  Result<DeviceBuffer> allocate(std::size_t size_bytes) override;
  void zero(const DeviceBuffer& buffer) override;
  Status read(const float* device, std::span<float> host) override;
  Status write(const DeviceBuffer& device, std::span<const float> host) override;
  Status read_bytes(const void* device, std::span<std::byte> host) override;
  Status write_bytes(void* device, std::span<const std::byte> host) override;
  Status read_kv(const KvPart& part, const void* block, std::span<std::byte> rows) override;
  Status write_kv(const KvPart& part, void* block, std::span<const std::byte> rows) override;
  void copy(void* to, const void* from, std::size_t size_bytes) override;
  Status reserve_operations(std::size_t n) override;
  bool runs_beside_caller() const override { return true; }
  void start(const RunLimit& limit) override { queue_->start(limit); }
  Result<bool> advance(const RunLimit& limit) override { return queue_->advance(limit); }
  Status synchronize() override;
  void set_profiling(bool enabled) override { queue_->profile().enable(enabled); }
  std::vector<OperationFigures> profile() const override { return queue_->profile().figures(); }
  Result<Matrix> upload(const MatrixSource& source) override;
  Status read_activation(Activation x, std::span<float> rows) override;

  void embed(const Matrix& table, std::span<const std::int32_t> tokens, TensorView out) override;
  void rms_norm(TensorView x, const NormWeights& w, Activation out) override;
  void linear(Activation x, const Matrix& weight, TensorView out) override;
  void relu2(TensorView x, Activation out) override;
  void add(TensorView x, TensorView residual) override;
  void gather_rows(TensorView x, std::span<const std::int32_t> rows, TensorView out) override;
  void gated_group_norm(TensorView y, TensorView z, const NormWeights& w, Activation out) override;
  void choose_tokens(TensorView logits, std::span<const TokenChoice> choices) override;
  Result<SampledToken> chosen_token(std::size_t i) override;

  void causal_conv1d(const StepBatch& batch, int layer, TensorView xBC, const Conv1dWeights& w,
                     TensorView out) override;
  void ssm_scan(const StepBatch& batch, int layer, TensorView x, TensorView B, TensorView C,
                TensorView dt, const SsmWeights& w, TensorView y) override;
  void attention(const StepBatch& batch, int layer, TensorView q, TensorView k, TensorView v,
                 const AttentionShape& shape, TensorView carry, Activation out) override;

 private:
  CudaBackend() = default;

  // The step's spans on the device, sent once per step; null where there is no room.
  struct StepTable {
    const kernels::cuda::SpanArgs* spans = nullptr;
    const std::int32_t* row_spans = nullptr;
  };
  StepTable table_of(const StepBatch& batch);
  void attend_on_tensor_cores(const StepBatch& batch, kernels::cuda::AttentionArgs args,
                              TensorView carry);
  void attend_split(const StepBatch& batch, kernels::cuda::AttentionArgs args, std::int64_t n_rows,
                    std::int64_t n_parts, TensorView carry);
  // Indices on the device; null where there is no room.
  const std::int32_t* send(std::span<const std::int32_t> indices);

  Result<DeviceBuffer> allocate_unset(std::size_t size_bytes);
  Status upload_packed(const MatrixSource& source, void* packed);
  bool is_native_f8(const Matrix& weight) const;
  // What a product with static input scales reads.
  const bf16_bits* round_inputs(Activation x, const Matrix& weight);
  void packed_linear(Activation x, const Matrix& weight, TensorView out);
  void plain_linear(Activation x, const Matrix& weight, TensorView out);
  bool is_tuned(CudaKernels kernels) const { return (tuned_ & kernels) != 0; }
  // The prepared rows of an activation, where products on tensor cores are used.
  bf16_bits* prepared(const Activation& a) const;
  // If the last thing recorded is the product that makes x, and nothing else: its arguments.
  kernels::cuda::PackedLinearArgs* product_that_makes(const TensorView& x);

  CudaMemory memory_;
  std::uint32_t tuned_ = 0;     // CudaKernels
  bool has_native_f8_ = false;  // products of E4M3 numbers, in the code and on the device
  bool fp8_weight_only_ = false;
  std::unique_ptr<CudaDevice> device_;
  std::unique_ptr<DevicePool> pool_;
  std::unique_ptr<CudaTransfer> transfer_;
  std::unique_ptr<CommandQueue> queue_;
  // The table sent last, and what it is of.
  StepTable table_;
  const Span* table_spans_ = nullptr;
  std::uint64_t table_generation_ = 0;
  HostBuffer chosen_;  // the tokens chosen last: the device writes them here
  bool is_chosen_there_ = false;
};

}  // namespace nemotron
