#include "engine/memory_budget.h"

#include "base/text.h"

namespace nemotron {

Status MemoryBudget::charge(std::uint64_t size_bytes, std::string_view what) {
  std::uint64_t used = used_bytes_.load(std::memory_order_relaxed);
  do {
    if (used > limit_bytes_ || size_bytes > limit_bytes_ - used)
      return {StatusCode::kOverBudget, join(what, " needs ", size_bytes, " bytes; ", used,
                                            " of the ", limit_bytes_, " allowed are in use")};
  } while (!used_bytes_.compare_exchange_weak(used, used + size_bytes, std::memory_order_relaxed));
  std::uint64_t peak = peak_bytes_.load(std::memory_order_relaxed);
  while (used + size_bytes > peak &&
         !peak_bytes_.compare_exchange_weak(peak, used + size_bytes, std::memory_order_relaxed)) {
  }
  return Status::ok();
}

void MemoryBudget::release(std::uint64_t size_bytes) {
  used_bytes_.fetch_sub(size_bytes, std::memory_order_relaxed);
}

}  // namespace nemotron
