#include "backend/cuda/cuda_backend.h"

#include <new>
#include <utility>
#include <vector>

#include "backend/kv_rows.h"
#include "base/text.h"
#include "kernels/cuda/launch_shapes.h"

namespace nemotron {

namespace {

constexpr std::size_t kFewOperations = 16;  // room for them before a step's is reserved

// A part of a block on the host, where the code for blocks finds it: behind the keys, if these are
// the values.
class PartCopy {
 public:
  explicit PartCopy(const KvPart& part)
      : size_bytes_(static_cast<std::size_t>(part.layout.part_bytes())),
        alone_(part),
        offset_in_block_(static_cast<std::size_t>(2 * part.layer + (part.is_values ? 1 : 0)) *
                         size_bytes_),
        bytes_(part.is_values ? 2 * size_bytes_ : size_bytes_) {
    alone_.layer = 0;
  }

  const void* on_device(const void* block) const {
    return static_cast<const std::byte*>(block) + offset_in_block_;
  }
  void* on_device(void* block) const { return static_cast<std::byte*>(block) + offset_in_block_; }
  std::span<std::byte> bytes() { return std::span(bytes_).last(size_bytes_); }
  std::byte* block() { return bytes_.data(); }
  const KvPart& part() const { return alone_; }  // of block()

 private:
  std::size_t size_bytes_;
  KvPart alone_;
  std::size_t offset_in_block_;
  std::vector<std::byte> bytes_;
};

}  // namespace

Result<std::unique_ptr<CudaBackend>> CudaBackend::create(const CudaDriver& driver,
                                                         const CudaModule& module,
                                                         const CudaBackendOptions& options) {
  std::unique_ptr<CudaBackend> backend(new CudaBackend());
  backend->fp8_weight_only_ = options.fp8_weight_only;
  NEMO_ASSIGN(backend->device_, CudaDevice::open(driver, module, options.device));
  const int code_capability = backend->device_->code_capability();
  if (code_capability >= kernels::cuda::kMinMmaCapability) backend->tuned_ = ~options.plain_kernels;
  // What others make of several instructions is no faster than bf16.
  backend->has_native_f8_ = kernels::cuda::has_e4m3_mma(code_capability) &&
                            kernels::cuda::has_e4m3_mma(backend->device_->compute_capability());
  backend->memory_ = CudaMemory(backend->is_tuned(kProductKernels));
  backend->pool_ = std::make_unique<DevicePool>(*backend->device_, options.max_bytes);
  NEMO_ASSIGN(backend->transfer_, CudaTransfer::create(*backend->device_));
  backend->queue_ = std::make_unique<CommandQueue>(*backend->device_, *backend->pool_);
  NEMO_TRY(backend->reserve_operations(kFewOperations));
  NEMO_ASSIGN(backend->chosen_,
              HostBuffer::create(*backend->device_, kMaxTokenChoices * sizeof(SampledToken),
                                 "the tokens of a step"));
  return backend;
}

CudaBackend::~CudaBackend() = default;

Result<DeviceBuffer> CudaBackend::allocate_unset(std::size_t size_bytes) {
  NEMO_ASSIGN(void* memory, pool_->take(size_bytes));
  // Gives the memory back also where it cannot be made.
  std::shared_ptr<void> owner(memory, [pool = pool_.get()](void* p) { pool->give_back(p); });
  return DeviceBuffer(std::move(owner), size_bytes);
}

Result<DeviceBuffer> CudaBackend::allocate(std::size_t size_bytes) {
  NEMO_ASSIGN(DeviceBuffer buffer, allocate_unset(size_bytes));
  NEMO_TRY(transfer_->zero(buffer.data(), size_bytes));
  return buffer;
}

void CudaBackend::zero(const DeviceBuffer& buffer) {
  Status status = synchronize();
  if (status.is_ok()) status = transfer_->zero(buffer.data(), buffer.size_bytes());
  queue_->keep_fault(std::move(status));
}

Status CudaBackend::read(const float* device, std::span<float> host) {
  NEMO_TRY(synchronize());
  return transfer_->to_host(device, std::as_writable_bytes(host));
}

Status CudaBackend::write(const DeviceBuffer& device, std::span<const float> host) {
  NEMO_TRY(synchronize());
  return transfer_->to_device(device.data(), std::as_bytes(host));
}

Status CudaBackend::read_bytes(const void* device, std::span<std::byte> host) {
  return transfer_->to_host(device, host);
}

Status CudaBackend::write_bytes(void* device, std::span<const std::byte> host) {
  return transfer_->to_device(device, host);
}

// The device keeps blocks in the CPU's order, so the same code turns them into rows.
Status CudaBackend::read_kv(const KvPart& part, const void* block, std::span<std::byte> rows) {
  PartCopy copy(part);
  NEMO_TRY(transfer_->to_host(copy.on_device(block), copy.bytes()));
  rows_from_block(copy.part(), copy.block(), rows);
  return Status::ok();
}

// What the rows do not cover stays.
Status CudaBackend::write_kv(const KvPart& part, void* block, std::span<const std::byte> rows) {
  PartCopy copy(part);
  NEMO_TRY(transfer_->to_host(copy.on_device(block), copy.bytes()));
  rows_to_block(copy.part(), rows, copy.block());
  return transfer_->to_device(copy.on_device(block), copy.bytes());
}

void CudaBackend::copy(void* to, const void* from, std::size_t size_bytes) {
  queue_->copy(to, from, size_bytes);
}

Status CudaBackend::reserve_operations(std::size_t n) {
  NEMO_TRY(synchronize());
  return queue_->reserve(n * CommandQueue::kMostCommands);
}

Status CudaBackend::synchronize() {
  Result<bool> result = queue_->advance({});
  return result.is_ok() ? Status::ok() : std::move(result).status();
}

Status CudaBackend::read_activation(Activation x, std::span<float> rows) {
  return read(static_cast<const float*>(x.data), rows);
}

}  // namespace nemotron
