// ^C: while the model works it ends the answer, not the program.
#pragma once

#include <atomic>
#include <nemotron/nemotron.hpp>
#include <thread>

// From now on ^C only sets a flag. A read from a terminal that it interrupts fails with EINTR.
void catch_interrupts();
// ^C ends the program again.
void release_interrupts();
// Whether ^C was pressed since the last call.
bool take_interrupt();

// While it lives, ^C cancels the session. A signal handler may not do that itself, and during a
// long prompt no callback runs, so a thread watches the flag.
class CancelOnInterrupt {
 public:
  explicit CancelOnInterrupt(nemotron::Session& session);
  ~CancelOnInterrupt();
  CancelOnInterrupt(const CancelOnInterrupt&) = delete;
  CancelOnInterrupt& operator=(const CancelOnInterrupt&) = delete;

 private:
  std::atomic<bool> is_over_ = false;
  std::thread watcher_;
};
