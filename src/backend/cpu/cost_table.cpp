#include "backend/cpu/cost_table.h"

#include <algorithm>
#include <bit>

namespace nemotron {

namespace {

// Measurements move an estimate by a part of the difference: downwards fast, upwards slowly and
// never to more than twice of it, because what makes work slower than it is comes from outside: a
// thread that the system stopped in the middle of a range, caches that others use.
constexpr double kDownWeight = 0.5;
constexpr double kUpWeight = 0.125;
constexpr double kMostGrowth = 2.0;

// Nanoseconds per unit and column before anything was measured: what the slowest level needs. Too
// high costs a few short slices until the first measurement; too low would be one long slice.
double first_guess(const WorkShape& shape) {
  const bool is_product = shape.kind == WorkKind::kLinear || shape.kind == WorkKind::kAttention;
  return static_cast<double>(shape.width) * (is_product ? 0.5 : 2.0);
}

std::uint64_t key_of(const WorkShape& shape) {
  const auto rows_log2 = std::bit_width(static_cast<std::uint64_t>(shape.n_rows));
  return (static_cast<std::uint64_t>(shape.width) << 24) |
         (static_cast<std::uint64_t>(rows_log2) << 16) |
         ((static_cast<std::uint64_t>(shape.type) & 0xff) << 8) |
         (static_cast<std::uint64_t>(shape.kind) + 1);
}

}  // namespace

CostTable::Entry CostTable::find(const WorkShape& shape) {
  const std::uint64_t key = key_of(shape);
  std::size_t i = (key * 0x9e3779b97f4a7c15u) >> 55;  // 9 bits: kSize
  static_assert(kSize == 1u << 9);
  for (std::size_t n = 0; n < kSize; ++n, i = (i + 1) % kSize) {
    if (costs_[i].key == key) return static_cast<Entry>(i);
    if (costs_[i].key == 0) {
      costs_[i] = {key, first_guess(shape), false};
      return static_cast<Entry>(i);
    }
  }
  costs_[kSize] = {0, std::max(costs_[kSize].unit_ns, first_guess(shape)), true};
  return static_cast<Entry>(kSize);
}

void CostTable::learn(Entry entry, double n_units, std::int64_t busy_ns) {
  Cost& cost = costs_[index(entry)];
  if (n_units <= 0.0 || index(entry) == kSize) return;
  const double sample = static_cast<double>(busy_ns) / n_units;
  if (!cost.is_measured) {
    cost = {cost.key, sample, true};
    return;
  }
  const double change = std::min(sample, cost.unit_ns * kMostGrowth) - cost.unit_ns;
  cost.unit_ns += change * (change < 0.0 ? kDownWeight : kUpWeight);
}

}  // namespace nemotron
