// One conversation: its sequence, the requests that extend it, and their events. Used by one thread
// at a time; cancel() and position() may be called from any.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "session/event_queue.h"
#include "session/generation.h"

namespace nemotron {

// Which states a prompt leaves in the prefix cache, besides every snapshot_every tokens.
enum class SnapshotPolicy : std::uint8_t {
  kTurns,     // the end of the first turn, and the beginnings of the last two
  kAllTurns,  // the beginning of every turn
  kNone,
};

class Session {
 public:
  struct Options {
    std::int64_t max_tokens = 0;  // 1 to the model's max_context
    KvType kv_type = KvType::kBF16;
    StateType state_type = StateType::kF32;
    std::int32_t priority = 0;
    SnapshotPolicy snapshot_policy = SnapshotPolicy::kTurns;
    std::int64_t snapshot_every = 0;          // tokens; 0: never
    std::vector<std::int32_t> turn_starts{};  // ids with which a turn of the chat format begins
  };

  static Result<std::unique_ptr<Session>> create(std::shared_ptr<Engine> engine,
                                                 const Options& options);
  ~Session();

  // Runs the model on `tokens`, blocking. `logits` is empty, or n_vocab floats (after the last
  // token), or tokens.size() * n_vocab floats (after each). An error other than kCancelled leaves
  // the session as it was. After a cancel the tokens whose steps have begun stay.
  Status eval(std::span<const std::int32_t> tokens, std::span<float> logits);

  // Puts a request on the session; somebody has to pump. `is_whole`: the prompt is the whole
  // sequence, of which the longest known beginning is not computed again. The request's number.
  Result<std::uint64_t> submit(const Tokenizer& tokenizer, std::span<const std::int32_t> prompt,
                               bool is_whole, GenerateParams params, EventSink sink);
  // The next event; its text lives until the next call. False when there is none.
  bool poll(Event& event);
  // The same, waiting until there is one, no request runs or the deadline has passed; kNone then.
  // Pumps if nobody else does.
  Status wait(Event& event, Engine::Clock::time_point deadline = Engine::kNever);

  // Drops the running request and its events.
  void abandon();

  // Ends the running request, if it is `request_id` or that is 0.
  void cancel(std::uint64_t request_id = 0);

  Status reset() { return rewind(0); }
  Status rewind(std::int64_t position);
  // Rewinds into the last request's reply: what lies within the first bytes of its answer stays.
  // kState without a reply that this session ends with.
  Status truncate_reply(std::uint64_t n_text_bytes);
  Status keep() { return engine_->keep(sequence_); }
  Result<std::unique_ptr<Session>> fork();
  // Takes over what `from` holds; it is empty afterwards. kInvalidArgument unless both are of one
  // engine and have the same types.
  Status adopt(Session& from);

  struct Stats {
    bool is_running = false;
    std::int64_t n_tokens = 0;
    std::int64_t n_computed_tokens = 0;
    std::uint64_t kv_bytes = 0;
    std::uint64_t recurrent_bytes = 0;
  };
  Stats stats() const;

  std::int64_t position() const { return sequence_->position.load(std::memory_order_acquire); }
  std::int64_t max_tokens() const { return options_.max_tokens; }
  std::vector<std::int32_t> tokens() const;
  Engine& engine() const { return *engine_; }
  const SequencePtr& sequence() const { return sequence_; }
  const Options& options() const { return options_; }

 private:
  Session(std::shared_ptr<Engine> engine, const Options& options)
      : engine_(std::move(engine)), options_(options) {}

  bool is_in_thoughts(const Tokenizer& tokenizer, std::span<const std::int32_t> prompt,
                      bool is_whole) const;
  std::size_t count_turns(std::span<const std::int32_t> tokens) const;
  // Positions whose states `tokens`, from `position` on, are to leave. Allocates nothing where
  // `marks` has room for count_turns().
  void find_marks(std::span<const std::int32_t> tokens, std::int64_t position,
                  std::vector<std::int64_t>& marks) const;
  bool is_turn_start(std::int32_t token) const;

  std::shared_ptr<Engine> engine_;
  const Options options_;
  SequencePtr sequence_;  // null only while create() fails
  EventQueue events_;
  std::string event_text_;
  std::atomic<std::uint64_t> request_id_{0};  // of the last request
  // Of the last request, as long as the session was neither extended nor moved otherwise.
  std::shared_ptr<const ReplyTrace> reply_;
};

}  // namespace nemotron
