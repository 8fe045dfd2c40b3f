// Bytes between the host and the device, through a buffer that the device can reach by itself, on a
// stream of its own: saving a session does not wait for another one's step.
#pragma once

#include <functional>
#include <mutex>

#include "backend/cuda/host_buffer.h"

namespace nemotron {

// Any thread.
class CudaTransfer {
 public:
  static constexpr std::size_t kPieceBytes = std::size_t{1} << 20;

  static Result<std::unique_ptr<CudaTransfer>> create(CudaDevice& device);
  ~CudaTransfer();
  CudaTransfer(const CudaTransfer&) = delete;
  CudaTransfer& operator=(const CudaTransfer&) = delete;

  // Done when they return. kDeviceLost.
  Status to_host(const void* device, std::span<std::byte> host);
  Status to_device(void* device, std::span<const std::byte> host);
  Status zero(void* device, std::size_t size_bytes);

  // Fills the device's memory with what `read(offset, piece)` gives, a piece on its way while the
  // next one is read.
  using Read = std::function<Status(std::uint64_t offset_bytes, std::span<std::byte> piece)>;
  Status fill(void* device, std::uint64_t size_bytes, const Read& read);
  // Runs a kernel on the transfers' stream, and waits for it.
  Status run(const kernels::cuda::Launch& launch);

 private:
  explicit CudaTransfer(CudaDevice& device) : device_(device) {}
  Status prepare();
  Status wait_for_half(int i);
  Status send_half(int i, CuPointer to, std::size_t size_bytes);
  std::byte* half(int i) { return buffer_.data() + static_cast<std::size_t>(i) * kPieceBytes; }

  CudaDevice& device_;
  std::mutex mutex_;
  CuStream stream_ = nullptr;
  CuEvent sent_[2] = {};  // what was in a half of the buffer has arrived
  HostBuffer buffer_;     // two pieces
};

}  // namespace nemotron
