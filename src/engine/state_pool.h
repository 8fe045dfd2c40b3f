// Device memory of sequences, in buffers that sessions, forks and snapshots share by counting
// references. A buffer that nobody holds any more is kept for the next one of its size. What a
// buffer holds may lie in the host's memory for a while: for all that share it.
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
  DeviceBuffer memory;                // empty while the contents are on the host
  std::unique_ptr<std::byte[]> host;  // empty while they are not
  std::size_t size_bytes = 0;
  std::atomic<std::int64_t> n_references{0};
  std::atomic<std::int64_t> n_pins{0};
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
  // Null while the contents are on the host.
  void* data() const { return buffer_ == nullptr ? nullptr : buffer_->memory.data(); }
  std::size_t size_bytes() const { return buffer_ == nullptr ? 0 : buffer_->size_bytes; }
  // Whether somebody else holds it, too: then it may only be read.
  bool is_shared() const {
    return buffer_ != nullptr && buffer_->n_references.load(std::memory_order_acquire) > 1;
  }
  bool is_on_host() const { return buffer_ != nullptr && buffer_->host != nullptr; }
  // While it is pinned a buffer on the device stays there. Each pin is to be undone.
  void pin() const {
    if (buffer_ != nullptr) buffer_->n_pins.fetch_add(1, std::memory_order_relaxed);
  }
  void unpin() const {
    if (buffer_ != nullptr) buffer_->n_pins.fetch_sub(1, std::memory_order_release);
  }
  friend bool operator==(const StateRef& a, const StateRef& b) { return a.buffer_ == b.buffer_; }

 private:
  friend class StatePool;
  void retain() {
    if (buffer_ != nullptr) buffer_->n_references.fetch_add(1, std::memory_order_relaxed);
  }
  void release();

  StateBuffer* buffer_ = nullptr;
};

// A pin that undoes itself.
class StatePin {
 public:
  explicit StatePin(StateRef ref) : ref_(std::move(ref)) { ref_.pin(); }
  StatePin(StatePin&&) noexcept = default;
  StatePin& operator=(StatePin&&) = delete;
  ~StatePin() { ref_.unpin(); }

 private:
  StateRef ref_;
};

// Any thread, except where it says so. Outlives its references, and is outlived by the backend and
// the budget.
class StatePool {
 public:
  struct Moves {
    std::uint64_t n_out = 0;  // of buffers, to the host
    std::uint64_t n_back = 0;
  };

  // Up to max_host_bytes of contents lie in the host's memory, outside the budget.
  StatePool(Backend& backend, MemoryBudget& budget, std::uint64_t max_host_bytes = 0)
      : backend_(backend), budget_(budget), max_host_bytes_(max_host_bytes) {}
  ~StatePool();
  StatePool(const StatePool&) = delete;
  StatePool& operator=(const StatePool&) = delete;

  // A buffer with one reference; its contents are those of its last user, or zeros.
  // kOverBudget, kOutOfMemory.
  Result<StateRef> take(std::size_t size_bytes);

  // Gives free buffers back to the system until `wanted_bytes` are freed or none is left. Returns
  // what was freed.
  std::uint64_t trim(std::uint64_t wanted_bytes);

  // Moving what no step reads or writes: with the engine's lock.
  // Bytes that would leave the device: 0 where it is pinned, or on the host.
  static std::uint64_t movable_bytes(const StateRef& ref);
  // Moves it to the host. False where there is no room, or the device does not answer: it stays.
  bool move_out(const StateRef& ref) noexcept;
  // Moves it back. As take(), and kDeviceLost: it stays.
  Status bring_back(const StateRef& ref);
  Moves moves() const { return moves_; }
  // Changes with every move: addresses are then to be asked for again.
  std::uint64_t n_moves() const { return moves_.n_out + moves_.n_back; }
  // What still may move out.
  std::uint64_t host_room() const { return max_host_bytes_ - host_bytes(); }

  // Bytes of buffers on the device that somebody holds, of those kept for later, and of those on
  // the host.
  std::uint64_t held_bytes() const;
  std::uint64_t free_bytes() const;
  std::uint64_t host_bytes() const;

 private:
  friend class StateRef;
  void put_back(StateBuffer* buffer);

  Backend& backend_;
  MemoryBudget& budget_;
  const std::uint64_t max_host_bytes_;
  Moves moves_;
  mutable std::mutex mutex_;
  std::map<std::size_t, std::vector<std::unique_ptr<StateBuffer>>> free_;  // by size
  std::uint64_t free_bytes_ = 0;
  std::uint64_t held_bytes_ = 0;
  std::uint64_t host_bytes_ = 0;
};

}  // namespace nemotron
