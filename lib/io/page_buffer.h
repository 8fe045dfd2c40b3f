// Owned anonymous pages for weights and states: zeroed by the system, page-aligned, with huge pages
// asked for where they pay. Failure is an empty buffer, never an exception.
#pragma once

#include <cstddef>
#include <span>

namespace nemotron {

class PageBuffer {
 public:
  static constexpr std::size_t kHugePageThresholdBytes = std::size_t{4} << 20;

  PageBuffer() = default;
  PageBuffer(PageBuffer&& other) noexcept;
  PageBuffer& operator=(PageBuffer&& other) noexcept;
  PageBuffer(const PageBuffer&) = delete;
  PageBuffer& operator=(const PageBuffer&) = delete;
  ~PageBuffer();

  // Check is_valid(): false when the memory could not be had. size_bytes == 0 gives a valid buffer
  // of one page that reports size 0.
  static PageBuffer allocate(std::size_t size_bytes);

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
};

}  // namespace nemotron
