// Building an engine, its sequences and their requests. Running steps is in pump.cpp, moving
// states in states.cpp.
#include "engine/engine.h"

#include <algorithm>
#include <new>
#include <system_error>
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

}  // namespace

Result<std::shared_ptr<Engine>> Engine::create(const ModelFile& file,
                                               std::unique_ptr<Backend> backend,
                                               const EngineOptions& options,
                                               const LoadProgress& progress) {
  std::shared_ptr<Engine> engine(new Engine(options));
  engine->backend_ = std::move(backend);
  engine->config_ = file.config();
  Backend& device = *engine->backend_;
  const EngineBytes bytes =
      measure_engine(file, device.memory(), options.max_step_rows, options.weights);
  engine->scratch_bytes_ = bytes.scratch_bytes;
  NEMO_TRY(engine->budget_.charge(bytes.total_bytes(),
                                  join("a model of ", bytes.weight_bytes, " bytes of weights and ",
                                       bytes.scratch_bytes, " of working memory")));
  NEMO_ASSIGN(const std::uint64_t model, fingerprint_of(file));
  engine->fingerprint_ = model ^ options.numeric_options * kOddMultiplier;
  engine->interleaves_keys_ = file.interleaves_keys();
  NEMO_ASSIGN(engine->weights_, load_weights(file, device, progress, options.weights));
  NEMO_ASSIGN(engine->activations_,
              Activations::create(device, engine->config_, options.max_step_rows));
  NEMO_TRY(device.reserve_operations(max_step_operations(engine->weights_.layers.size())));
  engine->pool_ = std::make_unique<StatePool>(
      device, engine->budget_, device.memory().is_host() ? 0 : options.max_offload_bytes);
  engine->logits_.resize(static_cast<std::size_t>(engine->config_.n_vocab));
  engine->step_.reserve(options.max_step_rows);
  engine->plan_.reserve(static_cast<std::size_t>(options.max_step_rows));
  engine->finished_.reserve(static_cast<std::size_t>(options.max_step_rows));
  engine->untold_.reserve(static_cast<std::size_t>(options.max_step_rows));
  if (options.has_worker) NEMO_TRY(engine->start_worker());
  return engine;
}

Status Engine::start_worker() {
  try {
    worker_ = std::thread([this] {
      if (const auto destroy = work()) destroy();  // nothing of the engine after this
    });
    return Status::ok();
  } catch (const std::system_error&) {
    return {StatusCode::kOutOfMemory, "the system refused to start a thread"};
  }
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
  std::shared_ptr<Request> dropped;  // destroyed without the lock
  Lock lock(mutex_);
  std::erase(sequences_, sequence);
  dropped = drop_request(lock, sequence);
  if (!sequence->in_step) sequence->state = LayerState(sequence->state.layout());
  sequence->is_detached = true;
  changed_.notify_all();  // others may be admitted in its place
}

void Engine::abandon(const SequencePtr& sequence) {
  std::shared_ptr<Request> dropped;
  Lock lock(mutex_);
  dropped = drop_request(lock, sequence);
  sequence->tokens.resize(static_cast<std::size_t>(sequence->n_settled()));
  sequence->publish_position();
  changed_.notify_all();  // others may be admitted in its place
}

std::shared_ptr<Request> Engine::drop_request(Lock& lock, const SequencePtr& sequence) {
  std::erase(running_, sequence);
  std::shared_ptr<Request> dropped = std::exchange(sequence->request, nullptr);
  sequence->is_admitted = false;
  sequence->cancel_wanted = false;
  if (!sequence->in_step) sequence->state.drop_undo();
  while (called_ == sequence.get() && pumping_thread_ != std::this_thread::get_id())
    changed_.wait(lock);
  return dropped;
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
                      std::vector<std::int64_t> marks, std::shared_ptr<Request> request) {
  const std::lock_guard lock(mutex_);
  Sequence& s = *sequence;
  NEMO_TRY(check_submission(s, tokens));
  s.reserve_tokens(tokens.size());
  s.marks = std::move(marks);
  if (s.n_pending() > 0 && !s.in_step) find_state(s, s.tokens);
  if (!s.marks.empty() && s.marks.front() == s.state.position() && !s.in_step && s.n_pending() == 0)
    keep_if_possible(s);
  s.n_before_request = s.n_tokens();
  s.tokens.insert(s.tokens.end(), tokens.begin(), tokens.end());
  s.n_prompt_end = s.n_tokens();
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

EngineStats Engine::stats() const {
  const std::lock_guard lock(mutex_);
  EngineStats stats = counters_;
  stats.n_sequences = sequences_.size();
  stats.n_running = running_.size();
  stats.used_bytes = budget_.used_bytes();
  stats.peak_bytes = budget_.peak_bytes();
  stats.state_bytes = pool_->held_bytes();
  stats.offload_bytes = pool_->host_bytes();
  stats.moves = pool_->moves();
  stats.cache = cache_.stats();
  return stats;
}

}  // namespace nemotron
