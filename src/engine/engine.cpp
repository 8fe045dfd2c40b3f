// Building an engine, its sequences and their states. Running steps is in pump.cpp.
#include "engine/engine.h"

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "engine/memory_plan.h"
#include "engine/role.h"
#include "formats/fingerprint.h"
#include "model/forward.h"

namespace nemotron {

namespace {

// Spreads few bits over all of a fingerprint (2^64 / golden ratio).
constexpr std::uint64_t kOddMultiplier = 0x9e3779b97f4a7c15;

std::size_t common_prefix(std::span<const std::int32_t> a, std::span<const std::int32_t> b) {
  const std::size_t n = std::min(a.size(), b.size());
  return static_cast<std::size_t>(
      std::mismatch(a.begin(), a.begin() + static_cast<std::ptrdiff_t>(n), b.begin()).first -
      a.begin());
}

}  // namespace

Result<std::shared_ptr<Engine>> Engine::create(const ModelFile& file,
                                               std::unique_ptr<Backend> backend,
                                               const EngineOptions& options,
                                               const LoadProgress& progress) {
  std::shared_ptr<Engine> engine(new Engine(options));
  engine->backend_ = std::move(backend);
  engine->config_ = file.config();
  Backend& device = *engine->backend_;
  const EngineBytes bytes = measure_engine(file, device.memory(), options.max_step_rows);
  engine->scratch_bytes_ = bytes.scratch_bytes;
  NEMO_TRY(engine->budget_.charge(bytes.total_bytes(),
                                  join("a model of ", bytes.weight_bytes, " bytes of weights and ",
                                       bytes.scratch_bytes, " of working memory")));
  NEMO_ASSIGN(const std::uint64_t model, fingerprint_of(file));
  engine->fingerprint_ = model ^ options.numeric_options * kOddMultiplier;
  engine->interleaves_keys_ = file.interleaves_keys();
  NEMO_ASSIGN(engine->weights_, load_weights(file, device, progress));
  NEMO_ASSIGN(engine->activations_,
              Activations::create(device, engine->config_, options.max_step_rows));
  NEMO_TRY(device.reserve_operations(max_step_operations(engine->weights_.layers.size())));
  engine->pool_ = std::make_unique<StatePool>(device, engine->budget_);
  engine->logits_.resize(static_cast<std::size_t>(engine->config_.n_vocab));
  engine->step_.reserve(options.max_step_rows);
  engine->plan_.reserve(static_cast<std::size_t>(options.max_step_rows));
  engine->finished_.reserve(static_cast<std::size_t>(options.max_step_rows));
  if (options.has_worker) engine->worker_ = std::thread([raw = engine.get()] { raw->work(); });
  return engine;
}

Engine::~Engine() {
  {
    const std::lock_guard lock(mutex_);
    is_stopping_ = true;
    attention_ = true;
  }
  changed_.notify_all();
  if (worker_.joinable()) worker_.join();
}

Result<const StateLayout*> Engine::layout_for(KvType kv_type, StateType state_type) {
  auto& layout =
      layouts_[static_cast<std::size_t>(kv_type) * 4 + static_cast<std::size_t>(state_type)];
  if (!layout) {
    NEMO_ASSIGN(auto made, StateLayout::create(*backend_, config_, kv_type, state_type));
    layout = std::make_unique<StateLayout>(std::move(made));
  }
  return layout.get();
}

Result<SequencePtr> Engine::add(const SequenceOptions& options) {
  const std::lock_guard lock(mutex_);
  NEMO_ASSIGN(const StateLayout* layout, layout_for(options.kv_type, options.state_type));
  running_.reserve(sequences_.size() + 1);
  sequences_.reserve(sequences_.size() + 1);
  auto sequence = std::make_shared<Sequence>(options, *layout);
  sequence->last_turn = ++n_turns_;
  sequences_.push_back(sequence);
  return sequence;
}

void Engine::remove(const SequencePtr& sequence) {
  Lock lock(mutex_);
  std::erase(running_, sequence);
  std::erase(sequences_, sequence);
  std::shared_ptr<Request> dropped = std::move(sequence->request);
  sequence->request = nullptr;
  while (called_ == sequence.get() && pumping_thread_ != std::this_thread::get_id())
    changed_.wait(lock);
  if (!sequence->in_step) sequence->state = LayerState(sequence->state.layout());
  sequence->is_detached = true;
}

Status Engine::check_tokens(std::span<const std::int32_t> tokens) const {
  if (tokens.empty()) return {StatusCode::kInvalidArgument, "no tokens to evaluate"};
  for (std::size_t i = 0; i < tokens.size(); ++i)
    if (tokens[i] < 0 || tokens[i] >= config_.n_vocab)
      return {StatusCode::kInvalidToken, join("token ", i, " is ", tokens[i],
                                              ", outside the vocabulary of ", config_.n_vocab)};
  return Status::ok();
}

Status Engine::check_submission(const Sequence& sequence,
                                std::span<const std::int32_t> tokens) const {
  NEMO_TRY(check_tokens(tokens));
  if (sequence.request != nullptr)
    return {StatusCode::kState, "a request of this session is still running"};
  if (static_cast<std::int64_t>(tokens.size()) > sequence.options.max_tokens - sequence.n_tokens())
    return {StatusCode::kContextFull,
            join(tokens.size(), " more tokens on top of ", sequence.n_tokens(),
                 " exceed the session's ", sequence.options.max_tokens)};
  return Status::ok();
}

Status Engine::submit(const SequencePtr& sequence, std::span<const std::int32_t> tokens,
                      std::span<const std::int64_t> marks, std::shared_ptr<Request> request) {
  const std::lock_guard lock(mutex_);
  Sequence& s = *sequence;
  NEMO_TRY(check_submission(s, tokens));
  s.tokens.reserve(s.tokens.size() + tokens.size());
  s.marks.assign(marks.begin(), marks.end());
  if (s.n_pending() > 0 && !s.in_step) find_state(s, s.tokens);
  if (!s.marks.empty() && s.marks.front() == s.state.position() && !s.in_step && s.n_pending() == 0)
    keep_if_possible(s);
  s.n_before_request = s.n_tokens();
  s.tokens.insert(s.tokens.end(), tokens.begin(), tokens.end());
  s.request = std::move(request);
  s.cancel_wanted = false;
  s.is_admitted = false;
  running_.push_back(sequence);
  changed_.notify_all();
  return Status::ok();
}

void Engine::cancel(const SequencePtr& sequence) {
  const std::lock_guard lock(mutex_);
  if (sequence->request == nullptr) return;
  sequence->cancel_wanted = true;
  attention_ = true;
  changed_.notify_all();
}

void Engine::find_state(Sequence& sequence, std::span<const std::int32_t> tokens) {
  auto found = cache_.find(sequence.state.layout(), tokens, sequence.state.position());
  if (found) sequence.state = *std::move(found);
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
    if (tokens.empty()) return {StatusCode::kInvalidArgument, "no tokens to evaluate"};
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

Status Engine::with_sequence(const SequencePtr& sequence,
                             const std::function<Status(Sequence&)>& body) {
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
  // Neither in a step nor being told its request's end.
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

Status Engine::with_room(const std::function<Status()>& body) {
  // A body that fails leaves what it had taken among the free buffers, so freeing those is no
  // progress by itself: it is done with each try, and the second and later ones need more.
  for (bool is_first = true;; is_first = false) {
    Status status = body();
    const bool wants_room =
        status.code() == StatusCode::kOverBudget || status.code() == StatusCode::kOutOfMemory;
    if (!wants_room || !(is_first || give_up_one_state())) return status;
    pool_->trim(MemoryBudget::kNoLimit);
  }
}

bool Engine::give_up_one_state() {
  constexpr std::uint64_t kAny = 1;
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

EngineStats Engine::stats() const {
  const std::lock_guard lock(mutex_);
  EngineStats stats = counters_;
  stats.n_sequences = sequences_.size();
  stats.n_running = running_.size();
  stats.used_bytes = budget_.used_bytes();
  stats.peak_bytes = budget_.peak_bytes();
  stats.state_bytes = pool_->held_bytes();
  stats.cache = cache_.stats();
  return stats;
}

}  // namespace nemotron
