// Causal convolution and the selective state space recurrence, plain: the step of one token,
// repeated, in the order of kernels/cpu/ref/mamba2.cpp and so with the same bits.
#include <algorithm>

#include "base/float_types.h"
#include "kernels/common/math.h"
#include "kernels/cuda/device.cuh"
#include "kernels/cuda/kernel_list.h"

namespace nemotron::kernels::cuda {

// A thread to a channel (x) of a span (y).
NEMO_KERNEL(causal_conv1d_ref)(const CausalConv1dArgs p) {
  const SpanArgs& span = p.spans[blockIdx.y];
  const std::int64_t c = thread_index();
  if (c >= p.conv_dim) return;
  const std::int64_t n_kept = p.d_conv - 1;
  const float* state_in = span.conv_in + p.layer * n_kept * p.conv_dim;
  float* state_out = span.conv_out + p.layer * n_kept * p.conv_dim;
  // Input t of the span, which may still be in the state.
  const auto input = [&](std::int64_t t) {
    return t >= 0 ? p.xBC[(span.first_row + t) * p.in_stride + c]
                  : state_in[(n_kept + t) * p.conv_dim + c];
  };
  for (std::int64_t t = 0; t < span.n_rows; ++t) {
    float sum = p.bias[c];
    for (std::int64_t k = 0; k < p.d_conv; ++k)
      sum += p.weight[k * p.conv_dim + c] * input(t - n_kept + k);
    p.out[(span.first_row + t) * p.out_stride + c] = silu_f32(sum);
  }
  // Ascending: where the state is updated in place a value moves only towards the front.
  for (std::int64_t k = 0; k < n_kept; ++k)
    state_out[k * p.conv_dim + c] = input(span.n_rows - n_kept + k);
}

__device__ inline float loaded(float value) { return value; }
__device__ inline float loaded(bf16_bits value) { return bf16_to_float(value); }
__device__ inline void keep(float value, float& out) { out = value; }
__device__ inline void keep(float value, bf16_bits& out) { out = float_to_bf16(value); }

template <typename Element>
__device__ void scan_channel(const SsmScanArgs& p, const SpanArgs& span, std::int64_t h,
                             std::int64_t c) {
  const std::int64_t head = (p.layer * p.n_heads + h) * p.d_state * p.head_dim;
  const Element* state_in = static_cast<const Element*>(span.ssm_in) + head + c;
  Element* state_out = static_cast<Element*>(span.ssm_out) + head + c;
  const std::int64_t group = h / (p.n_heads / p.n_groups) * p.d_state;
  for (std::int64_t t = 0; t < span.n_rows; ++t) {
    const std::int64_t row = span.first_row + t;
    const float* B = p.B + row * p.x_stride + group;
    const float* C = p.C + row * p.x_stride + group;
    const float dt_raw = p.dt[row * p.dt_stride + h] + p.dt_bias[h];
    const float dt = std::clamp(softplus_f32(dt_raw), p.dt_min, p.dt_max);
    const float decay = exp_f32(dt * p.A[h]);
    const float x = p.x[row * p.x_stride + h * p.head_dim + c];
    const Element* before = t == 0 ? state_in : state_out;
    float y = x * p.D[h];
    for (std::int64_t n = 0; n < p.d_state; ++n) {
      const float after = loaded(before[n * p.head_dim]) * decay + (x * dt) * B[n];
      y += after * C[n];
      keep(after, state_out[n * p.head_dim]);
    }
    p.y[row * p.y_stride + h * p.head_dim + c] = y;
  }
}

// A block to a head (x) of a span (y), a thread to a channel of it.
NEMO_KERNEL(ssm_scan_ref)(const SsmScanArgs p) {
  const SpanArgs& span = p.spans[blockIdx.y];
  for (std::int64_t c = threadIdx.x; c < p.head_dim; c += blockDim.x) {
    if (span.state_type == StateType::kF32) {
      scan_channel<float>(p, span, blockIdx.x, c);
    } else {
      scan_channel<bf16_bits>(p, span, blockIdx.x, c);
    }
  }
}

}  // namespace nemotron::kernels::cuda
