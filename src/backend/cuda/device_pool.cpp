#include "backend/cuda/device_pool.h"

#include <algorithm>
#include <new>

#include "base/checked_math.h"
#include "base/text.h"

namespace nemotron {

DevicePool::~DevicePool() {
  while (!slabs_.empty()) release(slabs_.begin());
}

Result<void*> DevicePool::take(std::size_t size_bytes) {
  const std::size_t size = round_up(std::max<std::size_t>(size_bytes, 1), kAlignment);
  const std::lock_guard lock(mutex_);
  try {
    for (auto slab = slabs_.begin(); slab != slabs_.end(); ++slab)
      if (void* memory = take_from(slab, size)) return memory;
    NEMO_ASSIGN(const SlabRef slab, add_slab(size));
    return take_from(slab, size);
  } catch (const std::bad_alloc&) {
    return Status(StatusCode::kOutOfMemory, "out of memory");
  }
}

// First fit. Null where no free range is large enough.
void* DevicePool::take_from(SlabRef slab, std::size_t size_bytes) {
  const auto found = std::find_if(slab->ranges.begin(), slab->ranges.end(), [&](const auto& entry) {
    return entry.second.is_free && entry.second.size_bytes >= size_bytes;
  });
  if (found == slab->ranges.end()) return nullptr;
  const std::size_t offset = found->first;
  const auto address = static_cast<std::uintptr_t>(slab->memory + offset);
  void* memory = reinterpret_cast<void*>(address);  // NOLINT: the driver's addresses are numbers
  taken_.try_emplace(memory, Taken{slab, offset});
  const std::size_t rest = found->second.size_bytes - size_bytes;
  if (rest > 0) {
    try {
      slab->ranges.try_emplace(offset + size_bytes, Range{rest, true});
    } catch (const std::bad_alloc&) {
      taken_.erase(memory);
      throw;
    }
  }
  found->second = {size_bytes, false};
  slab->used_bytes += size_bytes;
  return memory;
}

// A slab that others can share; where there is no room for one, only what is wanted.
Result<DevicePool::SlabRef> DevicePool::add_slab(std::size_t wanted_bytes) {
  if (wanted_bytes <= kSlabBytes / 2) {
    Result<SlabRef> shared = reserve(kSlabBytes);
    if (shared.is_ok() || shared.status().code() == StatusCode::kDeviceLost) return shared;
  }
  return reserve(wanted_bytes);
}

Result<DevicePool::SlabRef> DevicePool::reserve(std::size_t size_bytes) {
  if (size_bytes > max_bytes_ - std::min(max_bytes_, reserved_bytes_))
    return Status(StatusCode::kOverBudget,
                  join(size_bytes, " more bytes of device memory would exceed the cap of ",
                       max_bytes_, "; ", reserved_bytes_, " are in use"));
  const CudaDevice::Entry entry(device_);
  NEMO_TRY(entry.status());
  slabs_.push_back({0, size_bytes, 0, {{0, Range{size_bytes, true}}}});
  const SlabRef slab = std::prev(slabs_.end());
  Status status = device_.check(device_.driver().allocate(&slab->memory, size_bytes),
                                "weights, states or working memory");
  if (!status.is_ok()) {
    slabs_.erase(slab);
    return status;
  }
  reserved_bytes_ += size_bytes;
  return slab;
}

void DevicePool::give_back(void* memory) noexcept {
  const std::lock_guard lock(mutex_);
  const auto found = taken_.find(memory);
  if (found == taken_.end()) return;
  const Taken taken = found->second;
  taken_.erase(found);
  auto& ranges = taken.slab->ranges;
  auto range = ranges.find(taken.offset);
  range->second.is_free = true;
  taken.slab->used_bytes -= range->second.size_bytes;
  if (const auto next = std::next(range); next != ranges.end() && next->second.is_free) {
    range->second.size_bytes += next->second.size_bytes;
    ranges.erase(next);
  }
  if (range != ranges.begin() && std::prev(range)->second.is_free) {
    std::prev(range)->second.size_bytes += range->second.size_bytes;
    ranges.erase(range);
  }
  if (taken.slab->used_bytes == 0) release(taken.slab);
}

void DevicePool::release(SlabRef slab) noexcept {
  const CudaDevice::Entry entry(device_);
  // Of a lost device the driver takes the memory back with the context.
  if (entry.status().is_ok()) (void)device_.check(device_.driver().free(slab->memory), "freeing");
  reserved_bytes_ -= slab->size_bytes;
  slabs_.erase(slab);
}

std::uint64_t DevicePool::reserved_bytes() const {
  const std::lock_guard lock(mutex_);
  return reserved_bytes_;
}

}  // namespace nemotron
