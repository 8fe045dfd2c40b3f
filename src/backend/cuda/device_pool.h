// Device memory out of large pieces: what the driver gives comes in steps of 2 MiB and makes all
// streams wait, so small things share slabs, and slabs are kept while something is in them.
#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <mutex>
#include <unordered_map>

#include "backend/cuda/cuda_device.h"

namespace nemotron {

// Any thread. Outlives what was taken from it.
class DevicePool {
 public:
  static constexpr std::size_t kAlignment = 256;
  static constexpr std::size_t kSlabBytes = std::size_t{64} << 20;
  static constexpr std::uint64_t kNoLimit = UINT64_MAX;

  // Never more than max_bytes of the device's memory at once.
  DevicePool(CudaDevice& device, std::uint64_t max_bytes)
      : device_(device), max_bytes_(max_bytes) {}
  ~DevicePool();
  DevicePool(const DevicePool&) = delete;
  DevicePool& operator=(const DevicePool&) = delete;

  // Aligned to kAlignment; contents as they are. kOutOfMemory, kOverBudget, kDeviceLost.
  Result<void*> take(std::size_t size_bytes);
  void give_back(void* memory) noexcept;

  std::uint64_t reserved_bytes() const;  // of the device

 private:
  struct Range {
    std::size_t size_bytes = 0;
    bool is_free = false;
  };
  struct Slab {
    CuPointer memory = 0;
    std::size_t size_bytes = 0;
    std::size_t used_bytes = 0;
    std::map<std::size_t, Range> ranges;  // by offset; they cover the slab
  };
  using SlabRef = std::list<Slab>::iterator;
  struct Taken {
    SlabRef slab;
    std::size_t offset = 0;
  };

  void* take_from(SlabRef slab, std::size_t size_bytes);
  Result<SlabRef> add_slab(std::size_t wanted_bytes);
  Result<SlabRef> reserve(std::size_t size_bytes);
  void release(SlabRef slab) noexcept;

  CudaDevice& device_;
  const std::uint64_t max_bytes_;
  mutable std::mutex mutex_;
  std::list<Slab> slabs_;
  std::unordered_map<void*, Taken> taken_;
  std::uint64_t reserved_bytes_ = 0;
};

}  // namespace nemotron
