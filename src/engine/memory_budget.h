// The bytes that a context may take, and those it has taken. A cap is a cap: a charge that would
// pass it is refused before anything is allocated. Any thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <limits>
#include <string_view>

#include "base/result.h"

namespace nemotron {

// Whether more memory would have let it succeed.
inline bool wants_room(const Status& status) {
  return status.code() == StatusCode::kOverBudget || status.code() == StatusCode::kOutOfMemory;
}

class MemoryBudget {
 public:
  static constexpr std::uint64_t kNoLimit = std::numeric_limits<std::uint64_t>::max();

  explicit MemoryBudget(std::uint64_t limit_bytes = kNoLimit) : limit_bytes_(limit_bytes) {}
  MemoryBudget(const MemoryBudget&) = delete;
  MemoryBudget& operator=(const MemoryBudget&) = delete;

  // kOverBudget with the numbers; `what` names the thing in the sentence.
  Status charge(std::uint64_t size_bytes, std::string_view what);
  void release(std::uint64_t size_bytes);

  std::uint64_t limit_bytes() const { return limit_bytes_; }
  std::uint64_t used_bytes() const { return used_bytes_.load(std::memory_order_relaxed); }
  std::uint64_t peak_bytes() const { return peak_bytes_.load(std::memory_order_relaxed); }

 private:
  const std::uint64_t limit_bytes_;
  std::atomic<std::uint64_t> used_bytes_{0};
  std::atomic<std::uint64_t> peak_bytes_{0};
};

}  // namespace nemotron
