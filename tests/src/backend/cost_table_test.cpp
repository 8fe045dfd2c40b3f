#include "backend/cpu/cost_table.h"

#include <catch2/catch.hpp>
#include <set>

using namespace nemotron;

TEST_CASE("work has an entry by kind, type, width and about how many rows") {
  CostTable costs;
  const WorkShape shape{WorkKind::kLinear, 3, 4096, 40};
  const auto entry = costs.find(shape);
  CHECK(costs.find(shape) == entry);
  CHECK(costs.find({WorkKind::kLinear, 3, 4096, 63}) == entry);  // both 32 to 63
  const std::set<CostTable::Entry> others = {
      entry,
      costs.find({WorkKind::kPrepare, 3, 4096, 40}),
      costs.find({WorkKind::kLinear, 4, 4096, 40}),
      costs.find({WorkKind::kLinear, 3, 4097, 40}),
      costs.find({WorkKind::kLinear, 3, 4096, 64}),
      costs.find({WorkKind::kLinear, 3, 4096, 1}),
  };
  CHECK(others.size() == 6);
}

TEST_CASE("the first measurement replaces the guess, later ones move the estimate") {
  CostTable costs;
  const auto entry = costs.find({WorkKind::kScan, 0, 1000, 1});
  CHECK_FALSE(costs.is_measured(entry));
  CHECK(costs.unit_ns(entry) == 2000.0);
  costs.learn(entry, 0.0, 100);  // nothing was done
  CHECK_FALSE(costs.is_measured(entry));
  costs.learn(entry, 10.0, 1000);
  CHECK(costs.is_measured(entry));
  CHECK(costs.unit_ns(entry) == 100.0);
  costs.learn(entry, 10.0, 2000);
  CHECK(costs.unit_ns(entry) == 112.5);
  // A thread that was taken off its processor for 50 ms counts as twice the estimate.
  costs.learn(entry, 1.0, 50000000);
  CHECK(costs.unit_ns(entry) == 126.5625);
  for (int i = 0; i < 40; ++i) costs.learn(entry, 10.0, 500);
  CHECK(costs.unit_ns(entry) == Approx(50.0).epsilon(0.01));
}

TEST_CASE("a full table serves more work from one careful entry") {
  CostTable costs;
  std::set<CostTable::Entry> entries;
  for (std::int64_t width = 1; width <= 600; ++width)
    entries.insert(costs.find({WorkKind::kLinear, 0, width, 1}));
  CHECK(entries.size() == 513);
  const auto last = costs.find({WorkKind::kLinear, 0, 100000, 1});
  CHECK(costs.unit_ns(last) == 50000.0);
  costs.learn(last, 1.0, 1);
  CHECK(costs.unit_ns(last) == 50000.0);
}
