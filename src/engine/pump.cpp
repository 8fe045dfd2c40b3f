// Running steps: choosing rows, letting the backend run, giving logits to requests. Everything here
// is done by the one thread that has the role of pumping.
#include <algorithm>
#include <new>
#include <utility>

#include "engine/engine.h"
#include "engine/role.h"

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
  for (;;) {
    if (attention_.exchange(false)) end_cancelled(lock);
    if (is_late || is_done()) return Status::ok();
    if (!step_.is_active() && !plan(lock)) return Status::ok();
    has_advanced_ = true;
    lock.unlock();
    Result<bool> is_run = backend_->advance({deadline, &attention_});
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
      } else if (!step_.start_logits(runner())) {
        finish_step(lock);
      }
    }
    is_late = deadline != kNever && Clock::now() >= deadline;
  }
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
  // The lock was given up where another one's end was told since: this one may have changed.
  Sequence& sequence = *planned.sequence;
  const PlannedSpan span{planned.sequence, std::min(planned.n_rows, sequence.n_pending())};
  if (sequence.request == nullptr || span.n_rows == 0) return false;
  Status status = with_room([&] {
    sequence.reserve_tokens(0);
    // Room for the whole prompt first: then a later step of it cannot fail.
    NEMO_TRY(sequence.state.reserve(*backend_, *pool_, sequence.n_pending()));
    return step_.add(runner(), *pool_, span);
  });
  if (status.is_ok()) {
    sequence.in_step = true;
    sequence.last_turn = ++n_turns_;
    sequence.publish_position();
    return true;
  }
  end_request(lock, planned.sequence, std::move(status));
  return false;
}

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
  called_ = sequence.get();
  lock.unlock();
  (void)call_safely([&] { request->on_end(std::move(status)); });
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
  called_ = sequence.get();
  lock.unlock();
  Request::Next next;
  Status status;
  Status called = call_safely([&] { status = call_request(*request, row, next); });
  if (!called.is_ok()) next = {true, -1, std::move(called)};
  lock.lock();
  called_ = nullptr;
  changed_.notify_all();
  NEMO_TRY(status);
  if (sequence->request != request) return Status::ok();
  if (next.is_finished) {
    end_request(lock, sequence, std::move(next.status));
  } else if (next.token >= 0) {
    sequence->tokens.push_back(next.token);  // add_to_step() made room
  }
  return Status::ok();
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
    } else if (entry.wants_snapshot) {
      keep_if_possible(s);
    }
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

void Engine::fail_step(Lock& lock, const Status& status) {
  const auto copy = [&] {
    Status own;
    if (!call_safely([&] { own = status; }).is_ok()) own = {status.code(), std::string()};
    return own;
  };
  finished_.clear();
  for (const Step::Entry& entry : step_.entries()) finished_.push_back(entry.sequence);
  step_.clear();
  for (const SequencePtr& sequence : finished_) {
    sequence->in_step = false;
    sequence->state = LayerState(sequence->state.layout());  // computed again from the tokens
    if (sequence->request != nullptr) end_request(lock, sequence, copy());
  }
  finished_.clear();
}

}  // namespace nemotron
