// Moving the states of sequences about.
#include <algorithm>
#include <new>
#include <utility>

#include "base/text.h"
#include "engine/engine.h"
#include "engine/role.h"

namespace nemotron {

namespace {

std::size_t common_prefix(std::span<const std::int32_t> a, std::span<const std::int32_t> b) {
  const std::size_t n = std::min(a.size(), b.size());
  return static_cast<std::size_t>(
      std::mismatch(a.begin(), a.begin() + static_cast<std::ptrdiff_t>(n), b.begin()).first -
      a.begin());
}

}  // namespace

void Engine::find_state(Sequence& sequence, std::span<const std::int32_t> tokens) noexcept {
  try {
    auto found = cache_.find(sequence.state.layout(), tokens, sequence.state.position());
    if (found) sequence.state = *std::move(found);
  } catch (const std::bad_alloc&) {
    // The tokens are computed again instead.
  }
}

Status Engine::rewind(const SequencePtr& sequence, std::int64_t position) {
  return with_sequence(sequence, [&](Sequence& s) -> Status {
    if (position < 0 || position > s.n_tokens())
      return {StatusCode::kInvalidArgument,
              join("position ", position, " is outside the session's ", s.n_tokens(), " tokens")};
    s.tokens.resize(static_cast<std::size_t>(position));
    if (s.state.position() > position) {
      s.state = LayerState(s.state.layout());
      find_state(s, s.tokens);
    }
    return Status::ok();
  });
}

Status Engine::fork(const SequencePtr& sequence, const SequencePtr& into) {
  return with_sequence(sequence, [&](Sequence& s) {
    into->tokens = s.tokens;
    into->state = s.state.snapshot();
    into->publish_position();
    return Status::ok();
  });
}

Status Engine::adopt(const SequencePtr& sequence, const SequencePtr& from) {
  // A step that a cancelled request left is finished here; no other begins, since the caller has
  // both.
  NEMO_TRY(with_sequence(from, [](Sequence&) { return Status::ok(); }));
  return with_sequence(sequence, [&](Sequence& s) -> Status {
    if (from->request != nullptr || from->in_step)
      return {StatusCode::kState, "a request of 'from' is still running"};
    if (&s.state.layout() != &from->state.layout())
      return {StatusCode::kInvalidArgument, "the sessions keep their states in different types"};
    if (from->n_tokens() > s.options.max_tokens)
      return {StatusCode::kContextFull,
              join(from->n_tokens(), " tokens exceed the session's ", s.options.max_tokens)};
    s.tokens = std::exchange(from->tokens, {});
    s.state = std::exchange(from->state, LayerState(s.state.layout()));
    from->publish_position();
    return Status::ok();
  });
}

Status Engine::seek(const SequencePtr& sequence, std::span<const std::int32_t> tokens) {
  return with_sequence(sequence, [&](Sequence& s) -> Status {
    NEMO_TRY(check_tokens(tokens));
    const auto usable = tokens.first(tokens.size() - 1);
    const auto n_common = static_cast<std::int64_t>(common_prefix(s.tokens, usable));
    s.tokens.reserve(tokens.size());
    if (s.state.position() > n_common) s.state = LayerState(s.state.layout());
    find_state(s, usable);
    s.tokens.assign(usable.begin(), usable.begin() + s.state.position());
    return Status::ok();
  });
}

Status Engine::keep(const SequencePtr& sequence) {
  return with_sequence(sequence, [&](Sequence& s) {
    cache_.insert(std::span(s.tokens).first(static_cast<std::size_t>(s.state.position())), s.state);
    return Status::ok();
  });
}

Status Engine::with_sequence(const SequencePtr& sequence, FunctionRef<Status(Sequence&)> body) {
  Lock lock(mutex_);
  NEMO_TRY(rest(lock, sequence));
  Status status = body(*sequence);
  sequence->last_turn = ++n_turns_;
  sequence->publish_position();
  return status;
}

Status Engine::rest(Lock& lock, const SequencePtr& sequence) {
  if (sequence->request != nullptr)
    return {StatusCode::kState, "a request of this session is still running"};
  return finish_step_of(lock, sequence);
}

// Afterwards it is neither in a step nor being called.
Status Engine::finish_step_of(Lock& lock, const SequencePtr& sequence) {
  while (sequence->in_step || called_ == sequence.get()) {
    if (is_pumping_) {
      if (pumping_thread_ == std::this_thread::get_id())
        return {StatusCode::kReentrant, "not allowed inside a callback"};
      changed_.wait(lock);
      continue;
    }
    const Role role(*this);
    NEMO_TRY(pump_some(lock, kNever, [&] { return !sequence->in_step; }));
  }
  return Status::ok();
}

}  // namespace nemotron
