// The first failure among threads that work on the same thing.
#pragma once

#include <mutex>
#include <utility>

#include "base/status.h"

namespace nemotron {

class SharedStatus {
 public:
  // Keeps the first status that is no success. Any thread.
  void set(Status status) {
    if (status.is_ok()) return;
    const std::lock_guard lock(mutex_);
    if (status_.is_ok()) status_ = std::move(status);
  }
  // Whether nothing failed yet: threads that come later may stop early. Any thread.
  bool is_ok() const {
    const std::lock_guard lock(mutex_);
    return status_.is_ok();
  }
  // When all threads are done.
  Status take() { return std::move(status_); }

 private:
  mutable std::mutex mutex_;
  Status status_ = Status::ok();
};

}  // namespace nemotron
