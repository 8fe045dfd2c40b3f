// A loaded model and everything that runs on it: the memory of its sequences, the step under way,
// and who pumps. Sequences of all sessions go through the layers together, step by step.
//
// One thread at a time has the role of pumping: it runs steps and calls requests. The lock guards
// everything else; it is held neither while the model runs nor while a request is called.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <thread>
#include <vector>

#include "backend/backend.h"
#include "base/function_ref.h"
#include "engine/layer_state.h"
#include "engine/memory_budget.h"
#include "engine/prefix_cache.h"
#include "engine/scheduler.h"
#include "engine/sequence.h"
#include "engine/state_pool.h"
#include "engine/step.h"
#include "model/activations.h"
#include "model/config.h"
#include "model/weights.h"

namespace nemotron {

struct EngineOptions {
  int max_step_rows = 64;
  WeightAccess weights = WeightAccess::kCopied;
  std::size_t max_running = 64;  // requests that take part in steps at the same time
  std::uint64_t max_bytes = MemoryBudget::kNoLimit;
  std::uint64_t snapshot_bytes = std::uint64_t{512} << 20;
  // Of states that a device has no room for, in the host's memory; nothing where the backend's
  // memory is the host's.
  std::uint64_t max_offload_bytes = 0;
  bool has_worker = false;            // a thread of the engine's own pumps
  std::uint64_t numeric_options = 0;  // of the backend, that change logits: part of the fingerprint
};

struct EngineStats {
  std::uint64_t n_steps = 0;
  std::uint64_t n_prefill_rows = 0;
  std::uint64_t n_decode_rows = 0;
  std::uint64_t n_parked = 0;  // times that an idle sequence gave up its state
  std::uint64_t n_sequences = 0;
  std::uint64_t n_running = 0;
  std::uint64_t used_bytes = 0;
  std::uint64_t peak_bytes = 0;
  std::uint64_t state_bytes = 0;    // held by sequences and snapshots, without what is offloaded
  std::uint64_t offload_bytes = 0;  // of those states that lie in the host's memory
  StatePool::Moves moves;           // to there and back
  PrefixCache::Stats cache;
};

// What a sequence is made of at one moment. It holds the memory, so nobody writes to it meanwhile.
struct SequenceContents {
  std::vector<std::int32_t> tokens;
  LayerState state;              // behind the first of them
  std::vector<LayerState> kept;  // behind fewer, the most first: they share the KV blocks
  std::vector<StatePin> pins{};  // all of that stays where it is
};

class Engine {
 public:
  using Clock = std::chrono::steady_clock;
  using Predicate = FunctionRef<bool()>;
  static constexpr Clock::time_point kNever = Clock::time_point::max();
  enum class Progress : std::uint8_t { kIdle, kMore };

  // Loads the weights of `file`. As load_weights(); kOutOfMemory; kOverBudget with the numbers, and
  // then nothing was read or allocated.
  static Result<std::shared_ptr<Engine>> create(const ModelFile& file,
                                                std::unique_ptr<Backend> backend,
                                                const EngineOptions& options,
                                                const LoadProgress& progress);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  Backend& backend() const { return *backend_; }
  const ModelConfig& config() const { return config_; }
  const ModelWeights& weights() const { return weights_; }
  const Activations& activations() const { return activations_; }
  // Activations and what else a step works in.
  std::uint64_t scratch_bytes() const { return scratch_bytes_; }
  const EngineOptions& options() const { return options_; }
  // Of the model and the numeric options: states may be exchanged where it is the same.
  std::uint64_t fingerprint() const { return fingerprint_; }
  // As ModelFile::interleaves_keys().
  bool interleaves_keys() const { return interleaves_keys_; }
  EngineStats stats() const;

  // A new, empty sequence. kOutOfMemory.
  Result<SequencePtr> add(const SequenceOptions& options);
  // Forgets it. A request that runs is dropped without on_end, and not called again.
  void remove(const SequencePtr& sequence);

