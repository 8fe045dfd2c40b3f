// One conversation: its tokens, its state, and the one way to extend it. Used by one thread at a
// time; cancel() and position() may be called from any.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "engine/engine.h"
#include "session/layer_state.h"

namespace nemotron {

class Session {
 public:
  struct Options {
    std::int64_t max_tokens = 0;  // 1 to the model's max_context
    KvType kv_type = KvType::kBF16;
  };

  static Result<std::unique_ptr<Session>> create(std::shared_ptr<const Engine> engine,
                                                 const Options& options);

  // Runs the model on `tokens`. `logits` is empty, or n_vocab floats (after the last token), or
  // tokens.size() * n_vocab floats (after each). Reserves everything first: an error other than
  // kCancelled leaves the session as it was. After a cancel the steps done stay committed.
  Status eval(std::span<const std::int32_t> tokens, std::span<float> logits);

  void reset();

  // Makes a running eval() return kCancelled at its next step. Forgotten by start_request().
  void cancel() { cancelled_.store(true, std::memory_order_relaxed); }
  bool is_cancelled() const { return cancelled_.load(std::memory_order_relaxed); }
  void start_request() { cancelled_.store(false, std::memory_order_relaxed); }

  std::int64_t position() const { return position_.load(std::memory_order_acquire); }
  std::int64_t max_tokens() const { return options_.max_tokens; }
  std::span<const std::int32_t> tokens() const { return tokens_; }
  const Engine& engine() const { return *engine_; }

 private:
  Session(std::shared_ptr<const Engine> engine, const Options& options, LayerState state)
      : engine_(std::move(engine)), options_(options), state_(std::move(state)) {}

  Status check(std::span<const std::int32_t> tokens, std::span<float> logits) const;
  Status step(std::span<const std::int32_t> tokens, std::span<const std::int32_t> logit_rows,
              std::span<float> logits);

  std::shared_ptr<const Engine> engine_;
  Options options_;
  LayerState state_;
  std::vector<std::int32_t> tokens_;       // [position]
  std::atomic<std::int64_t> position_{0};  // tokens_.size(), for other threads
  std::atomic<bool> cancelled_{false};
};

}  // namespace nemotron
