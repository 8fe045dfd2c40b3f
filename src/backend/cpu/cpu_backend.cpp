#include "backend/cpu/cpu_backend.h"

#include <cstring>
#include <utility>

#include "backend/cpu/mapped_weights.h"
#include "backend/cpu/pack_weights.h"
#include "backend/kv_rows.h"
#include "base/text.h"
#include "io/page_buffer.h"

namespace nemotron {

namespace {

constexpr std::size_t kFewOperations = 16;  // room for them before a step's is reserved

}  // namespace

Result<std::shared_ptr<ThreadPool>> make_thread_pool(const CpuBackendOptions& options) {
  if (options.pool != nullptr) return options.pool;
  const int n_threads = options.n_threads > 0 ? options.n_threads : usable_processors();
  if (options.parallel_for.run != nullptr) {
    NEMO_ASSIGN(auto pool, ThreadPool::create(options.parallel_for, n_threads));
    return std::shared_ptr<ThreadPool>(std::move(pool));
  }
  NEMO_ASSIGN(auto pool, ThreadPool::create(n_threads));
  return std::shared_ptr<ThreadPool>(std::move(pool));
}

CpuBackend::CpuBackend(const CpuBackendOptions& options, std::shared_ptr<ThreadPool> pool)
    : kernels_(*options.kernels),
      name_(join("cpu/", kernels_.name)),
      pool_(std::move(pool)),
      memory_(kernels_, pool_->n_threads()),
      queue_(*pool_),
      fp8_weight_only_(options.fp8_weight_only),
      pages_(options.memory) {}

Result<std::unique_ptr<CpuBackend>> CpuBackend::create(const CpuBackendOptions& options) {
  NEMO_ASSIGN(auto pool, make_thread_pool(options));
  std::unique_ptr<CpuBackend> backend(new CpuBackend(options, std::move(pool)));
  NEMO_TRY(backend->reserve_operations(kFewOperations));
  return backend;
}

Result<std::unique_ptr<Backend>> make_cpu_backend(const CpuBackendOptions& options) {
  NEMO_ASSIGN(auto backend, CpuBackend::create(options));
  return std::unique_ptr<Backend>(std::move(backend));
}

Result<DeviceBuffer> CpuBackend::allocate(std::size_t size_bytes, PageSize page_size) {
  auto pages = std::make_shared<PageBuffer>(PageBuffer::allocate(size_bytes, pages_, page_size));
  if (!pages->is_valid())
    return Status(StatusCode::kOutOfMemory,
                  "cannot allocate " + std::to_string(size_bytes) + " bytes");
  void* data = pages->data();
  return DeviceBuffer(std::shared_ptr<void>(std::move(pages), data), size_bytes);
}

void CpuBackend::zero(const DeviceBuffer& buffer) {
  queue_.advance({});
  std::memset(buffer.data(), 0, buffer.size_bytes());
}

Status CpuBackend::read(const float* device, std::span<float> host) {
  queue_.advance({});
  std::memcpy(host.data(), device, host.size_bytes());
  return Status::ok();
}

Status CpuBackend::write(const DeviceBuffer& device, std::span<const float> host) {
  queue_.advance({});
  std::memcpy(device.data(), host.data(), host.size_bytes());
  return Status::ok();
}

Status CpuBackend::read_bytes(const void* device, std::span<std::byte> host) {
  if (!host.empty()) std::memcpy(host.data(), device, host.size());
  return Status::ok();
}

Status CpuBackend::write_bytes(void* device, std::span<const std::byte> host) {
  if (!host.empty()) std::memcpy(device, host.data(), host.size());
  return Status::ok();
}

Status CpuBackend::read_kv(const KvPart& part, const void* block, std::span<std::byte> rows) {
  rows_from_block(part, static_cast<const std::byte*>(block), rows);
  return Status::ok();
}

Status CpuBackend::write_kv(const KvPart& part, void* block, std::span<const std::byte> rows) {
  rows_to_block(part, rows, static_cast<std::byte*>(block));
  return Status::ok();
}

void CpuBackend::copy(void* to, const void* from, std::size_t size_bytes) {
  queue_.advance({});
  std::memcpy(to, from, size_bytes);
}

Status CpuBackend::reserve_operations(std::size_t n) {
  return queue_.reserve(n * CpuMemory::kMostRecords);
}

Status CpuBackend::synchronize() {
  queue_.advance({});
  return Status::ok();
}

Result<Matrix> CpuBackend::upload(const MatrixSource& source) {
  Matrix matrix{{},
                source.type,
                source.n_rows,
                source.n_columns,
                source.weight_scale,
                fp8_weight_only_ ? 0.0f : source.input_scale};
  NEMO_TRY(reserve_scratch(source));
  if (source.is_mapped) {
    NEMO_ASSIGN(matrix.mapped_rows, mapped_rows(source, *pool_));
    return matrix;
  }
  NEMO_ASSIGN(matrix.memory, allocate(memory_.matrix_bytes(source), PageSize::kHuge));
  NEMO_TRY(pack_weights(source, kernels_, *pool_, pages_,
                        static_cast<std::byte*>(matrix.memory.data())));
  return matrix;
}

Status CpuBackend::reserve_scratch(const MatrixSource& source) {
  const std::size_t bytes = memory_.thread_scratch_bytes(source);
  if (bytes <= scratch_bytes_) return Status::ok();
  NEMO_ASSIGN(scratch_,
              allocate(bytes * static_cast<std::size_t>(pool_->n_threads()), PageSize::kHuge));
  scratch_bytes_ = bytes;
  return Status::ok();
}

Result<SampledToken> CpuBackend::chosen_token(std::size_t i) {
  NEMO_TRY(synchronize());
  const TokenChoice& choice = choices_[i];
  const float* row = logits_.data + choice.row * logits_.stride;
  return sample_token({row, static_cast<std::size_t>(choice.n_logits)}, choice.params,
                      choice.position, sampler_);
}

}  // namespace nemotron