  // Puts `tokens` on the sequence for `request`; states at `marks` (positions, ascending) are kept
  // in the prefix cache. kInvalidToken, kContextFull, kState while another request runs. What the
  // memory does not hold ends the request later, with the sequence as it was. After seek() to a
  // beginning of the whole prompt whose rest is submitted, it allocates nothing.
  Status submit(const SequencePtr& sequence, std::span<const std::int32_t> tokens,
                std::vector<std::int64_t> marks, std::shared_ptr<Request> request);
  // Drops the running request, if there is one, without on_end; it is not called any more. Its
  // tokens stay as in cancel().
  void abandon(const SequencePtr& sequence);
  // Whether no request runs and the last one has been told its end. With the lock.
  bool is_over(const Sequence& sequence) const {
    return sequence.request == nullptr && called_ != &sequence;
  }
  // Ends the running request with kCancelled as soon as the pumping thread looks up, within a
  // slice. Its tokens stay as far as steps over them have begun. Any thread.
  void cancel(const SequencePtr& sequence);

  // Runs steps until there is nothing to run or the deadline has passed. kBusy while another thread
  // pumps, kState with a worker; a fault of the device.
  Result<Progress> pump(Clock::time_point deadline);
  // Pumps, or waits for who does, until `is_done` is true (it is called with the lock held) or the
  // deadline has passed. Whether it came true. kReentrant in a request's call.
  Result<bool> run_until(Clock::time_point deadline, Predicate is_done);
  // kReentrant in a request's call, where run_until() would be refused.
  Status check_may_wait() const;
  // In a request's call on the engine's own worker: `destroy`, which destroys the engine, runs when
  // the worker has come back from all calls. On any other thread: false, and nothing happens.
  bool destroy_on_worker(std::function<void()> destroy);
  // Guards what `is_done` reads; notify() makes it be read again.
  std::mutex& mutex() const { return mutex_; }
  void notify() {
    // Taken, so that who has just seen the old state is waiting by now.
    { const std::lock_guard lock(mutex_); }
    changed_.notify_all();
  }

  // States. Each waits until the sequence's step under way is done; kState while a request runs.
  // Drops what comes behind `position`. Where no state is kept, the next request runs the tokens
  // from the last kept one again.
  Status rewind(const SequencePtr& sequence, std::int64_t position);
  Status reset(const SequencePtr& sequence) { return rewind(sequence, 0); }
  // Makes the empty `into`, of the same types, hold the same.
  Status fork(const SequencePtr& sequence, const SequencePtr& into);
  // Moves what `from` holds to `sequence`, both at rest. kInvalidArgument unless the types are the
  // same, kContextFull.
  Status adopt(const SequencePtr& sequence, const SequencePtr& from);
  // Goes to the longest prefix of `tokens`, at least one short of them all, whose state is known,
  // and makes room for all of them. kInvalidToken.
  Status seek(const SequencePtr& sequence, std::span<const std::int32_t> tokens);
  // Keeps the state in the prefix cache.
  Status keep(const SequencePtr& sequence);
  // exchange.cpp. What the sequence holds, with up to `max_kept` of the states that the prefix
  // cache has along its tokens.
  Result<SequenceContents> contents(const SequencePtr& sequence, std::size_t max_kept);
  // A state with memory of its own for its first `position` tokens, yet to be written. kOverBudget,
  // kOutOfMemory.
  Result<LayerState> new_state(const StateLayout& layout, std::int64_t position);
  // The same for a recurrent state that one can do without: nobody else has to make room. Empty
  // where there is none.
  StateRef new_recurrent(const StateLayout& layout);
  // Gives the empty sequence its contents, and the kept states to the prefix cache.
  Status fill(const SequencePtr& sequence, SequenceContents contents);
  // Calls body with the lock held and the sequence at rest.
  Status with_sequence(const SequencePtr& sequence, FunctionRef<Status(Sequence&)> body);
  // room.cpp. Tries body, which takes memory; as long as it wants more than there is, frees some:
  // buffers kept for later; then snapshots and the states of idle sequences move to the host's
  // memory; then the same are forgotten. With the lock held. A bad_alloc of the body counts as
  // kOutOfMemory.
  Status with_room(FunctionRef<Status()> body);
  StatePool& pool() { return *pool_; }

