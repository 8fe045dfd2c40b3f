#include "engine/scheduler.h"

#include <algorithm>

namespace nemotron {

void admit(std::vector<SequencePtr>& running, std::size_t max_running) {
  // No two have the same turn. std::stable_sort would allocate.
  std::sort(running.begin(), running.end(), [](const SequencePtr& a, const SequencePtr& b) {
    if (a->options.priority != b->options.priority)
      return a->options.priority > b->options.priority;
    return a->last_turn < b->last_turn;
  });
  auto n_admitted = static_cast<std::size_t>(
      std::count_if(running.begin(), running.end(),
                    [](const SequencePtr& s) { return s->is_admitted && s->request->has_room(); }));
  for (const SequencePtr& sequence : running) {
    if (n_admitted >= max_running) break;
    if (sequence->is_admitted) continue;
    sequence->is_admitted = true;
    ++n_admitted;
  }
}

std::int64_t next_snapshot_position(const Sequence& sequence) {
  const std::int64_t from = sequence.state.position();
  std::int64_t next = -1;
  const auto mark = std::upper_bound(sequence.marks.begin(), sequence.marks.end(), from);
  if (mark != sequence.marks.end()) next = *mark;
  if (const std::int64_t every = sequence.options.snapshot_every; every > 0) {
    const std::int64_t multiple = (from / every + 1) * every;
    next = next < 0 ? multiple : std::min(next, multiple);
  }
  return next <= sequence.n_tokens() ? next : -1;
}

void plan_step(std::span<const SequencePtr> running, std::int64_t max_rows,
               std::vector<PlannedSpan>& plan) {
  plan.clear();
  std::int64_t n_left = max_rows;
  for (const bool decode : {true, false}) {
    for (const SequencePtr& sequence : running) {
      if (n_left == 0) return;
      const std::int64_t n_pending = sequence->n_pending();
      if (!sequence->is_admitted || n_pending == 0 || (n_pending == 1) != decode) continue;
      if (!sequence->request->has_room()) continue;
      std::int64_t n_rows = std::min(n_pending, n_left);
      if (const std::int64_t next = next_snapshot_position(*sequence); next >= 0)
        n_rows = std::min(n_rows, next - sequence->state.position());
      plan.push_back({sequence, n_rows});
      n_left -= n_rows;
    }
  }
}

}  // namespace nemotron
