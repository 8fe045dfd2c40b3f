// Causal convolution and the selective state space recurrence, `ref` level (arXiv:2405.21060,
// section 2). Prefill is the step repeated over t: one arithmetic for one token and for many.
#include <algorithm>
#include <cstring>
#include <type_traits>

#include "base/float_types.h"
#include "kernels/common/math.h"
#include "kernels/cpu/ref/eigen_rows.h"
#include "kernels/cpu/ref/ref_kernels.h"

namespace nemotron::kernels::ref {

namespace {

// Input row t - back of the span, which may still be in the state.
const float* input_row(const CausalConv1dParams& p, std::int64_t t) {
  return t >= 0 ? p.xBC + t * p.in_stride : p.state_in + (p.d_conv - 1 + t) * p.conv_dim;
}

void keep_last_inputs(const CausalConv1dParams& p, std::int64_t first, std::int64_t last) {
  const std::int64_t n_kept = p.d_conv - 1;
  // Ascending: where the state is updated in place a row moves only towards the front.
  for (std::int64_t k = 0; k < n_kept; ++k) {
    const float* from = input_row(p, p.n_rows - n_kept + k);
    std::memmove(p.state_out + k * p.conv_dim + first, from + first,
                 static_cast<std::size_t>(last - first) * sizeof(float));
  }
}

// A stored state as floats: where it lies, or in `scratch`; where to put the next one; keeping it.
const float* loaded(const float* state, std::int64_t, float*) { return state; }
const float* loaded(const bf16_bits* state, std::int64_t n, float* scratch) {
  for (std::int64_t i = 0; i < n; ++i) scratch[i] = bf16_to_float(state[i]);
  return scratch;
}
float* place_for(float* state, float*) { return state; }
float* place_for(bf16_bits*, float* scratch) { return scratch; }
void keep(const float*, std::int64_t, float*) {}
void keep(const float* values, std::int64_t n, bf16_bits* state) {
  for (std::int64_t i = 0; i < n; ++i) state[i] = float_to_bf16(values[i]);
}

// One token: all of the head's state passes through once.
template <typename Element>
void step_head(const SsmScanParams& p, std::int64_t h, std::int64_t t, const Element* state_in,
               Element* state_out) {
  constexpr std::int64_t kScratch = 64;
  const std::int64_t most = std::is_same_v<Element, float> ? p.head_dim : kScratch;
  const std::int64_t group_offset = h / (p.n_heads / p.n_groups) * p.d_state;
  const float dt_raw = p.dt[t * p.dt_stride + h] + p.dt_bias[h];
  const float dt = std::clamp(softplus_f32(dt_raw), p.dt_min, p.dt_max);
  const float decay = exp_f32(dt * p.A[h]);
  const float* B = p.B + t * p.x_stride + group_offset;
  const float* C = p.C + t * p.x_stride + group_offset;
  const float* x_t = p.x + t * p.x_stride + h * p.head_dim;
  float* y_t = p.y + (t * p.n_heads + h) * p.head_dim;
  float scratch[kScratch];
  for (std::int64_t c = 0; c < p.head_dim; c += most) {
    const std::int64_t n_channels = std::min(most, p.head_dim - c);
    const ConstRow x = row(x_t + c, n_channels);
    Row y = row(y_t + c, n_channels);
    y = x * p.D[h];
    for (std::int64_t n = 0; n < p.d_state; ++n) {
      const std::int64_t element = n * p.head_dim + c;
      const float* before = loaded(state_in + element, n_channels, scratch);
      float* after = place_for(state_out + element, scratch);
      row(after, n_channels) = row(before, n_channels) * decay + (x * dt) * B[n];
      y += row(after, n_channels) * C[n];
      keep(after, n_channels, state_out + element);
    }
  }
}

template <typename Element>
void scan_head(const SsmScanParams& p, std::int64_t h) {
  const std::int64_t offset = h * p.d_state * p.head_dim;
  const auto* state_in = static_cast<const Element*>(p.state_in) + offset;
  auto* state_out = static_cast<Element*>(p.state_out) + offset;
  for (std::int64_t t = 0; t < p.n_rows; ++t)
    step_head(p, h, t, t == 0 ? state_in : state_out, state_out);
}

}  // namespace

void causal_conv1d(const CausalConv1dParams& p, std::int64_t first, std::int64_t last) {
  const std::int64_t n = last - first;
  for (std::int64_t t = 0; t < p.n_rows; ++t) {
    float* out = p.out + t * p.conv_dim + first;
    row(out, n) = row(p.bias + first, n);
    for (std::int64_t k = 0; k < p.d_conv; ++k)
      row(out, n) += row(p.weight + k * p.conv_dim + first, n) *
                     row(input_row(p, t - (p.d_conv - 1) + k) + first, n);
    for (std::int64_t c = 0; c < n; ++c) out[c] = silu_f32(out[c]);
  }
  keep_last_inputs(p, first, last);
}

void ssm_scan(const SsmScanParams& p, std::int64_t first, std::int64_t last) {
  if (p.state_type == StateType::kF32) {
    for (std::int64_t h = first; h < last; ++h) scan_head<float>(p, h);
  } else {
    for (std::int64_t h = first; h < last; ++h) scan_head<bf16_bits>(p, h);
  }
}

}  // namespace nemotron::kernels::ref
