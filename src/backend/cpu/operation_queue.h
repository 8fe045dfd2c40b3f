// Recorded operations of the CPU backend. Each record is one or several parallel loops ("phases")
// over items that are independent of each other; a cursor remembers what is done, so that a step
// can be left and taken up again after any range.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>
#include <vector>

#include "backend/cpu/cost_table.h"
#include "backend/work_profile.h"
#include "base/status.h"
#include "threading/thread_pool.h"

namespace nemotron {

// Part of a record that one thread runs at once.
struct WorkRange {
  std::int64_t phase = 0;
  std::int64_t first = 0;  // items [first, last)
  std::int64_t last = 0;
  int thread = 0;
};

// Units of work (rows, positions) of the items of a phase.
struct WorkUnits {
  double most = 1.0;
  double mean = 1.0;
};

// How a record's work is cut.
struct WorkPlan {
  std::int64_t n_items = 0;  // in each phase
  std::int64_t unit = 1;     // ranges of items begin at multiples of it
  std::int64_t n_phases = 1;
  WorkShape shape;
  WorkAmount amount;  // of all phases
};

class OperationQueue {
 public:
  static constexpr std::size_t kBodyBytes = 272;

  explicit OperationQueue(ThreadPool& pool) : pool_(pool) {}

  // Of memory for that many records.
  static std::uint64_t record_bytes(std::size_t n_records) { return n_records * sizeof(Record); }
  // kOutOfMemory.
  Status reserve(std::size_t n_records);

  // Appends body(const WorkRange&) for all items; without room, after running what is there. Items
  // are of shape.n_rows units each, unless body.units(phase) says otherwise.
  template <typename Body>
  void record(const WorkPlan& plan, const Body& body) {
    static_assert(std::is_trivially_copyable_v<Body> && sizeof(Body) <= kBodyBytes &&
                  alignof(Body) <= alignof(std::max_align_t));
    Record& record = append(plan);
    ::new (static_cast<void*>(record.body.data())) Body(body);
    record.call = [](const std::byte* bytes, const WorkRange& range) {
      (*std::launder(reinterpret_cast<const Body*>(bytes)))(range);
    };
    record.units = [](const std::byte* bytes, const WorkPlan& of, std::int64_t phase) -> WorkUnits {
      if constexpr (requires(const Body& b) { b.units(phase); })
        return std::launder(reinterpret_cast<const Body*>(bytes))->units(phase);
      const auto n_rows = static_cast<double>(of.shape.n_rows);
      return {n_rows, n_rows};
    };
  }

  // See Backend::advance().
  bool advance(const RunLimit& limit);

  WorkProfile& profile() { return profile_; }
  const WorkProfile& profile() const { return profile_; }

  // The longest range that ran since the last call, and what it was: for tests and measurements.
  struct LongestRange {
    std::int64_t ns = 0;
    WorkShape shape;
  };
  LongestRange take_longest() { return std::exchange(longest_, {}); }

 private:
  struct Record {
    Record() {}  // NOLINT: the body's bytes are written next, and zeros would cost time
    alignas(std::max_align_t) std::array<std::byte, kBodyBytes> body;
    void (*call)(const std::byte*, const WorkRange&) = nullptr;
    WorkUnits (*units)(const std::byte*, const WorkPlan&, std::int64_t phase) = nullptr;
    WorkPlan plan;
    CostTable::Entry cost = 0;
  };

  Record& append(const WorkPlan& plan);
  bool run_phase(const Record& record, ThreadPool::Work& work, const RunLimit& limit,
                 bool begin_one);
  ParallelLoop plan_loop(const Record& record, const WorkUnits& units, const RunLimit& limit);

  ThreadPool& pool_;
  CostTable costs_;
  WorkProfile profile_;
  std::vector<Record> records_;
  std::uint32_t n_loops_ = 0;
  // The first item that is not done.
  std::size_t next_record_ = 0;
  std::int64_t next_phase_ = 0;
  std::int64_t next_item_ = 0;
  LongestRange longest_;
};

}  // namespace nemotron
