// Causal convolution and the selective state space recurrence, `ref` level (arXiv:2405.21060,
// section 2). Prefill is the step repeated over t: one arithmetic for one token and for many.
#include <algorithm>
#include <cstring>

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
  const std::int64_t heads_per_group = p.n_heads / p.n_groups;
  for (std::int64_t h = first; h < last; ++h) {
    const std::int64_t group_offset = h / heads_per_group * p.d_state;
    const std::int64_t head_offset = h * p.d_state * p.head_dim;
    for (std::int64_t t = 0; t < p.n_rows; ++t) {
      const float* before = (t == 0 ? p.state_in : p.state_out) + head_offset;
      const float dt_raw = p.dt[t * p.dt_stride + h] + p.dt_bias[h];
      const float dt = std::clamp(softplus_f32(dt_raw), p.dt_min, p.dt_max);
      const float decay = exp_f32(dt * p.A[h]);
      const float* B = p.B + t * p.x_stride + group_offset;
      const float* C = p.C + t * p.x_stride + group_offset;
      const ConstRow x = row(p.x + t * p.x_stride + h * p.head_dim, p.head_dim);
      Row y = row(p.y + (t * p.n_heads + h) * p.head_dim, p.head_dim);
      y = x * p.D[h];
      for (std::int64_t n = 0; n < p.d_state; ++n) {
        Row state = row(p.state_out + head_offset + n * p.head_dim, p.head_dim);
        state = row(before + n * p.head_dim, p.head_dim) * decay + (x * dt) * B[n];
        y += state * C[n];
      }
    }
  }
}

}  // namespace nemotron::kernels::ref
