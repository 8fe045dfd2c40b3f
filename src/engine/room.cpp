// Finding memory: what gives way where there is too little. On a device the states that nobody uses
// move to the host's memory first; what finds no room there, or where there is no such place, is
// forgotten and computed again from its tokens.
#include <algorithm>
#include <new>

#include "engine/engine.h"

namespace nemotron {

namespace {

// A short sentence, which std::string holds without allocating.
Status without_bad_alloc(FunctionRef<Status()> body) {
  try {
    return body();
  } catch (const std::bad_alloc&) {
    return {StatusCode::kOutOfMemory, "out of memory"};
  }
}

std::uint64_t movable_bytes(const LayerState& state) {
  std::uint64_t size_bytes = 0;
  state.for_each_buffer(
      [&](const StateRef& buffer) { size_bytes += StatePool::movable_bytes(buffer); });
  return size_bytes;
}

}  // namespace

Status Engine::with_room(FunctionRef<Status()> body) {
  // A body that fails leaves what it had taken among the free buffers, so freeing those is no
  // progress by itself: it is done with each try, and the second and later ones need more.
  for (bool is_first = true;; is_first = false) {
    Status status = without_bad_alloc(body);
    if (!wants_room(status) || !(is_first || give_up_one_state())) return status;
    pool_->trim(MemoryBudget::kNoLimit);
  }
}

// For what no step waits for: a step that holds memory for undoing is finished first.
Status Engine::with_room_beside_steps(Lock& lock, FunctionRef<Status()> body) {
  for (;;) {
    Status status = with_room(body);
    const auto ahead = std::find_if(running_.begin(), running_.end(),
                                    [](const SequencePtr& s) { return s->is_ahead; });
    if (!wants_room(status) || ahead == running_.end()) return status;
    is_room_for_undo_ = false;
    const SequencePtr sequence = *ahead;
    if (!finish_step_of(lock, sequence).is_ok()) return status;
  }
}

bool Engine::give_up_one_state() {
  constexpr std::uint64_t kAny = 1;
  for (const SequencePtr& sequence : running_)
    if (!sequence->is_ahead && sequence->state.drop_undo()) return true;
  if (pool_->host_room() > 0 && move_out_one_state()) return true;
  if (cache_.evict(kAny) > 0) return true;
  Sequence* oldest = nullptr;
  for (const SequencePtr& sequence : sequences_)
    if (sequence->is_idle() && sequence->state.position() > 0 &&
        (oldest == nullptr || sequence->last_turn < oldest->last_turn))
      oldest = sequence.get();
  if (oldest == nullptr) return false;
  oldest->state = LayerState(oldest->state.layout());
  ++counters_.n_parked;
  return true;
}

bool Engine::move_out_one_state() {
  for_each_busy_buffer([](const StateRef& buffer) { buffer.pin(); });
  bool is_any =
      cache_.offer_buffers([&](const StateRef& buffer) { return pool_->move_out(buffer); });
  if (!is_any) {
    if (Sequence* oldest = oldest_that_fits_on_host()) {
      const std::uint64_t n_before = movable_bytes(oldest->state);
      oldest->state.drop_reserve();
      oldest->state.for_each_buffer([&](const StateRef& buffer) { pool_->move_out(buffer); });
      is_any = movable_bytes(oldest->state) < n_before;
    }
  }
  for_each_busy_buffer([](const StateRef& buffer) { buffer.unpin(); });
  return is_any;
}

Sequence* Engine::oldest_that_fits_on_host() const {
  Sequence* oldest = nullptr;
  for (const SequencePtr& sequence : sequences_) {
    if (!sequence->is_idle() || (oldest != nullptr && sequence->last_turn > oldest->last_turn))
      continue;
    const std::uint64_t size_bytes = movable_bytes(sequence->state);
    if (size_bytes > 0 && size_bytes <= pool_->host_room()) oldest = sequence.get();
  }
  return oldest;
}

void Engine::for_each_busy_buffer(FunctionRef<void(const StateRef&)> visit) const {
  for (const SequencePtr& sequence : sequences_)
    if (!sequence->is_idle()) sequence->state.for_each_buffer(visit);
  for (const Step::Entry& entry : step_.entries()) {  // its sequence's session may be gone
    entry.sequence->state.for_each_buffer(visit);
    visit(entry.input);
  }
}

}  // namespace nemotron
