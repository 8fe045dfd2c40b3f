#include "session/session.h"

#include <algorithm>
#include <utility>

#include "base/text.h"

namespace nemotron {

namespace {

// Token-level evaluation: logits go to the caller's memory. The caller waits.
class Evaluation final : public Request {
 public:
  Evaluation(std::size_t n_vocab, std::size_t n_tokens, std::span<float> out)
      : out_(out),
        wanted_(out.empty()                        ? Logits::kNone
                : out.size() == n_vocab            ? Logits::kLast
                : out.size() == n_vocab * n_tokens ? Logits::kAll
                                                   : Logits::kNone) {}

  Logits logits_wanted() const override { return wanted_; }
  Next on_logits(std::int64_t, std::span<const float> logits) override {
    std::copy(logits.begin(), logits.end(), out_.begin());
    out_ = out_.subspan(logits.size());
    return {};
  }
  void on_end(Status status) override {
    status_ = std::move(status);
    is_ended_.store(true, std::memory_order_release);
  }

  bool is_ended() const { return is_ended_.load(std::memory_order_acquire); }
  const Status& status() const { return status_; }

 private:
  std::span<float> out_;
  const Logits wanted_;
  Status status_;
  std::atomic<bool> is_ended_{false};
};

}  // namespace

Result<std::unique_ptr<Session>> Session::create(std::shared_ptr<Engine> engine,
                                                 const Options& options) {
  constexpr std::size_t kUsualTextBytes = 256;
  std::unique_ptr<Session> session(new Session(std::move(engine), options));
  session->event_text_.reserve(kUsualTextBytes);
  NEMO_ASSIGN(session->sequence_,
              session->engine_->add({options.max_tokens, options.kv_type, options.state_type,
                                     options.priority, options.snapshot_every}));
  return session;
}

Session::~Session() {
  if (sequence_) engine_->remove(sequence_);
}

Status Session::eval(std::span<const std::int32_t> tokens, std::span<float> logits) {
  const auto n_vocab = static_cast<std::size_t>(engine_->config().n_vocab);
  if (!logits.empty() && logits.size() != n_vocab && logits.size() != n_vocab * tokens.size())
    return {StatusCode::kInvalidArgument,
            join("room for ", logits.size(), " logits; the model makes ", n_vocab, " per token")};
  NEMO_TRY(engine_->check_may_wait());  // before the request, which must not outlive this call
  const auto request = std::make_shared<Evaluation>(n_vocab, tokens.size(), logits);
  std::vector<std::int64_t> marks;
  find_marks(tokens, position(), marks);
  NEMO_TRY(engine_->submit(sequence_, tokens, std::move(marks), request));
  reply_.reset();
  Status status = engine_->run_until(Engine::kNever, [&] { return request->is_ended(); }).status();
  if (status.is_ok()) return request->status();
  if (!request->is_ended()) engine_->abandon(sequence_);  // it writes to the caller's memory
  return status;
}

Result<std::uint64_t> Session::submit(const Tokenizer& tokenizer,
                                      std::span<const std::int32_t> prompt, bool is_whole,
                                      GenerateParams params, EventSink sink) {
  NEMO_TRY(check_sampling_params(params.sampling));
  if (is_whole && static_cast<std::int64_t>(prompt.size()) > options_.max_tokens)
    return Status(StatusCode::kContextFull,
                  join(prompt.size(), " tokens exceed the session's ", options_.max_tokens));
  const bool in_thoughts = params.parses_reply && is_in_thoughts(tokenizer, prompt, is_whole);
  const std::uint64_t id = request_id_.load() + 1;
  auto request =
      std::make_shared<Generation>(tokenizer, std::move(params), options_.max_tokens, in_thoughts,
                                   Generation::Outlet{id, &events_, std::move(sink)});
  std::vector<std::int64_t> marks;
  marks.reserve(count_turns(prompt));
  std::int64_t n_reused = 0;
  if (is_whole) {  // what follows the seek cannot fail any more
    NEMO_TRY(engine_->seek(sequence_, prompt));
    reply_.reset();
    n_reused = position();
    prompt = prompt.subspan(static_cast<std::size_t>(n_reused));
  }
  request->set_counts(static_cast<std::int64_t>(prompt.size()), n_reused);
  auto trace = request->trace();
  find_marks(prompt, position(), marks);
  NEMO_TRY(engine_->submit(sequence_, prompt, std::move(marks), std::move(request)));
  reply_ = std::move(trace);
  request_id_.store(id);
  return id;
}

bool Session::poll(Event& event) {
  const EventQueue::Popped popped = events_.pop(event, event_text_);
  if (popped == EventQueue::Popped::kEventAndMadeRoom) engine_->notify();
  return popped != EventQueue::Popped::kNothing;
}

void Session::abandon() {
  engine_->abandon(sequence_);
  events_.clear();
}

Status Session::wait(Event& event, Engine::Clock::time_point deadline) {
  event = {};
  NEMO_TRY(
      engine_
          ->run_until(deadline, [&] { return !events_.is_empty() || engine_->is_over(*sequence_); })
          .status());
  poll(event);
  return Status::ok();
}

void Session::cancel(std::uint64_t request_id) {
  if (request_id == 0 || request_id == request_id_.load()) engine_->cancel(sequence_);
}

Session::Stats Session::stats() const {
  const std::lock_guard lock(engine_->mutex());
  const Sequence& s = *sequence_;
  Stats stats;
  stats.is_running = s.request != nullptr;
  stats.n_tokens = position();
  stats.n_computed_tokens = std::min(s.state.position(), stats.n_tokens);
  stats.kv_bytes =
      s.state.kv_blocks().size() * static_cast<std::uint64_t>(s.state.layout().kv.block_bytes());
  stats.recurrent_bytes = s.state.recurrent().size_bytes();
  return stats;
}

Status Session::rewind(std::int64_t position) {
  NEMO_TRY(engine_->rewind(sequence_, position));
  reply_.reset();
  return Status::ok();
}

Status Session::truncate_reply(std::uint64_t n_text_bytes) {
  std::int64_t position = 0;
  NEMO_TRY(engine_->with_sequence(sequence_, [&](Sequence& s) -> Status {  // the trace is complete
    if (!reply_) return {StatusCode::kState, "the session does not end with a reply"};
    position = std::min(reply_->position_after(n_text_bytes), s.n_tokens());
    return Status::ok();
  }));
  return engine_->rewind(sequence_, position);
}

Result<std::unique_ptr<Session>> Session::fork() {
  NEMO_ASSIGN(auto copy, create(engine_, options_));
  NEMO_TRY(engine_->fork(sequence_, copy->sequence_));
  copy->reply_ = reply_;
  return copy;
}

Status Session::adopt(Session& from) {
  if (engine_ != from.engine_)
    return {StatusCode::kInvalidArgument, "the sessions belong to different contexts"};
  NEMO_TRY(engine_->adopt(sequence_, from.sequence_));
  reply_ = std::exchange(from.reply_, nullptr);
  return Status::ok();
}

std::vector<std::int32_t> Session::tokens() const {
  const std::lock_guard lock(engine_->mutex());
  const auto n = sequence_->position.load();
  return {sequence_->tokens.begin(), sequence_->tokens.begin() + n};
}

// By the last tag of thoughts in the turn that the prompt leaves open.
bool Session::is_in_thoughts(const Tokenizer& tokenizer, std::span<const std::int32_t> prompt,
                             bool is_whole) const {
  const std::int32_t open = tokenizer.token_id("<think>");
  const std::int32_t close = tokenizer.token_id("</think>");
  const auto is_decisive = [&](std::int32_t token) {
    return token == open || token == close || is_turn_start(token);
  };
  if (open < 0) return false;
  const auto last = std::find_if(prompt.rbegin(), prompt.rend(), is_decisive);
  if (last != prompt.rend() || is_whole) return last != prompt.rend() && *last == open;
  const std::vector<std::int32_t> held = tokens();
  const auto last_held = std::find_if(held.rbegin(), held.rend(), is_decisive);
  return last_held != held.rend() && *last_held == open;
}

bool Session::is_turn_start(std::int32_t token) const {
  const auto& starts = options_.turn_starts;
  return std::find(starts.begin(), starts.end(), token) != starts.end();
}

std::size_t Session::count_turns(std::span<const std::int32_t> tokens) const {
  if (options_.snapshot_policy == SnapshotPolicy::kNone) return 0;
  return static_cast<std::size_t>(std::count_if(
      tokens.begin(), tokens.end(), [&](std::int32_t token) { return is_turn_start(token); }));
}

void Session::find_marks(std::span<const std::int32_t> tokens, std::int64_t position,
                         std::vector<std::int64_t>& marks) const {
  marks.clear();
  if (options_.snapshot_policy == SnapshotPolicy::kNone) return;
  for (std::size_t i = 0; i < tokens.size(); ++i)
    if (is_turn_start(tokens[i])) marks.push_back(position + static_cast<std::int64_t>(i));
  if (options_.snapshot_policy == SnapshotPolicy::kTurns && marks.size() > 3) {
    // The first begins the sequence, or goes on with it; the second ends the system's turn.
    const bool is_start = marks.front() == 0;
    marks.erase(marks.begin() + (is_start ? 2 : 0), marks.end() - 2);
  }
}

}  // namespace nemotron
