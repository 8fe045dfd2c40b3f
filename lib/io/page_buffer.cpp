// Anonymous mappings, or a host's memory: all that does not come from operator new.
#include "io/page_buffer.h"

#include <sys/mman.h>

#include <cstdint>
#include <cstring>
#include <utility>

namespace nemotron {
namespace {
// What was mapped for a buffer of `size_bytes`: munmap rounds up to pages itself.
std::size_t mapped_bytes(std::size_t size_bytes) { return size_bytes == 0 ? 1 : size_bytes; }

// What a host gives may be dirty. Misaligned memory is refused: kernels load whole vectors.
void* allocate_from(const HostMemory& host, std::size_t size_bytes) {
  void* memory = host.allocate(size_bytes, PageBuffer::kHostAlignment, host.user);
  if (memory == nullptr) return nullptr;
  if (reinterpret_cast<std::uintptr_t>(memory) % PageBuffer::kHostAlignment != 0) {
    host.release(memory, size_bytes, PageBuffer::kHostAlignment, host.user);
    return nullptr;
  }
  return std::memset(memory, 0, size_bytes);
}
}  // namespace

PageBuffer PageBuffer::allocate(std::size_t size_bytes, const HostMemory& host, PageSize pages) {
  PageBuffer buffer;
  if (host.allocate != nullptr) {
    buffer.memory_ = static_cast<std::byte*>(allocate_from(host, mapped_bytes(size_bytes)));
    buffer.host_ = host;
    if (buffer.memory_ != nullptr) buffer.size_bytes_ = size_bytes;
    return buffer;
  }
  void* memory = ::mmap(nullptr, mapped_bytes(size_bytes), PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return buffer;
  // Advice only: a system without huge pages says no, and small pages work.
  const int advice = pages == PageSize::kHuge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE;
  if (size_bytes >= kHugePageThresholdBytes) (void)::madvise(memory, size_bytes, advice);
  buffer.memory_ = static_cast<std::byte*>(memory);
  buffer.size_bytes_ = size_bytes;
  return buffer;
}

PageBuffer::PageBuffer(PageBuffer&& other) noexcept
    : memory_(std::exchange(other.memory_, nullptr)),
      size_bytes_(std::exchange(other.size_bytes_, 0)),
      host_(other.host_) {}

PageBuffer& PageBuffer::operator=(PageBuffer&& other) noexcept {
  if (this != &other) {
    release();
    memory_ = std::exchange(other.memory_, nullptr);
    size_bytes_ = std::exchange(other.size_bytes_, 0);
    host_ = other.host_;
  }
  return *this;
}

PageBuffer::~PageBuffer() { release(); }

void PageBuffer::release() {
  if (memory_ != nullptr && host_.allocate != nullptr) {
    host_.release(memory_, mapped_bytes(size_bytes_), kHostAlignment, host_.user);
  } else if (memory_ != nullptr) {
    ::munmap(memory_, mapped_bytes(size_bytes_));
  }
  memory_ = nullptr;
  size_bytes_ = 0;
}

}  // namespace nemotron
