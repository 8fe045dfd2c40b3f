// Adds up what a backend's operations took, by kind of work and type of data. One thread adds, any
// thread may read meanwhile.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <vector>

#include "backend/operation_profile.h"
#include "backend/work_amount.h"

namespace nemotron {

class WorkProfile {
 public:
  bool is_enabled() const { return is_enabled_.load(std::memory_order_relaxed); }
  // Begins again from zero, or ends.
  void enable(bool enabled);

  // A part of an operation took that long.
  void add_time(const WorkShape& shape, std::int64_t ns);
  // An operation is done.
  void add_run(const WorkShape& shape, const WorkAmount& amount);

  // What ran, by kind. bad_alloc.
  std::vector<OperationFigures> figures() const;

 private:
  static constexpr std::size_t kNumTypes = kNumTensorTypes;

  struct Totals {
    std::atomic<std::uint64_t> n_runs{0};
    std::atomic<std::uint64_t> ns{0};
    std::atomic<std::uint64_t> n_bytes{0};
    std::atomic<std::uint64_t> operations{0};
    std::atomic<Arithmetic> arithmetic{Arithmetic::kF32};
  };
  static std::size_t index(const WorkShape& shape) {
    return static_cast<std::size_t>(shape.kind) * kNumTypes + static_cast<std::size_t>(shape.type);
  }

  std::atomic<bool> is_enabled_{false};
  std::array<Totals, kNumWorkKinds * kNumTypes> totals_;
};

}  // namespace nemotron
