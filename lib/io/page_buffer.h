// Owned memory for weights and states, zeroed: anonymous pages, with huge pages asked for where
// they pay, or what a host's allocator gives. Failure is an empty buffer, never an exception.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace nemotron {

// A host's allocator; without functions, the system's pages. Both are called on any thread.
struct HostMemory {
  // At least `size_bytes`, aligned; null when there is none.
  void* (*allocate)(std::size_t size_bytes, std::size_t alignment, void* user) = nullptr;
  void (*release)(void* memory, std::size_t size_bytes, std::size_t alignment,
                  void* user) = nullptr;
  void* user = nullptr;
};

// kHuge: asked for where the buffer is large: fewer misses in the address cache, but the first
// touch of each clears 2 MiB, which takes milliseconds where a virtual machine's host has to find
// them first. For what is filled at once. kSmall: for what is touched bit by bit while somebody
// waits.
enum class PageSize : std::uint8_t { kHuge, kSmall };

class PageBuffer {
 public:
  static constexpr std::size_t kHostAlignment = 64;
  static constexpr std::size_t kHugePageThresholdBytes = std::size_t{4} << 20;

  PageBuffer() = default;
  PageBuffer(PageBuffer&& other) noexcept;
  PageBuffer& operator=(PageBuffer&& other) noexcept;
  PageBuffer(const PageBuffer&) = delete;
  PageBuffer& operator=(const PageBuffer&) = delete;
  ~PageBuffer();

  // Check is_valid(): false when the memory could not be had. size_bytes == 0 gives a valid buffer
  // of one page (of a host, one byte) that reports size 0.
  static PageBuffer allocate(std::size_t size_bytes, const HostMemory& host = {},
                             PageSize pages = PageSize::kHuge);

  bool is_valid() const { return memory_ != nullptr; }
  std::byte* data() { return memory_; }
  const std::byte* data() const { return memory_; }
  std::size_t size_bytes() const { return size_bytes_; }
  std::span<std::byte> bytes() { return {memory_, size_bytes_}; }
  std::span<const std::byte> bytes() const { return {memory_, size_bytes_}; }

 private:
  void release();

  std::byte* memory_ = nullptr;
  std::size_t size_bytes_ = 0;
  HostMemory host_;
};

}  // namespace nemotron
