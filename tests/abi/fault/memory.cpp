#include "memory.h"

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <new>

namespace {

constexpr std::int64_t kNever = INT64_MAX;
std::atomic<std::int64_t> n_until_failure{kNever};
std::atomic<bool> is_lasting{false};
std::atomic<bool> has_failed{false};
std::atomic<std::int64_t> n_news{0};
std::atomic<std::int64_t> n_deletes{0};
std::atomic<std::int64_t> n_buffers{0};
std::atomic<std::int64_t> n_releases{0};

bool fails_now() {
  if (n_until_failure.load(std::memory_order_relaxed) == kNever) return false;
  const std::int64_t n_left = n_until_failure.fetch_sub(1);
  if (n_left > 0 || (n_left < 0 && !is_lasting)) return false;
  has_failed = true;
  return true;
}

void* make(std::size_t size_bytes) noexcept {
  if (fails_now()) return nullptr;
  ++n_news;
  return std::malloc(size_bytes == 0 ? 1 : size_bytes);
}

void* make_aligned(std::size_t size_bytes, std::size_t alignment) noexcept {
  if (fails_now()) return nullptr;
  ++n_news;
  return std::aligned_alloc(alignment, (size_bytes + alignment - 1) / alignment * alignment);
}

void* or_throw(void* memory) {
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

void destroy(void* memory) noexcept {
  if (memory != nullptr) ++n_deletes;
  std::free(memory);
}

constexpr int kDirt = 0xA5;

void* allocate_buffer(std::size_t size_bytes, std::size_t alignment, void*) {
  if (fails_now()) return nullptr;
  ++n_buffers;
  void* memory =
      std::aligned_alloc(alignment, (size_bytes + alignment - 1) / alignment * alignment);
  return std::memset(memory, kDirt, size_bytes);
}

void release_buffer(void* memory, std::size_t, std::size_t, void*) {
  ++n_releases;
  std::free(memory);
}

}  // namespace

void* operator new(std::size_t n) { return or_throw(make(n)); }
void* operator new[](std::size_t n) { return or_throw(make(n)); }
void* operator new(std::size_t n, const std::nothrow_t&) noexcept { return make(n); }
void* operator new[](std::size_t n, const std::nothrow_t&) noexcept { return make(n); }
void* operator new(std::size_t n, std::align_val_t a) {
  return or_throw(make_aligned(n, static_cast<std::size_t>(a)));
}
void* operator new[](std::size_t n, std::align_val_t a) {
  return or_throw(make_aligned(n, static_cast<std::size_t>(a)));
}
void operator delete(void* memory) noexcept { destroy(memory); }
void operator delete[](void* memory) noexcept { destroy(memory); }
void operator delete(void* memory, std::size_t) noexcept { destroy(memory); }
void operator delete[](void* memory, std::size_t) noexcept { destroy(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { destroy(memory); }
void operator delete[](void* memory, std::align_val_t) noexcept { destroy(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { destroy(memory); }
void operator delete[](void* memory, std::size_t, std::align_val_t) noexcept { destroy(memory); }
void operator delete(void* memory, const std::nothrow_t&) noexcept { destroy(memory); }
void operator delete[](void* memory, const std::nothrow_t&) noexcept { destroy(memory); }

namespace fault {

void fail_after(std::int64_t n, Failing failing) {
  has_failed = false;
  is_lasting = failing == Failing::kUntilStopped;
  n_until_failure = n;
}

bool stop_failing() {
  n_until_failure = kNever;
  return has_failed;
}

Counts new_counts() { return {n_news, n_news - n_deletes}; }
Counts buffer_counts() { return {n_buffers, n_buffers - n_releases}; }

const nemo_allocator& host_allocator() {
  static const nemo_allocator allocator = {sizeof(nemo_allocator), 0, allocate_buffer,
                                           release_buffer, nullptr};
  return allocator;
}

}  // namespace fault
