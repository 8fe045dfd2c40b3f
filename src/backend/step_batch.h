// A step: rows of tokens from one or more sequences that go through the layers together.
// Row operations see all rows; only convolution, scan and attention look at the spans.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "kernels/common/attention_params.h"
#include "kernels/common/mamba2_params.h"

namespace nemotron {

using kernels::KvType;
using kernels::StateType;

inline std::size_t state_element_bytes(StateType type) { return type == StateType::kF32 ? 4 : 2; }

// How keys and values lie in a block of 64 positions: for each attention layer keys, then values.
struct KvLayout {
  std::int64_t n_layers = 0;  // attention layers
  std::int64_t n_kv_heads = 0;
  std::int64_t head_dim = 0;
  KvType type = KvType::kBF16;

  std::int64_t part_bytes() const {  // keys, or values, of one layer
    return n_kv_heads * kernels::kv_head_bytes(type, head_dim);
  }
  std::int64_t block_bytes() const { return 2 * n_layers * part_bytes(); }
};

// The state of one sequence on the device. Layers are counted among those of their kind. A step
// reads the recurrent state at `_in` and writes all of it at `_out`: the same memory, or another,
// where the state before the step is kept or shared.
struct SequenceState {
  const float* conv_in = nullptr;          // [n_mamba2_layers, d_conv - 1, conv_dim]
  float* conv_out = nullptr;               // as conv_in
  const void* ssm_in = nullptr;            // [n_mamba2_layers, n_ssm_heads, d_state, ssm_head_dim]
  void* ssm_out = nullptr;                 // as ssm_in
  StateType state_type = StateType::kF32;  // of the SSM state
  std::span<void* const> kv_blocks;        // block b holds positions [64 b, 64 b + 64)
  KvLayout kv_layout;
};

// Consecutive tokens of one sequence: rows [first_row, first_row + n_rows) of the step.
struct Span {
  std::int32_t session_slot = 0;  // index into StepBatch::states
  std::int32_t first_row = 0;
  std::int32_t n_rows = 0;
  std::int64_t position = 0;  // of the first row in its sequence
};

struct StepBatch {
  std::int64_t n_rows = 0;
  std::span<const std::int32_t> tokens;  // [n_rows]
  std::span<const Span> spans;           // cover the rows; decode spans first
  std::span<const SequenceState> states;

  const SequenceState& state_of(const Span& span) const {
    return states[static_cast<std::size_t>(span.session_slot)];
  }
};

}  // namespace nemotron
