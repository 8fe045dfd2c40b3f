// When work that can be interrupted has to stop: at a time, or when another thread says so.
#pragma once

#include <atomic>
#include <chrono>

namespace nemotron {

struct RunLimit {
  using Clock = std::chrono::steady_clock;

  Clock::time_point deadline = Clock::time_point::max();  // max(): none
  const std::atomic<bool>* stop = nullptr;                // set by any thread; null: never

  bool has_deadline() const { return deadline != Clock::time_point::max(); }
  bool is_limited() const { return stop != nullptr || has_deadline(); }
  bool is_stopped() const { return stop != nullptr && stop->load(std::memory_order_relaxed); }
};

}  // namespace nemotron
