// All memory of the library under a test's control: operator new of this executable, which the
// shared library finds first, and a host allocator for the large buffers. Both count, and either
// fails on demand.
#pragma once

#include <nemotron/nemotron.h>

#include <cstdint>

namespace fault {

enum class Failing : std::uint8_t { kOnce, kUntilStopped };
// The next `n` allocations of any thread succeed, the one after them fails, and all others succeed
// or fail, too.
void fail_after(std::int64_t n, Failing failing);
// No more failures. Whether one happened since fail_after().
bool stop_failing();

struct Counts {
  std::int64_t n_made = 0;   // so far
  std::int64_t n_alive = 0;  // not given back yet
  bool operator==(const Counts&) const = default;
};
Counts new_counts();
Counts buffer_counts();

// Gives dirty memory, and checks what comes back; counted by buffer_counts().
const nemo_allocator& host_allocator();

}  // namespace fault
