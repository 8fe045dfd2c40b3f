// The role of pumping, held by one thread at a time. With the engine's lock.
#pragma once

#include "engine/engine.h"

namespace nemotron {

class Engine::Role {
 public:
  // Requires !engine.is_pumping_ and the lock, at both ends.
  explicit Role(Engine& engine) : engine_(engine) {
    engine_.is_pumping_ = true;
    engine_.has_advanced_ = false;
    engine_.pumping_thread_ = std::this_thread::get_id();
  }
  ~Role() {
    engine_.is_pumping_ = false;
    engine_.pumping_thread_ = {};
    // Who found nothing to do and kept the lock wakes nobody: two such waiters would wake each
    // other for ever.
    if (engine_.has_advanced_) engine_.changed_.notify_all();
  }
  Role(const Role&) = delete;
  Role& operator=(const Role&) = delete;

 private:
  Engine& engine_;
};

}  // namespace nemotron
