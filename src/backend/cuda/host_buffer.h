// Page-locked memory of the host, which the device reads and writes at the same address.
#pragma once

#include <cstddef>
#include <utility>

#include "backend/cuda/cuda_device.h"

namespace nemotron {

class HostBuffer {
 public:
  HostBuffer() = default;
  // `what` it is, for the sentence of the error. kOutOfMemory, kDeviceLost.
  static Result<HostBuffer> create(CudaDevice& device, std::size_t size_bytes, const char* what);
  ~HostBuffer();
  HostBuffer(HostBuffer&& other) noexcept
      : device_(std::exchange(other.device_, nullptr)),
        memory_(std::exchange(other.memory_, nullptr)) {}
  HostBuffer& operator=(HostBuffer other) noexcept {
    std::swap(device_, other.device_);
    std::swap(memory_, other.memory_);
    return *this;
  }

  std::byte* data() const { return static_cast<std::byte*>(memory_); }

 private:
  CudaDevice* device_ = nullptr;
  void* memory_ = nullptr;
};

}  // namespace nemotron
