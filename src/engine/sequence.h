// A sequence of tokens as the engine runs it, and the request that extends it. Sessions own
// sequences; the engine's mutex guards them. While `in_step` is set, `state` belongs to the thread
// that runs the step.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/status.h"
#include "engine/layer_state.h"
#include "sampling/sampler.h"

namespace nemotron {

// What a sequence is extended for. Called by the thread that pumps, without locks, and not by two
// at a time.
class Request {
 public:
  enum class Logits : std::uint8_t { kNone, kLast, kAll };

  // What follows a row of logits.
  struct Next {
    bool is_finished = false;
    std::int32_t token = -1;  // to run next; -1: nothing beyond the tokens that are there
    Status status;            // of a finish
    bool wants_tell = false;  // tell() is to be called, which may say that this was the end
  };

  virtual ~Request() = default;
  // Which of the submitted tokens' logits are wanted; those of tokens that came by Next always are.
  virtual Logits logits_wanted() const = 0;
  // How the token at `position` is to be chosen, where no more than that is wanted of the logits:
  // on_token() gets it then, and on_logits() nothing. Also with the engine's lock held.
  virtual std::optional<TokenChoice> choice(std::int64_t /*position*/) const { return {}; }
  virtual Next on_logits(std::int64_t /*position*/, std::span<const float> /*logits*/) {
    return {};
  }
  virtual Next on_token(std::int64_t /*position*/, const SampledToken& /*sampled*/) { return {}; }
  // What takes time of a token that has been given: a device may run it meanwhile.
  virtual Next tell() { return {}; }
  // The last call: all is done, or kCancelled, or the fault.
  virtual void on_end(Status status) = 0;
  // False while results wait to be fetched: the sequence is not run then.
  virtual bool has_room() const { return true; }
};

struct SequenceOptions {
  std::int64_t max_tokens = 0;
  KvType kv_type = KvType::kBF16;
  StateType state_type = StateType::kF32;
  std::int32_t priority = 0;        // higher runs first
  std::int64_t snapshot_every = 0;  // tokens; 0: at marks only
};

struct Sequence {
  Sequence(const SequenceOptions& o, const StateLayout& layout) : options(o), state(layout) {}

  std::int64_t n_tokens() const { return static_cast<std::int64_t>(tokens.size()); }
  std::int64_t n_pending() const { return n_tokens() - state.position(); }
  // How many tokens stay if the request ends now.
  std::int64_t n_settled() const {
    return std::max(n_before_request, state.position() - (is_ahead ? 1 : 0));
  }
  bool is_idle() const { return request == nullptr && !in_step; }
  // Room for `n` more tokens, and one that a step samples: by whole KV blocks, and so that many
  // small additions copy little.
  void reserve_tokens(std::size_t n) {
    constexpr auto kBlock = static_cast<std::size_t>(kernels::kKvBlockTokens);
    const std::size_t n_wanted = tokens.size() + n + 1;
    if (n_wanted <= tokens.capacity()) return;
    tokens.reserve((std::max(n_wanted, tokens.size() + tokens.size() / 2) / kBlock + 1) * kBlock);
  }
  void publish_position() {
    position.store(request == nullptr ? n_tokens() : n_settled(), std::memory_order_release);
  }

  SequenceOptions options;
  std::vector<std::int32_t> tokens;  // with those that are still to be run
  LayerState state;                  // behind tokens[0, state.position())
  std::vector<std::int64_t> marks;   // positions whose states the request wants kept, ascending
  std::shared_ptr<Request> request;  // the running one
  std::int64_t n_before_request = 0;
  std::int64_t n_prompt_end = 0;  // of the request: tokens with its prompt
  bool is_admitted = false;       // among the max_running that take part in steps
  bool in_step = false;
  bool is_ahead = false;     // the step began before its token was told: undone if the request ends
  bool is_detached = false;  // its session is gone
  std::uint64_t last_turn = 0;  // when it was last in a step or used, by the engine's count: unique
  std::int64_t n_reused = 0;    // of the last request's tokens: found computed
  std::atomic<std::int64_t> position{0};
  std::atomic<bool> cancel_wanted{false};
};

using SequencePtr = std::shared_ptr<Sequence>;

}  // namespace nemotron
