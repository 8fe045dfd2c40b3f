// Running steps: choosing rows and letting the backend run. By the one thread that has the role of
// pumping. Requests are called in requests.cpp.
#include <algorithm>
#include <new>
#include <utility>

#include "engine/engine.h"
#include "engine/role.h"

namespace nemotron {

Result<Engine::Progress> Engine::pump(Clock::time_point deadline) {
  Lock lock(mutex_);
  if (options_.has_worker)
    return Status(StatusCode::kState, "this context has a worker thread that pumps");
  if (is_pumping_)
    return pumping_thread_ == std::this_thread::get_id()
               ? Status(StatusCode::kReentrant, "not allowed inside a callback")
               : Status(StatusCode::kBusy, "another thread is pumping this context");
  const Role role(*this);
  NEMO_TRY(pump_some(lock, deadline, [] { return false; }));
  const bool has_runnable = std::any_of(running_.begin(), running_.end(),
                                        [](const auto& s) { return s->request->has_room(); });
  return step_.is_active() || has_runnable ? Progress::kMore : Progress::kIdle;
}

Status Engine::check_may_wait() const {
  const std::lock_guard lock(mutex_);
  if (pumping_thread_ != std::this_thread::get_id()) return Status::ok();
  return {StatusCode::kReentrant, "not allowed inside a callback"};
}

Result<bool> Engine::run_until(Clock::time_point deadline, Predicate is_done) {
  Lock lock(mutex_);
  const auto is_late = [&] { return deadline != kNever && Clock::now() >= deadline; };
  while (!is_done()) {
    if (is_late()) return false;
    if (pumping_thread_ == std::this_thread::get_id())
      return Status(StatusCode::kReentrant, "not allowed inside a callback");
    if (!is_pumping_ && !options_.has_worker) {
      const Role role(*this);
      NEMO_TRY(pump_some(lock, deadline, is_done));
      if (is_done() || is_late()) continue;
    }
    // Somebody else pumps, or there is nothing to run until somebody does something.
    if (deadline == kNever) {
      changed_.wait(lock);
    } else {
      changed_.wait_until(lock, deadline);
    }
  }
  return true;
}

std::function<void()> Engine::work() {
  Lock lock(mutex_);
  while (!is_stopping_) {
    if (!is_pumping_ && (step_.is_active() || !running_.empty())) {
      const Role role(*this);
      (void)pump_some(lock, kNever, [this] { return is_stopping_; });
    }
    if (!is_stopping_) changed_.wait(lock);
  }
  if (destroy_) worker_.detach();
  return std::move(destroy_);
}

bool Engine::destroy_on_worker(std::function<void()> destroy) {
  const std::lock_guard lock(mutex_);
  if (worker_.get_id() != std::this_thread::get_id()) return false;
  destroy_ = std::move(destroy);
  is_stopping_ = true;
  return true;
}

Status Engine::pump_some(Lock& lock, Clock::time_point deadline, Predicate is_done) {
  bool is_late = false;
  const RunLimit limit{deadline, &attention_};
  for (;;) {
    const bool is_called = attention_.exchange(false);
    if (is_called || is_late || is_done()) tell_all(lock);
    if (is_called) end_cancelled(lock);
    if (is_late || is_done()) return Status::ok();
    if (!step_.is_active()) {
      const bool had_untold = !untold_.empty();
      if (!begin_step(lock, limit)) return Status::ok();
      if (had_untold) continue;  // somebody may have waited for just what was told
    }
    has_advanced_ = true;
    lock.unlock();
    Result<bool> is_run = backend_->advance(limit);
    lock.lock();
    if (!is_run.is_ok()) {
      fail_step(lock, is_run.status());
      return std::move(is_run).status();
    }
    if (is_run.value()) {
      if (const Step::LogitsRow* row = step_.next_ready()) {
        if (Status status = deliver(lock, *row); !status.is_ok()) {
          fail_step(lock, status);
          return status;
        }
        if (!backend_->runs_beside_caller()) tell_all(lock);
      } else if (!step_.start_logits(runner())) {
        finish_step(lock);
      }
    }
    is_late = deadline != kNever && Clock::now() >= deadline;
  }
}

// False where there is nothing to run. What is untold is told while the device runs.
bool Engine::begin_step(Lock& lock, const RunLimit& limit) {
  const bool is_planned = plan(lock);
  if (!is_planned && untold_.empty()) return false;
  if (is_planned && !untold_.empty()) {
    lock.unlock();
    backend_->start(limit);
    lock.lock();
  }
  tell_all(lock);
  return true;
}

bool Engine::plan(Lock& lock) {
  for (;;) {
    admit(running_, options_.max_running);
    plan_step(running_, activations_.max_rows(), plan_);
    if (plan_.empty()) return false;
    bool is_any = false;
    for (const PlannedSpan& planned : plan_) is_any |= add_to_step(lock, planned);
    plan_.clear();
    if (!is_any) continue;  // those that did not fit have ended
    step_.start(runner());
    (void)step_.start_logits(runner());  // with the layers: a device is given both at once
    return true;
  }
}

bool Engine::add_to_step(Lock& lock, const PlannedSpan& planned) {
  Sequence& s = *planned.sequence;
  // The lock is given up where a request is called: any sequence may have changed by then.
  const auto n_rows = [&] {
    return s.request == nullptr ? 0 : std::min(planned.n_rows, s.n_pending());
  };
  if (n_rows() == 0) return false;
  Status status = with_room([&] {
    s.reserve_tokens(0);
    // Room for the whole prompt first: then a later step of it cannot fail.
    return s.state.reserve(*backend_, *pool_, s.n_pending());
  });
  if (is_untold(s) && !may_run_ahead(s)) {
    tell_all(lock);
    if (n_rows() == 0) return false;
  }
  const bool is_ahead = is_untold(s);
  if (status.is_ok())
    status = with_room([&] {
      return step_.add(runner(), *pool_, {planned.sequence, n_rows()}, is_ahead);
    });
  if (!status.is_ok()) {
    if (!waits_for_undo(status)) end_request(lock, planned.sequence, std::move(status));
    return false;
  }
  s.in_step = true;
  s.is_ahead = is_ahead;
  s.last_turn = ++n_turns_;
  s.publish_position();
  return true;
}

// Whether the step holds memory for the sake of undoing: then there will be more after it.
bool Engine::waits_for_undo(const Status& status) {
  const auto entries = step_.entries();
  if (!wants_room(status) ||
      std::none_of(entries.begin(), entries.end(), [](const auto& e) { return e.keeps_undo; }))
    return false;
  is_room_for_undo_ = false;
  return true;
}

void Engine::finish_step(Lock& lock) {
  ++counters_.n_steps;
  for (const Step::Entry& entry : step_.entries()) {
    Sequence& s = *entry.sequence;
    s.in_step = false;
    (entry.n_rows == 1 ? counters_.n_decode_rows : counters_.n_prefill_rows) +=
        static_cast<std::uint64_t>(entry.n_rows);
    if (s.is_detached) {
      s.state = LayerState(s.state.layout());
    } else if (s.is_ahead) {
      s.state.undo();
    } else if (entry.wants_snapshot) {
      keep_if_possible(s);
    }
    s.is_ahead = false;
    if (s.request == nullptr) s.state.drop_undo();
  }
  finished_.clear();
  for (const Step::Entry& entry : step_.entries())
    if (entry.sequence->request != nullptr && entry.sequence->n_pending() == 0)
      finished_.push_back(entry.sequence);
  step_.clear();
  changed_.notify_all();
  for (const SequencePtr& sequence : finished_)
    if (sequence->request != nullptr) end_request(lock, sequence, Status::ok());
  finished_.clear();
}

void Engine::keep_if_possible(const Sequence& s) noexcept {
  try {
    cache_.insert(std::span(s.tokens).first(static_cast<std::size_t>(s.state.position())),
                  s.state.snapshot());
  } catch (const std::bad_alloc&) {
    // The cache is as it was; the sequence only has to compute more if it comes back here.
  }
}

}  // namespace nemotron
