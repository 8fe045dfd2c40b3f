// Device memory of sequences, in buffers that sessions, forks and snapshots share by counting
// references. A buffer that nobody holds any more is kept for the next one of its size.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "backend/backend.h"
#include "engine/memory_budget.h"

namespace nemotron {

class StatePool;

struct StateBuffer {
  DeviceBuffer memory;
  std::atomic<std::int64_t> n_references{0};
  StatePool* pool = nullptr;
};

// One reference to a buffer, or none. Copying it shares the buffer.
class StateRef {
 public:
  StateRef() = default;
  explicit StateRef(StateBuffer* buffer) : buffer_(buffer) { retain(); }
  StateRef(const StateRef& other) : buffer_(other.buffer_) { retain(); }
  StateRef(StateRef&& other) noexcept : buffer_(std::exchange(other.buffer_, nullptr)) {}
  StateRef& operator=(StateRef other) noexcept {
    std::swap(buffer_, other.buffer_);
    return *this;
  }
  ~StateRef() { release(); }

  explicit operator bool() const { return buffer_ != nullptr; }
  void* data() const { return buffer_ == nullptr ? nullptr : buffer_->memory.data(); }
  const DeviceBuffer& memory() const { return buffer_->memory; }
  std::size_t size_bytes() const { return buffer_ == nullptr ? 0 : buffer_->memory.size_bytes(); }
  // Whether somebody else holds it, too: then it may only be read.
  bool is_shared() const {
    return buffer_ != nullptr && buffer_->n_references.load(std::memory_order_acquire) > 1;
  }
  friend bool operator==(const StateRef& a, const StateRef& b) { return a.buffer_ == b.buffer_; }

 private:
  void retain() {
    if (buffer_ != nullptr) buffer_->n_references.fetch_add(1, std::memory_order_relaxed);
  }
  void release();

  StateBuffer* buffer_ = nullptr;
};

// Any thread. Outlives its references, and is outlived by the backend and the budget.
class StatePool {
 public:
  StatePool(Backend& backend, MemoryBudget& budget) : backend_(backend), budget_(budget) {}
  ~StatePool();
  StatePool(const StatePool&) = delete;
  StatePool& operator=(const StatePool&) = delete;

  // A buffer with one reference; its contents are those of its last user, or zeros.
  // kOverBudget, kOutOfMemory.
  Result<StateRef> take(std::size_t size_bytes);

  // Gives free buffers back to the system until `wanted_bytes` are freed or none is left. Returns
  // what was freed.
  std::uint64_t trim(std::uint64_t wanted_bytes);

  // Bytes of buffers that somebody holds, and of those kept for later.
  std::uint64_t held_bytes() const;
  std::uint64_t free_bytes() const;

 private:
  friend class StateRef;
  void put_back(StateBuffer* buffer);

  Backend& backend_;
  MemoryBudget& budget_;
  mutable std::mutex mutex_;
  std::map<std::size_t, std::vector<std::unique_ptr<StateBuffer>>> free_;  // by size
  std::uint64_t free_bytes_ = 0;
  std::uint64_t held_bytes_ = 0;
};

}  // namespace nemotron
