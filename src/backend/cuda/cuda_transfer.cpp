#include "backend/cuda/cuda_transfer.h"

#include <algorithm>
#include <cstring>

namespace nemotron {

namespace {
CuPointer address_of(const void* device) { return reinterpret_cast<std::uintptr_t>(device); }
}  // namespace

Result<std::unique_ptr<CudaTransfer>> CudaTransfer::create(CudaDevice& device) {
  std::unique_ptr<CudaTransfer> transfer(new CudaTransfer(device));
  NEMO_TRY(transfer->prepare());
  return transfer;
}

Status CudaTransfer::prepare() {
  const CudaDevice::Entry entry(device_);
  NEMO_TRY(entry.status());
  const CudaDriver& cuda = device_.driver();
  NEMO_TRY(device_.check(cuda.create_stream(&stream_, kCuStreamNonBlocking, 0), "making a stream"));
  for (CuEvent& event : sent_)
    NEMO_TRY(device_.check(cuda.create_event(&event, kCuEventNoTiming), "making an event"));
  NEMO_ASSIGN(buffer_, HostBuffer::create(device_, 2 * kPieceBytes, "a transfer buffer"));
  return Status::ok();
}

CudaTransfer::~CudaTransfer() {
  const CudaDevice::Entry entry(device_);
  if (!entry.status().is_ok()) return;
  const CudaDriver& cuda = device_.driver();
  if (stream_ != nullptr) cuda.synchronize(stream_);
  for (const CuEvent event : sent_)
    if (event != nullptr) cuda.destroy_event(event);
  if (stream_ != nullptr) cuda.destroy_stream(stream_);
}

Status CudaTransfer::to_host(const void* device, std::span<std::byte> host) {
  const std::lock_guard lock(mutex_);
  const CudaDevice::Entry entry(device_);
  NEMO_TRY(entry.status());
  for (std::size_t done = 0; done < host.size(); done += kPieceBytes) {
    const std::size_t n = std::min(kPieceBytes, host.size() - done);
    NEMO_TRY(device_.check(
        device_.driver().copy_to_host(buffer_.data(), address_of(device) + done, n, stream_),
        "reading"));
    NEMO_TRY(device_.check(device_.driver().synchronize(stream_), "reading"));
    std::memcpy(host.data() + done, buffer_.data(), n);
  }
  return Status::ok();
}

Status CudaTransfer::to_device(void* device, std::span<const std::byte> host) {
  return fill(device, host.size(), [&](std::uint64_t offset, std::span<std::byte> piece) {
    std::memcpy(piece.data(), host.data() + offset, piece.size());
    return Status::ok();
  });
}

Status CudaTransfer::zero(void* device, std::size_t size_bytes) {
  if (size_bytes == 0) return Status::ok();
  const std::lock_guard lock(mutex_);
  const CudaDevice::Entry entry(device_);
  NEMO_TRY(entry.status());
  NEMO_TRY(device_.check(device_.driver().set_bytes(address_of(device), 0, size_bytes, stream_),
                         "clearing memory"));
  return device_.check(device_.driver().synchronize(stream_), "clearing memory");
}

Status CudaTransfer::run(const kernels::cuda::Launch& launch) {
  const std::lock_guard lock(mutex_);
  const CudaDevice::Entry entry(device_);
  NEMO_TRY(entry.status());
  NEMO_TRY(device_.launch(launch, stream_));
  return device_.check(device_.driver().synchronize(stream_), "packing weights");
}

// `read` may be a host's code: our context is not current while it runs.
Status CudaTransfer::fill(void* device, std::uint64_t size_bytes, const Read& read) {
  const std::lock_guard lock(mutex_);
  Status status = Status::ok();
  int i = 0;
  for (std::uint64_t done = 0; done < size_bytes && status.is_ok(); done += kPieceBytes, i ^= 1) {
    const auto n =
        static_cast<std::size_t>(std::min<std::uint64_t>(kPieceBytes, size_bytes - done));
    NEMO_TRY(wait_for_half(i));
    status = read(done, {half(i), n});
    if (status.is_ok()) status = send_half(i, address_of(device) + done, n);
  }
  const CudaDevice::Entry entry(device_);
  NEMO_TRY(entry.status());
  NEMO_TRY(device_.check(device_.driver().synchronize(stream_), "writing"));
  return status;
}

// An event that was never recorded is over.
Status CudaTransfer::wait_for_half(int i) {
  const CudaDevice::Entry entry(device_);
  NEMO_TRY(entry.status());
  return device_.check(device_.driver().wait_event(sent_[i]), "writing");
}

Status CudaTransfer::send_half(int i, CuPointer to, std::size_t size_bytes) {
  const CudaDevice::Entry entry(device_);
  NEMO_TRY(entry.status());
  NEMO_TRY(
      device_.check(device_.driver().copy_to_device(to, half(i), size_bytes, stream_), "writing"));
  return device_.check(device_.driver().record_event(sent_[i], stream_), "writing");
}

}  // namespace nemotron
