// Stands in for every way of leaving the process. The library binds to these, because an executable
// that exports its symbols comes first in the dynamic linker's search.
#include <sys/syscall.h>
#include <unistd.h>

#include <cstring>

namespace {

// Says who called and leaves by the system call, which nobody interposes.
[[noreturn]] void caught(const char* name) {
  constexpr char kPrefix[] = "the library called ";
  (void)!write(STDERR_FILENO, kPrefix, sizeof kPrefix - 1);
  (void)!write(STDERR_FILENO, name, std::strlen(name));
  (void)!write(STDERR_FILENO, "\n", 1);
  for (;;) syscall(SYS_exit_group, 97);
}

}  // namespace

#define NEMO_EXPORTED __attribute__((visibility("default"), noreturn, used))

extern "C" {
NEMO_EXPORTED void abort() noexcept { caught("abort"); }
NEMO_EXPORTED void exit(int) noexcept { caught("exit"); }
NEMO_EXPORTED void _exit(int) { caught("_exit"); }
NEMO_EXPORTED void _Exit(int) noexcept { caught("_Exit"); }
NEMO_EXPORTED void quick_exit(int) noexcept { caught("quick_exit"); }
// std::terminate() under its ABI name: it cannot be defined under its own beside <exception>.
NEMO_EXPORTED void nemo_test_terminate() noexcept __asm__("_ZSt9terminatev");
NEMO_EXPORTED void nemo_test_terminate() noexcept { caught("std::terminate"); }
}
