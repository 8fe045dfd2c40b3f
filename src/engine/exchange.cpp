// States that leave the engine and come back: what saving reads and restoring writes. Their bytes
// are copied without the lock. Nobody writes to what is shared, no step touches the state of a
// sequence at rest, and a step holds its memory until it has run: so what is read here is complete,
// and what the pool gives is nobody's.
#include <utility>

#include "base/checked_math.h"
#include "engine/engine.h"

namespace nemotron {

Result<SequenceContents> Engine::contents(const SequencePtr& sequence, std::size_t max_kept) {
  Lock lock(mutex_);
  NEMO_TRY(rest(lock, sequence));
  Sequence& s = *sequence;
  if (s.n_pending() > 0) find_state(s, s.tokens);
  s.last_turn = ++n_turns_;
  SequenceContents out{s.tokens, s.state.snapshot(), {}};
  const auto position = static_cast<std::size_t>(s.state.position());
  if (max_kept > 0 && position > 0)
    out.kept =
        cache_.kept_along(s.state.layout(), std::span(s.tokens).first(position - 1), max_kept);
  // The empty beginning is always known.
  std::erase_if(out.kept, [](const LayerState& state) { return state.position() == 0; });
  NEMO_TRY(hold_on_device(lock, out));
  return out;
}

// What there is no room for is left out: its tokens say as much.
Status Engine::hold_on_device(Lock& lock, SequenceContents& contents) {
  const auto hold = [&](LayerState& state) {
    state.for_each_buffer([&](const StateRef& buffer) { contents.pins.emplace_back(buffer); });
    Status status = with_room_beside_steps(lock, [&] { return state.bring_back(*pool_); });
    if (!wants_room(status)) return status;
    state = LayerState(state.layout());
    return Status::ok();
  };
  if (pool_->n_moves() == 0 && pool_->host_room() == 0) return Status::ok();
  NEMO_TRY(hold(contents.state));
  if (contents.state.position() == 0) contents.kept.clear();
  for (LayerState& state : contents.kept) NEMO_TRY(hold(state));
  std::erase_if(contents.kept, [](const LayerState& state) { return state.position() == 0; });
  return Status::ok();
}

Result<LayerState> Engine::new_state(const StateLayout& layout, std::int64_t position) {
  Lock lock(mutex_);
  StateRef recurrent;
  std::vector<StateRef> blocks;
  const bool has_kv = layout.kv.n_layers > 0;
  const auto n_blocks =
      has_kv ? static_cast<std::size_t>(ceil_div(position, kernels::kKvBlockTokens)) : 0;
  blocks.reserve(n_blocks);
  NEMO_TRY(with_room_beside_steps(lock, [&]() -> Status {  // goes on where it was refused
    if (position > 0 && layout.recurrent_bytes() > 0 && !recurrent) {
      NEMO_ASSIGN(recurrent, pool_->take(layout.recurrent_bytes()));
    }
    while (blocks.size() < n_blocks) {
      NEMO_ASSIGN(StateRef block, pool_->take(static_cast<std::size_t>(layout.kv.block_bytes())));
      blocks.push_back(std::move(block));
    }
    return Status::ok();
  }));
  return LayerState(layout, position, std::move(recurrent), std::move(blocks));
}

StateRef Engine::new_recurrent(const StateLayout& layout) {
  const std::lock_guard lock(mutex_);
  const std::size_t size_bytes = layout.recurrent_bytes();
  if (size_bytes == 0) return {};
  Result<StateRef> taken = pool_->take(size_bytes);
  if (!taken.is_ok() && pool_->trim(size_bytes) > 0) taken = pool_->take(size_bytes);
  if (!taken.is_ok()) return {};
  return std::move(taken).value();
}

Status Engine::fill(const SequencePtr& sequence, SequenceContents contents) {
  return with_sequence(sequence, [&](Sequence& s) {
    for (const LayerState& kept : contents.kept) {
      const auto n = static_cast<std::size_t>(kept.position());
      cache_.insert(std::span(contents.tokens).first(n), kept);
    }
    s.tokens = std::move(contents.tokens);
    s.state = std::move(contents.state);
    return Status::ok();
  });
}

}  // namespace nemotron
