// Makes operator new of this executable fail on demand.
#pragma once

#include <cstdint>

namespace nemotron {

// While it lives, allocation number `n` of this thread (0: the next one) throws bad_alloc, and the
// ones after it succeed.
class FailingAllocation {
 public:
  explicit FailingAllocation(std::int64_t n);
  ~FailingAllocation();
  FailingAllocation(const FailingAllocation&) = delete;
  FailingAllocation& operator=(const FailingAllocation&) = delete;

  bool has_failed() const;
};

}  // namespace nemotron
