// Which rows of which sequences run in the next step: those that decode first, a row each, then
// prompts, in the order of priority and of who waited longest. Pure choice: no state, no memory.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/sequence.h"

namespace nemotron {

struct PlannedSpan {
  SequencePtr sequence;
  std::int64_t n_rows = 0;
};

// Orders `running` (requests under way) as they should be served and marks the first
// `max_running` of them as admitted; who was admitted stays so until its request ends. One whose
// results wait to be fetched keeps nobody else out.
void admit(std::vector<SequencePtr>& running, std::size_t max_running);

// The rows to run, at most max_rows, from the admitted of `running` in their order. A prompt is cut
// at the next position whose state is to be kept.
void plan_step(std::span<const SequencePtr> running, std::int64_t max_rows,
               std::vector<PlannedSpan>& plan);

// The next position after the state's, up to the end of the tokens, at which to keep the state;
// -1 if there is none.
std::int64_t next_snapshot_position(const Sequence& sequence);

}  // namespace nemotron
