// Calling requests, without the lock: they are given their rows, tell what they were given, and
// end. By the one thread that has the role of pumping.
#include <algorithm>
#include <new>
#include <utility>

#include "engine/engine.h"

namespace nemotron {

namespace {

// A request is called on a thread that may be ours alone, so nothing may leave it: this and
// src/api/guard.h are where exceptions end. The sentences here are so short that std::string holds
// them without allocating.
template <typename Call>
Status call_safely(const Call& call) {
  try {
    call();
    return Status::ok();
  } catch (const std::bad_alloc&) {
    return {StatusCode::kOutOfMemory, "out of memory"};
  } catch (...) {
    return {StatusCode::kInternal, "an exception"};
  }
}

}  // namespace

void Engine::end_cancelled(Lock& lock) {
  for (std::size_t i = 0; i < running_.size();) {
    const SequencePtr sequence = running_[i];
    if (!sequence->cancel_wanted) {
      ++i;
      continue;
    }
    end_request(lock, sequence, {StatusCode::kCancelled, "cancelled"});
    i = 0;  // the lock was given up
  }
}

void Engine::end_request(Lock& lock, const SequencePtr& sequence, Status status) {
  Sequence& s = *sequence;
  std::erase(running_, sequence);
  const std::shared_ptr<Request> request = std::exchange(s.request, nullptr);
  if (request == nullptr) return;
  const bool is_error = !status.is_ok() && status.code() != StatusCode::kCancelled;
  if (is_error && !s.in_step && s.state.position() < s.n_prompt_end &&
      s.state.position() > s.n_before_request)
    s.state = LayerState(s.state.layout());  // a prompt that failed leaves nothing behind
  s.tokens.resize(static_cast<std::size_t>(s.n_settled()));
  s.marks.clear();
  s.is_admitted = false;
  s.cancel_wanted = false;
  s.publish_position();
  has_advanced_ = true;
  if (!s.in_step) s.state.drop_undo();
  is_room_for_undo_ = true;
  call_unlocked(lock, s, [&] { (void)call_safely([&] { request->on_end(std::move(status)); }); });
}

void Engine::call_unlocked(Lock& lock, const Sequence& sequence, FunctionRef<void()> call) {
  called_ = &sequence;
  lock.unlock();
  call();
  lock.lock();
  called_ = nullptr;
  changed_.notify_all();
}

// Hands the request its row; what the device says.
Status Engine::call_request(Request& request, const Step::LogitsRow& row, Request::Next& next) {
  if (row.choice >= 0) {
    NEMO_ASSIGN(const SampledToken sampled,
                backend_->chosen_token(static_cast<std::size_t>(row.choice)));
    next = request.on_token(row.position, sampled);
  } else {
    NEMO_TRY(backend_->read(step_.ready_logits(runner()), logits_));
    next = request.on_logits(row.position, logits_);
  }
  return Status::ok();
}

Status Engine::deliver(Lock& lock, const Step::LogitsRow& row) {
  const SequencePtr sequence = step_.entries()[row.entry].sequence;
  const std::shared_ptr<Request> request = step_.entries()[row.entry].request;
  if (sequence->request != request) return Status::ok();  // cancelled meanwhile
  sequence->is_ahead = false;
  Request::Next next;
  Status status;
  call_unlocked(lock, *sequence, [&] {
    Status called = call_safely([&] { status = call_request(*request, row, next); });
    if (!called.is_ok()) next = {true, -1, std::move(called)};
  });
  NEMO_TRY(status);
  if (sequence->request != request) return Status::ok();
  if (next.is_finished) {
    end_request(lock, sequence, std::move(next.status));
    return Status::ok();
  }
  if (next.token >= 0) sequence->tokens.push_back(next.token);  // add_to_step() made room
  if (next.wants_tell) untold_.push_back({sequence, request});
  return Status::ok();
}

void Engine::tell_all(Lock& lock) {
  for (const Untold& untold : untold_) {
    if (untold.sequence->request != untold.request) continue;  // cancelled meanwhile
    Request::Next next;
    call_unlocked(lock, *untold.sequence, [&] {
      Status called = call_safely([&] { next = untold.request->tell(); });
      if (!called.is_ok()) next = {true, -1, std::move(called)};
    });
    if (untold.sequence->request != untold.request) continue;
    if (next.is_finished) end_request(lock, untold.sequence, std::move(next.status));
  }
  untold_.clear();
}

bool Engine::is_untold(const Sequence& sequence) const {
  return std::any_of(untold_.begin(), untold_.end(), [&](const Untold& untold) {
    return untold.sequence.get() == &sequence && untold.request == sequence.request;
  });
}

// Whether the next step may take a token of it that is not told yet.
bool Engine::may_run_ahead(Sequence& sequence) noexcept {
  if (!backend_->runs_beside_caller() || !is_room_for_undo_) return false;
  bool is_room = false;
  return call_safely([&] { is_room = sequence.state.make_room_for_undo(*pool_); }).is_ok() &&
         is_room;
}

void Engine::fail_step(Lock& lock, const Status& status) {
  tell_all(lock);
  const auto copy = [&] {
    Status own;
    if (!call_safely([&] { own = status; }).is_ok()) own = {status.code(), std::string()};
    return own;
  };
  finished_.clear();
  for (const Step::Entry& entry : step_.entries()) finished_.push_back(entry.sequence);
  step_.clear();
  for (const SequencePtr& sequence : finished_) {
    sequence->in_step = sequence->is_ahead = false;
    sequence->state = LayerState(sequence->state.layout());  // computed again from the tokens
    if (sequence->request != nullptr) end_request(lock, sequence, copy());
  }
  finished_.clear();
}

}  // namespace nemotron
