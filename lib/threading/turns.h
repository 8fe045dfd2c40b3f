// A lock that is handed on in the order in which it was asked for, so that who gives it up and asks
// again waits behind the others. Nothing to destroy: it may be left locked in a forked child.
#pragma once

#include <atomic>
#include <cstdint>

namespace nemotron {

class Turns {
 public:
  void acquire() {
    const std::uint32_t ticket = next_.fetch_add(1, std::memory_order_relaxed);
    std::uint32_t serving = serving_.load(std::memory_order_acquire);
    while (serving != ticket) {
      serving_.wait(serving, std::memory_order_acquire);
      serving = serving_.load(std::memory_order_acquire);
    }
  }
  bool try_acquire() {
    std::uint32_t serving = serving_.load(std::memory_order_acquire);
    return next_.compare_exchange_strong(serving, serving + 1, std::memory_order_relaxed);
  }
  void release() {
    serving_.fetch_add(1, std::memory_order_release);
    serving_.notify_all();
  }
  // For the holder: whether somebody waits.
  bool is_wanted() const {
    return next_.load(std::memory_order_relaxed) - serving_.load(std::memory_order_relaxed) > 1;
  }

 private:
  std::atomic<std::uint32_t> next_{0};     // the next ticket
  std::atomic<std::uint32_t> serving_{0};  // the ticket whose turn it is
};

}  // namespace nemotron
