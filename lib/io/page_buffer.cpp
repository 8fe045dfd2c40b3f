// Anonymous mappings. The only memory in the library that does not come from operator new.
#include "io/page_buffer.h"

#include <sys/mman.h>

#include <utility>

namespace nemotron {
namespace {
// What was mapped for a buffer of `size_bytes`: munmap rounds up to pages itself.
std::size_t mapped_bytes(std::size_t size_bytes) { return size_bytes == 0 ? 1 : size_bytes; }
}  // namespace

PageBuffer PageBuffer::allocate(std::size_t size_bytes) {
  PageBuffer buffer;
  void* memory = ::mmap(nullptr, mapped_bytes(size_bytes), PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return buffer;
  // Advice only: a system without huge pages says no, and small pages work.
  if (size_bytes >= kHugePageThresholdBytes) (void)::madvise(memory, size_bytes, MADV_HUGEPAGE);
  buffer.memory_ = static_cast<std::byte*>(memory);
  buffer.size_bytes_ = size_bytes;
  return buffer;
}

PageBuffer::PageBuffer(PageBuffer&& other) noexcept
    : memory_(std::exchange(other.memory_, nullptr)),
      size_bytes_(std::exchange(other.size_bytes_, 0)) {}

PageBuffer& PageBuffer::operator=(PageBuffer&& other) noexcept {
  if (this != &other) {
    release();
    memory_ = std::exchange(other.memory_, nullptr);
    size_bytes_ = std::exchange(other.size_bytes_, 0);
  }
  return *this;
}

PageBuffer::~PageBuffer() { release(); }

void PageBuffer::release() {
  if (memory_ != nullptr) ::munmap(memory_, mapped_bytes(size_bytes_));
  memory_ = nullptr;
  size_bytes_ = 0;
}

}  // namespace nemotron
