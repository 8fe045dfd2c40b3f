#include "backend/cuda/host_buffer.h"

namespace nemotron {

Result<HostBuffer> HostBuffer::create(CudaDevice& device, std::size_t size_bytes,
                                      const char* what) {
  const CudaDevice::Entry entry(device);
  NEMO_TRY(entry.status());
  HostBuffer buffer;
  NEMO_TRY(device.check(device.driver().allocate_host(&buffer.memory_, size_bytes, 0), what));
  buffer.device_ = &device;
  return buffer;
}

HostBuffer::~HostBuffer() {
  if (memory_ == nullptr || device_ == nullptr) return;
  const CudaDevice::Entry entry(*device_);
  if (entry.status().is_ok()) device_->driver().free_host(memory_);
}

}  // namespace nemotron
