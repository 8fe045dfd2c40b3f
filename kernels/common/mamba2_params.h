// The two operations of a Mamba-2 layer that carry state along a sequence. Both work on one span:
// consecutive tokens of one sequence, one at least. Notation of arXiv:2405.21060.
//
// The state before the span is read from `state_in`; all of the state after it is written to
// `state_out`. They are the same memory (the state is updated in place) or do not overlap (the
// state before stays as it was, for others who share it); the bytes written are the same.
#pragma once

#include <cstdint>

namespace nemotron::kernels {

// Depthwise causal convolution over xBC, then silu:
//   out_t[c] = silu(bias[c] + sum_k weight[k][c] * xBC_{t - (d_conv - 1) + k}[c])
// Sums run over k ascending, from the bias. The state holds the last d_conv - 1 inputs.
struct CausalConv1dParams {
  const float* xBC = nullptr;       // [n_rows, in_stride]
  const float* weight = nullptr;    // [d_conv, conv_dim], tap-major, oldest tap first
  const float* bias = nullptr;      // [conv_dim]
  const float* state_in = nullptr;  // [d_conv - 1, conv_dim], oldest first
  float* state_out = nullptr;       // as state_in
  float* out = nullptr;             // [n_rows, conv_dim]
  std::int64_t n_rows = 0;
  std::int64_t in_stride = 0;
  std::int64_t conv_dim = 0;
  std::int64_t d_conv = 0;
};

// How the SSM state is kept between tokens.
enum class StateType : std::uint8_t { kF32, kBF16 };

// The recurrence, token by token (section 2):
//   dt' = clamp(softplus(dt + dt_bias));  h <- exp(dt' A) h + (dt' x) outer B;  y = h C + D x
// Computed in f32. The state lies [head, d_state, head_dim], so that lanes run along head_dim and
// no sum crosses lanes; y sums over d_state ascending, from D x. A bf16 state is rounded (to
// nearest, ties to even) after every token, also inside the span, so that no cut of a prompt shows;
// y reads h before that. It drifts: see the measurements in ARCHITECTURE.md.
struct SsmScanParams {
  const float* x = nullptr;        // [n_rows, x_stride]; [n_heads, head_dim] per row
  const float* B = nullptr;        // [n_rows, x_stride]; [n_groups, d_state] per row
  const float* C = nullptr;        // as B
  const float* dt = nullptr;       // [n_rows, dt_stride]; [n_heads] per row, raw
  const float* dt_bias = nullptr;  // [n_heads]
  const float* A = nullptr;        // [n_heads], negative
  const float* D = nullptr;        // [n_heads]
  const void* state_in = nullptr;  // [n_heads, d_state, head_dim] of state_type
  void* state_out = nullptr;       // as state_in
  StateType state_type = StateType::kF32;
  float* y = nullptr;  // [n_rows, n_heads * head_dim]
  std::int64_t n_rows = 0;
  std::int64_t x_stride = 0;
  std::int64_t dt_stride = 0;
  std::int64_t n_heads = 0;
  std::int64_t head_dim = 0;
  std::int64_t d_state = 0;
  std::int64_t n_groups = 0;  // head h uses group h / (n_heads / n_groups)
  float dt_min = 0.0f;
  float dt_max = 0.0f;
};

}  // namespace nemotron::kernels
