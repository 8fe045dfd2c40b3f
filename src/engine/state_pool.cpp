#include "engine/state_pool.h"

#include <algorithm>
#include <new>

namespace nemotron {

namespace {
// Free buffers beyond this many bytes go back to the system at once: enough that a session which
// takes a snapshot at every turn of the 4B does not ask the system for fresh pages each time.
constexpr std::uint64_t kMaxFreeBytes = std::uint64_t{256} << 20;
constexpr std::size_t kMaxFreeBuffers = 256;  // of one size

// Gives a charge back, unless what it was for was had.
class Charge {
 public:
  Charge(MemoryBudget& budget, std::uint64_t size_bytes) : budget_(budget), bytes_(size_bytes) {}
  ~Charge() { budget_.release(bytes_); }
  Charge(const Charge&) = delete;
  Charge& operator=(const Charge&) = delete;
  void keep() { bytes_ = 0; }

 private:
  MemoryBudget& budget_;
  std::uint64_t bytes_;
};
}  // namespace

void StateRef::release() {
  if (buffer_ != nullptr && buffer_->n_references.fetch_sub(1, std::memory_order_acq_rel) == 1)
    buffer_->pool->put_back(buffer_);
  buffer_ = nullptr;
}

StatePool::~StatePool() { trim(free_bytes_); }

Result<StateRef> StatePool::take(std::size_t size_bytes) {
  {
    const std::lock_guard lock(mutex_);
    const auto found = free_.find(size_bytes);
    if (found != free_.end() && !found->second.empty()) {
      StateBuffer* buffer = found->second.back().release();
      found->second.pop_back();
      free_bytes_ -= size_bytes;
      held_bytes_ += size_bytes;
      return StateRef(buffer);
    }
    // Room to put it back, so that giving back never allocates.
    auto& list = free_[size_bytes];
    list.reserve(kMaxFreeBuffers);
  }
  auto buffer = std::make_unique<StateBuffer>();
  // More than ever before only for what is held: buffers kept for later go first.
  if (budget_.used_bytes() + size_bytes > budget_.peak_bytes()) trim(size_bytes);
  NEMO_TRY(budget_.charge(size_bytes, "a session's state"));
  Charge charge(budget_, size_bytes);
  NEMO_ASSIGN(buffer->memory, backend_.allocate(size_bytes));
  charge.keep();
  buffer->size_bytes = size_bytes;
  buffer->pool = this;
  const std::lock_guard lock(mutex_);
  held_bytes_ += size_bytes;
  return StateRef(buffer.release());
}

void StatePool::put_back(StateBuffer* raw) {
  std::unique_ptr<StateBuffer> buffer(raw);
  const std::size_t size_bytes = buffer->size_bytes;
  {
    const std::lock_guard lock(mutex_);
    if (buffer->host != nullptr) {
      host_bytes_ -= size_bytes;
      return;
    }
    held_bytes_ -= size_bytes;
    auto& list = free_.find(size_bytes)->second;  // made by take()
    if (free_bytes_ + size_bytes <= kMaxFreeBytes && list.size() < list.capacity()) {
      free_bytes_ += size_bytes;
      list.push_back(std::move(buffer));
      return;
    }
  }
  buffer.reset();
  budget_.release(size_bytes);
}

std::uint64_t StatePool::trim(std::uint64_t wanted_bytes) {
  const std::lock_guard lock(mutex_);
  std::uint64_t freed = 0;
  for (auto& [size_bytes, list] : free_) {
    while (!list.empty() && freed < wanted_bytes) {
      list.pop_back();
      freed += size_bytes;
    }
  }
  free_bytes_ -= freed;
  budget_.release(freed);
  return freed;
}

std::uint64_t StatePool::movable_bytes(const StateRef& ref) {
  const StateBuffer* buffer = ref.buffer_;
  if (buffer == nullptr || buffer->host != nullptr) return 0;
  return buffer->n_pins.load(std::memory_order_acquire) > 0 ? 0 : buffer->size_bytes;
}

bool StatePool::move_out(const StateRef& ref) noexcept {
  const std::uint64_t size_bytes = movable_bytes(ref);
  if (size_bytes == 0 || size_bytes > host_room()) return false;
  std::unique_ptr<std::byte[]> host(new (std::nothrow) std::byte[size_bytes]);
  if (host == nullptr) return false;
  StateBuffer& buffer = *ref.buffer_;
  if (!backend_.read_bytes(buffer.memory.data(), {host.get(), buffer.size_bytes}).is_ok())
    return false;
  buffer.host = std::move(host);
  buffer.memory = {};
  budget_.release(size_bytes);
  ++moves_.n_out;
  const std::lock_guard lock(mutex_);
  held_bytes_ -= size_bytes;
  host_bytes_ += size_bytes;
  return true;
}

Status StatePool::bring_back(const StateRef& ref) {
  if (!ref.is_on_host()) return Status::ok();
  StateBuffer& buffer = *ref.buffer_;
  NEMO_ASSIGN(const StateRef fresh, take(buffer.size_bytes));
  NEMO_TRY(backend_.write_bytes(fresh.data(), {buffer.host.get(), buffer.size_bytes}));
  // The other one goes, and the host's memory with it.
  std::swap(buffer.memory, fresh.buffer_->memory);
  std::swap(buffer.host, fresh.buffer_->host);
  ++moves_.n_back;
  return Status::ok();
}

std::uint64_t StatePool::held_bytes() const {
  const std::lock_guard lock(mutex_);
  return held_bytes_;
}

std::uint64_t StatePool::free_bytes() const {
  const std::lock_guard lock(mutex_);
  return free_bytes_;
}

std::uint64_t StatePool::host_bytes() const {
  const std::lock_guard lock(mutex_);
  return host_bytes_;
}

}  // namespace nemotron
