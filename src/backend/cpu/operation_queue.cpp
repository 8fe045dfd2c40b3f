#include "backend/cpu/operation_queue.h"

#include <algorithm>
#include <stdexcept>

#include "base/checked_math.h"

namespace nemotron {

namespace {

// Pieces per thread: enough for threads of unequal speed to even out.
constexpr std::int64_t kPiecesPerThread = 4;
// What a range is to take where a limit may come: well below the 0.5 ms that one may take at most,
// since estimates err.
constexpr double kRangeNs = 200e3;

// Without a deadline one loop in that many is measured: estimates stay fresh, and the clock is
// rarely read.
constexpr std::uint32_t kMeasureEvery = 8;

}  // namespace

Status OperationQueue::reserve(std::size_t n_records) {
  try {
    records_.reserve(n_records);
  } catch (const std::exception&) {  // bad_alloc, length_error
    return {StatusCode::kOutOfMemory,
            "cannot allocate room for " + std::to_string(n_records) + " operations"};
  }
  return Status::ok();
}

OperationQueue::Record& OperationQueue::append(const WorkPlan& plan) {
  if (records_.size() == records_.capacity()) advance({});
  Record& record = records_.emplace_back();
  record.plan = plan;
  record.cost = costs_.find(plan.shape);
  return record;
}

bool OperationQueue::advance(const RunLimit& limit) {
  if (records_.empty()) return true;
  ThreadPool::Work work(pool_, limit);
  bool begin_one = true;
  for (; next_record_ < records_.size(); ++next_record_) {
    const Record& record = records_[next_record_];
    for (; next_phase_ < record.plan.n_phases; ++next_phase_) {
      if (!run_phase(record, work, limit, begin_one)) return false;
      begin_one = begin_one && record.plan.n_items == 0;
      work.take_turns(limit);
    }
    next_phase_ = 0;
    if (profile_.is_enabled()) profile_.add_run(record.plan.shape, record.plan.amount);
  }
  records_.clear();
  next_record_ = 0;
  return true;
}

// Whether the phase is done.
bool OperationQueue::run_phase(const Record& record, ThreadPool::Work& work, const RunLimit& limit,
                               bool begin_one) {
  const WorkUnits units = record.units(record.body.data(), record.plan, next_phase_);
  ParallelLoop loop = plan_loop(record, units, limit);
  loop.begin_one = begin_one;
  const bool has_profile = profile_.is_enabled();
  const auto start = has_profile ? RunLimit::Clock::now() : RunLimit::Clock::time_point();
  const LoopProgress progress =
      work.run(loop, [&](std::int64_t first, std::int64_t last, int thread) {
        record.call(record.body.data(), {next_phase_, first, last, thread});
      });
  if (has_profile)
    profile_.add_time(record.plan.shape, std::chrono::duration_cast<std::chrono::nanoseconds>(
                                             RunLimit::Clock::now() - start)
                                             .count());
  if (loop.measure)
    costs_.learn(record.cost, static_cast<double>(progress.busy_items) * units.mean,
                 progress.busy_ns);
  if (progress.longest_ns > longest_.ns) longest_ = {progress.longest_ns, record.plan.shape};
  const bool is_done = progress.next_item == record.plan.n_items;
  next_item_ = is_done ? 0 : progress.next_item;
  return is_done;
}

ParallelLoop OperationQueue::plan_loop(const Record& record, const WorkUnits& units,
                                       const RunLimit& limit) {
  const WorkPlan& plan = record.plan;
  const double unit_ns = costs_.unit_ns(record.cost);
  ParallelLoop loop;
  loop.first_item = next_item_;
  loop.n_items = plan.n_items;
  loop.unit = plan.unit;
  loop.limit = limit;
  loop.item_ns = unit_ns * units.most;
  const std::int64_t n_pieces = pool_.n_threads() * kPiecesPerThread;
  loop.grain = ceil_div(ceil_div(plan.n_items, n_pieces), plan.unit) * plan.unit;
  const double n_left = static_cast<double>(plan.n_items - next_item_);
  loop.alone = n_left * units.mean * unit_ns < 2.0 * pool_.overhead_ns();
  if (loop.alone) loop.grain = plan.n_items;
  loop.measure =
      limit.is_limited() || n_loops_++ % kMeasureEvery == 0 || !costs_.is_measured(record.cost);
  if (limit.is_limited() && loop.item_ns * static_cast<double>(loop.grain) > kRangeNs) {
    const auto n_units =
        static_cast<std::int64_t>(kRangeNs / (loop.item_ns * static_cast<double>(plan.unit)));
    loop.grain = std::max<std::int64_t>(1, n_units) * plan.unit;
  }
  return loop;
}

}  // namespace nemotron
