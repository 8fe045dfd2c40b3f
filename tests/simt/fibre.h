// A stack that a function runs on and that can be left and entered again. x86-64: a switch saves
// the callee's registers, a few nanoseconds; elsewhere <ucontext.h>.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#if !defined(__x86_64__)
#include <ucontext.h>
#endif

namespace simt {

#if defined(__x86_64__)

class FibrePoint {
 public:
  // A point at which entering begins `entry` on the stack.
  void prepare(std::byte* stack, std::size_t size_bytes, void (*entry)());
  void* stack_pointer = nullptr;
};

extern "C" void nemo_simt_switch(void** from, void* to);

// Leaves for `to`; returns when somebody comes back to `from`.
inline void switch_fibre(FibrePoint& from, FibrePoint& to) {
  nemo_simt_switch(&from.stack_pointer, to.stack_pointer);
}

#else

class FibrePoint {
 public:
  void prepare(std::byte* stack, std::size_t size_bytes, void (*entry)()) {
    getcontext(&context);
    context.uc_stack.ss_sp = stack;
    context.uc_stack.ss_size = size_bytes;
    context.uc_link = nullptr;
    makecontext(&context, entry, 0);
  }
  ucontext_t context;
};

inline void switch_fibre(FibrePoint& from, FibrePoint& to) {
  swapcontext(&from.context, &to.context);
}

#endif

}  // namespace simt
