#include "failing_allocations.h"

#include <cstdlib>
#include <new>

namespace {
thread_local std::int64_t n_until_failure = -1;  // < 0: none fails
}  // namespace

void* operator new(std::size_t size_bytes) {
  if (n_until_failure >= 0 && n_until_failure-- == 0) throw std::bad_alloc();
  if (void* memory = std::malloc(size_bytes == 0 ? 1 : size_bytes)) return memory;
  throw std::bad_alloc();
}

// As above, so that all memory that operator delete gets is malloc's, with sanitizers too.
void* operator new(std::size_t size_bytes, const std::nothrow_t&) noexcept {
  if (n_until_failure >= 0 && n_until_failure-- == 0) return nullptr;
  return std::malloc(size_bytes == 0 ? 1 : size_bytes);
}

void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace nemotron {

FailingAllocation::FailingAllocation(std::int64_t n) { n_until_failure = n; }
FailingAllocation::~FailingAllocation() { n_until_failure = -1; }
bool FailingAllocation::has_failed() const { return n_until_failure < 0; }

}  // namespace nemotron
