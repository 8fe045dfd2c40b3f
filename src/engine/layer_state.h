// The state of a sequence up to a position: one buffer with the recurrent state, and KV blocks of
// 64 tokens. A value: copies share the memory, which makes forks and snapshots cheap; what is
// shared is never written.
#pragma once

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "backend/backend.h"
#include "engine/state_pool.h"
#include "model/config.h"

namespace nemotron {

// How the states of one kind of session lie in memory.
struct StateLayout {
  // kOutOfMemory; kInvalidArgument where the model's heads do not fit the type.
  static Result<StateLayout> create(Backend& backend, const ModelConfig& config, KvType kv_type,
                                    StateType state_type);

  // Without memory for `zeros`: for planning.
  static Result<StateLayout> measure(const ModelConfig& config, KvType kv_type,
                                     StateType state_type);

  // Of a sequence of n_tokens.
  std::uint64_t kv_bytes(std::int64_t n_tokens) const;
  std::size_t recurrent_bytes() const { return conv_bytes + ssm_bytes; }
  // Tells states that may be exchanged from those that may not.
  std::uint32_t numerics_id() const {
    return static_cast<std::uint32_t>(kv.type) << 8 | static_cast<std::uint32_t>(state_type);
  }

  KvLayout kv;
  StateType state_type = StateType::kF32;
  std::size_t conv_bytes = 0;  // [n_mamba2_layers, d_conv - 1, conv_dim]; rounded up to 64
  std::size_t ssm_bytes = 0;   // [n_mamba2_layers, n_ssm_heads, d_state, ssm_head_dim]
  DeviceBuffer zeros;          // recurrent_bytes() of the empty sequence; never written
};

class LayerState {
 public:
  explicit LayerState(const StateLayout& layout) : layout_(&layout) {}
  // A state put together from its parts; `kv_blocks` cover the position.
  LayerState(const StateLayout& layout, std::int64_t position, StateRef recurrent,
             std::vector<StateRef> kv_blocks);

  const StateLayout& layout() const { return *layout_; }
  std::int64_t position() const { return position_; }       // tokens it covers
  const StateRef& recurrent() const { return recurrent_; }  // empty: zeros
  std::span<const StateRef> kv_blocks() const { return kv_blocks_; }
  const void* recurrent_data() const;

  // Calls visit(buffer) for the recurrent state, then for each KV block.
  template <typename Visit>
  void for_each_buffer(const Visit& visit) const {
    if (recurrent_) visit(recurrent_);
    for (const StateRef& block : kv_blocks_) visit(block);
  }
  // Moves to the device what lies on the host. On failure a part may have. As reserve().
  Status bring_back(StatePool& pool);
  // Gives up the room that it has in reserve.
  void drop_reserve();

  // Makes room for `n_tokens` more, in memory that only this state holds; all of it is then on the
  // device. On failure nothing has changed. kOverBudget, kOutOfMemory.
  Status reserve(Backend& backend, StatePool& pool, std::int64_t n_tokens);

  // What a step over the next n_tokens reads and writes. Afterwards this is the state behind them,
  // valid when the step has run; `input` holds what the step reads until then. As reserve().
  struct Extension {
    SequenceState view;
    StateRef input;
  };
  // `keeps_undo`: has_room_for_undo(), n_tokens is 1, and undo() may follow.
  Result<Extension> extend(Backend& backend, StatePool& pool, std::int64_t n_tokens,
                           bool keeps_undo = false);
  // Goes back by the token of the last extend(), whose step has run.
  void undo();
  // Memory for that, as large as the recurrent state: kept from one token to the next. False where
  // there is none.
  bool make_room_for_undo(StatePool& pool);
  bool has_room_for_undo() const {
    return layout_->recurrent_bytes() == 0 || (undo_ && !undo_.is_shared());
  }
  // Whether there was any.
  bool drop_undo() { return static_cast<bool>(std::exchange(undo_, {})); }

  // The same state without the room it has in reserve.
  LayerState snapshot() const;

  // Bytes of the recurrent state of a sequence, and of one token's keys and values.
  static std::uint64_t recurrent_bytes_of(const ModelConfig& config, StateType state_type);
  static std::uint64_t kv_bytes_per_token(const ModelConfig& config, KvType kv_type);

 private:
  const StateLayout* layout_;
  std::int64_t position_ = 0;
  StateRef recurrent_;  // conv_state, then ssm_state
  StateRef undo_;       // the same of a token before, or memory for it
  std::vector<StateRef> kv_blocks_;
  std::vector<void*> kv_pointers_;  // data() of kv_blocks_, as kernels want them
  std::uint64_t n_moves_ = 0;       // of the pool, at which kv_pointers_ were right
};

}  // namespace nemotron