 private:
  using Lock = std::unique_lock<std::mutex>;
  class Role;

  explicit Engine(const EngineOptions& options)
      : options_(options), budget_(options.max_bytes), cache_(options.snapshot_bytes) {}

  Runner runner() const { return {*backend_, weights_, activations_}; }
  Result<const StateLayout*> layout_for(KvType kv_type, StateType state_type);
  Status check_tokens(std::span<const std::int32_t> tokens) const;
  Status check_submission(const Sequence& sequence, std::span<const std::int32_t> tokens) const;
  void find_state(Sequence& sequence, std::span<const std::int32_t> tokens) noexcept;
  bool give_up_one_state();
  bool move_out_one_state();
  Sequence* oldest_that_fits_on_host() const;
  void for_each_busy_buffer(FunctionRef<void(const StateRef&)> visit) const;
  Status with_room_beside_steps(Lock& lock, FunctionRef<Status()> body);
  Status hold_on_device(Lock& lock, SequenceContents& contents);
  std::shared_ptr<Request> drop_request(Lock& lock, const SequencePtr& sequence);
  Status rest(Lock& lock, const SequencePtr& sequence);
  Status finish_step_of(Lock& lock, const SequencePtr& sequence);
  Status start_worker();
  std::function<void()> work();  // the worker thread; returns what destroy_on_worker() left

  // pump.cpp: with the role and the lock, which they give up while the model or a request runs.
  // They throw nothing: what could not be allocated ends the request that needed it.
  Status pump_some(Lock& lock, Clock::time_point deadline, Predicate is_done);
  bool begin_step(Lock& lock, const RunLimit& limit);
  bool plan(Lock& lock);
  bool add_to_step(Lock& lock, const PlannedSpan& planned);
  bool waits_for_undo(const Status& status);
  void end_cancelled(Lock& lock);
  void end_request(Lock& lock, const SequencePtr& sequence, Status status);
  Status call_request(Request& request, const Step::LogitsRow& row, Request::Next& next);
  void call_unlocked(Lock& lock, const Sequence& sequence, FunctionRef<void()> call);
  Status deliver(Lock& lock, const Step::LogitsRow& row);
  void tell_all(Lock& lock);
  bool is_untold(const Sequence& sequence) const;
  bool may_run_ahead(Sequence& sequence) noexcept;
  void finish_step(Lock& lock);
  void keep_if_possible(const Sequence& sequence) noexcept;
  void fail_step(Lock& lock, const Status& status);

  const EngineOptions options_;
  MemoryBudget budget_;
  std::unique_ptr<Backend> backend_;  // outlives the memory that came from it
  ModelConfig config_;
  std::uint64_t fingerprint_ = 0;
  bool interleaves_keys_ = false;
  ModelWeights weights_;
  Activations activations_;
  std::uint64_t scratch_bytes_ = 0;
  std::array<std::unique_ptr<StateLayout>, 16> layouts_;
  std::unique_ptr<StatePool> pool_;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool is_pumping_ = false;
  bool has_advanced_ = false;  // whether the one who pumps gave up the lock meanwhile
  bool is_stopping_ = false;
  std::thread::id pumping_thread_;
  const Sequence* called_ = nullptr;    // whose request is being called
  std::atomic<bool> attention_{false};  // makes the pumping thread look up within a slice
  std::vector<SequencePtr> sequences_;
  std::vector<SequencePtr> running_;  // with a request
  PrefixCache cache_;
  std::uint64_t n_turns_ = 0;
  EngineStats counters_;

  // The role's own.
  Step step_;
  std::vector<PlannedSpan> plan_;
  std::vector<SequencePtr> finished_;  // by the step that is ending
  struct Untold {
    SequencePtr sequence;
    std::shared_ptr<Request> request;
  };
  std::vector<Untold> untold_;    // have a token of the last step, and are to be asked to tell it
  bool is_room_for_undo_ = true;  // as far as is known: false until another request ends
  std::vector<float> logits_;     // [n_vocab], of the row that is delivered
  std::thread worker_;
  std::function<void()> destroy_;  // by the worker, as its last act
};

}  // namespace nemotron
