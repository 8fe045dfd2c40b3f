// How long work of each kind takes on this machine: learned while it runs, so that slices can be
// planned. Estimates decide how loops are cut and never what they compute.
#pragma once

#include <array>
#include <cstdint>

#include "backend/work_amount.h"

namespace nemotron {

class CostTable {
 public:
  using Entry = std::int32_t;

  // The entry of work of that shape; shapes of like row counts share one. Makes it with a careful
  // guess where it is new. When the table is full, one that keeps its guess.
  Entry find(const WorkShape& shape);

  // Nanoseconds of one unit: one row of one item.
  double unit_ns(Entry entry) const { return costs_[index(entry)].unit_ns; }
  bool is_measured(Entry entry) const { return costs_[index(entry)].is_measured; }
  // Takes note that `n_units` took that long.
  void learn(Entry entry, double n_units, std::int64_t busy_ns);

 private:
  static constexpr std::size_t kSize = 512;

  struct Cost {
    std::uint64_t key = 0;  // 0: free
    double unit_ns = 0.0;
    bool is_measured = false;
  };
  static std::size_t index(Entry entry) { return static_cast<std::size_t>(entry); }

  std::array<Cost, kSize + 1> costs_{};  // the last one: when full
};

}  // namespace nemotron
