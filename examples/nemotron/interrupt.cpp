#include "interrupt.h"

#include <signal.h>  // sigaction

#include <chrono>
#include <csignal>

namespace {

volatile std::sig_atomic_t g_interrupted = 0;

}  // namespace

void catch_interrupts() {
  struct sigaction action = {};
  action.sa_handler = [](int) { g_interrupted = 1; };
  sigemptyset(&action.sa_mask);
  action.sa_flags = 0;  // no SA_RESTART: reading a line must notice
  sigaction(SIGINT, &action, nullptr);
}

void release_interrupts() {
  struct sigaction action = {};
  action.sa_handler = SIG_DFL;
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, nullptr);
}

bool take_interrupt() {
  const bool was_interrupted = g_interrupted != 0;
  g_interrupted = 0;
  return was_interrupted;
}

CancelOnInterrupt::CancelOnInterrupt(nemotron::Session& session)
    : watcher_([this, &session] {
        // Again and again: between two steps of the answer a cancel finds nothing to stop.
        while (!is_over_) {
          if (g_interrupted != 0) session.cancel();
          std::this_thread::sleep_for(std::chrono::milliseconds(20));
        }
      }) {}

CancelOnInterrupt::~CancelOnInterrupt() {
  is_over_ = true;
  watcher_.join();
}
