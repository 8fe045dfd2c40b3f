// Causal convolution and the selective state space recurrence (arXiv:2405.21060) for devices with
// many threads. Both are the step of one token, repeated: a form in chunks would give a prompt
// other bytes than its tokens one by one. A prompt's scan is parallel over heads and channels.
#include <algorithm>
#include <cmath>

#include "base/float_types.h"
#include "kernels/common/math.h"
#include "kernels/cuda/kernel_list.h"
#include "kernels/cuda/launch_shapes.h"
#include "kernels/cuda/mma.cuh"

namespace nemotron::kernels::cuda {

// A piece of a span's tokens for one channel, the inputs of one output in registers; the sums of
// causal_conv1d_ref. The first piece also writes the state after the span: it alone reads the state
// before, which may be the same memory.
template <int d_conv>
__device__ inline void convolve(const CausalConv1dArgs& p, const SpanArgs& span, std::int64_t c) {
  constexpr int kKept = d_conv - 1;
  const float* state_in = span.conv_in + p.layer * kKept * p.conv_dim + c;
  float* state_out = span.conv_out + p.layer * kKept * p.conv_dim + c;
  const float* x = p.xBC + span.first_row * p.in_stride + c;
  const auto input = [&](std::int64_t t) {
    return t >= 0 ? x[t * p.in_stride] : state_in[(kKept + t) * p.conv_dim];
  };
  const std::int64_t begin = std::int64_t{blockIdx.z} * kConvTokens;
  const std::int64_t end = std::min<std::int64_t>(begin + kConvTokens, span.n_rows);
  float weight[d_conv], window[d_conv];
  for (int k = 0; k < d_conv; ++k) weight[k] = p.weight[k * p.conv_dim + c];
  for (int k = 0; k < kKept; ++k) window[k] = input(begin - kKept + k);
  const float bias = p.bias[c];
  NEMO_UNROLL(4)
  for (std::int64_t t = begin; t < end; ++t) {
    window[kKept] = x[t * p.in_stride];
    float sum = bias;
    for (int k = 0; k < d_conv; ++k) sum += weight[k] * window[k];
    p.out[(span.first_row + t) * p.out_stride + c] = silu_f32(sum);
    for (int k = 0; k < kKept; ++k) window[k] = window[k + 1];
  }
  if (begin > 0) return;
  for (int k = 0; k < kKept; ++k) window[k] = input(span.n_rows - kKept + k);
  for (int k = 0; k < kKept; ++k) state_out[k * p.conv_dim] = window[k];
}

// A thread to a channel (x) of a span (y), for so many of its tokens (z).
NEMO_KERNEL(causal_conv1d)(const CausalConv1dArgs p) {
  const SpanArgs& span = p.spans[blockIdx.y];
  const std::int64_t c = thread_index();
  if (c >= p.conv_dim || std::int64_t{blockIdx.z} * kConvTokens >= span.n_rows) return;
  if (p.d_conv == 1) convolve<1>(p, span, c);
  if (p.d_conv == 2) convolve<2>(p, span, c);
  if (p.d_conv == 3) convolve<3>(p, span, c);
  if (p.d_conv == 4) convolve<4>(p, span, c);
}

// The scan. A lane holds a quarter of the states of one of eight channels, of 16 states four: then
// a warp's accesses to the state cover whole sectors, and its four addresses in B and C lie side by
// side.
constexpr int kQuarters = 4;
constexpr int kWarpChannels = kWarp / kQuarters;
static_assert(kScanWarps * kWarpChannels == kScanBlockChannels);

struct alignas(16) FourFloats {
  float at[4];
};

// What some tokens bring, for one head. Behind d_state B and C are zero.
template <int max_states>
struct ScanInputs {
  FourFloats B[kScanTokens][max_states / 4];
  FourFloats C[kScanTokens][max_states / 4];
  float x[kScanTokens][kScanBlockChannels];
  float dt[kScanTokens];
  float decay[kScanTokens];
};

// All threads of a block, for n tokens from `row` on.
template <int max_states>
__device__ inline void stage(const SsmScanArgs& p, std::int64_t row, int n, std::int64_t h,
                             std::int64_t first_channel, ScanInputs<max_states>& inputs) {
  const int thread = static_cast<int>(threadIdx.x);
  const int n_threads = kScanWarps * kWarp;
  const std::int64_t group = h / (p.n_heads / p.n_groups) * p.d_state;
  for (int i = thread; i < n * max_states; i += n_threads) {
    const int t = i / max_states, s = i % max_states;
    const std::int64_t at = (row + t) * p.x_stride + group + s;
    inputs.B[t][s / 4].at[s % 4] = s < p.d_state ? p.B[at] : 0.0f;
    inputs.C[t][s / 4].at[s % 4] = s < p.d_state ? p.C[at] : 0.0f;
  }
  for (int i = thread; i < n * kScanBlockChannels; i += n_threads) {
    const int t = i / kScanBlockChannels;
    const std::int64_t c = first_channel + i % kScanBlockChannels;
    inputs.x[t][i % kScanBlockChannels] =
        c < p.head_dim ? p.x[(row + t) * p.x_stride + h * p.head_dim + c] : 0.0f;
  }
  if (thread < n) {
    const float dt_raw = p.dt[(row + thread) * p.dt_stride + h] + p.dt_bias[h];
    const float dt = std::clamp(softplus_f32(dt_raw), p.dt_min, p.dt_max);
    inputs.dt[thread] = dt;
    inputs.decay[thread] = exp_f32(dt * p.A[h]);
  }
}

// As a state that is kept in that type reads for the next token.
__device__ inline void round_states(float (&)[4], float) {}
__device__ inline void round_states(float (&state)[4], bf16_bits) {
  for (int e = 0; e < 4; e += 2) {
    const std::uint32_t pair = bf16_pair(state[e], state[e + 1]);
    state[e] = bf16_to_float(static_cast<bf16_bits>(pair));
    state[e + 1] = bf16_to_float(static_cast<bf16_bits>(pair >> 16));
  }
}
__device__ inline float loaded(float value) { return value; }
__device__ inline float loaded(bf16_bits value) { return bf16_to_float(value); }
// A state that round_states() has been to.
__device__ inline void keep(float value, float& out) { out = value; }
__device__ inline void keep(float value, bf16_bits& out) { out = float_to_bf16(value); }

// One token: the state moves, and y of the channel is summed: in a lane four sums over its states,
// ascending, then over the quarters.
template <typename Element, int max_states>
__device__ inline float step(const ScanInputs<max_states>& inputs, int t, int quarter, float x,
                             float D, float (&state)[max_states / 16][4]) {
  const float input = x * inputs.dt[t];
  const float decay = inputs.decay[t];
  float sums[4] = {};
  for (int i = 0; i < max_states / 16; ++i) {
    const FourFloats B = inputs.B[t][kQuarters * i + quarter];
    const FourFloats C = inputs.C[t][kQuarters * i + quarter];
    for (int e = 0; e < 4; ++e) {
      state[i][e] = std::fma(state[i][e], decay, input * B.at[e]);
      sums[e] = std::fma(state[i][e], C.at[e], sums[e]);
    }
    round_states(state[i], Element{});
  }
  float y = (sums[0] + sums[1]) + (sums[2] + sums[3]);
  for (int mask = kWarpChannels; mask < kWarp; mask *= 2)
    y += __shfl_xor_sync(0xffffffffu, y, mask);
  return std::fma(x, D, y);
}

template <typename Element, int max_states>
__device__ inline void scan(const SsmScanArgs& p, const SpanArgs& span,
                            ScanInputs<max_states>& inputs) {
  const std::int64_t n_pieces = (p.head_dim + kScanBlockChannels - 1) / kScanBlockChannels;
  const std::int64_t h = blockIdx.x / n_pieces;
  const std::int64_t first_channel = blockIdx.x % n_pieces * kScanBlockChannels;
  const int lane = threadIdx.x % kWarp;
  const int quarter = lane / kWarpChannels;
  const int channel_in_block =
      static_cast<int>(threadIdx.x) / kWarp * kWarpChannels + lane % kWarpChannels;
  const std::int64_t channel = first_channel + channel_in_block;
  const std::int64_t head = (p.layer * p.n_heads + h) * p.d_state * p.head_dim + channel;
  const Element* state_in = static_cast<const Element*>(span.ssm_in) + head;
  Element* state_out = static_cast<Element*>(span.ssm_out) + head;
  const auto is_state = [&](int i, int e) {
    return channel < p.head_dim && 16 * i + 4 * quarter + e < p.d_state;
  };
  const auto place = [&](int i, int e) { return (16 * i + 4 * quarter + e) * p.head_dim; };

  float state[max_states / 16][4];
  for (int i = 0; i < max_states / 16; ++i)
    for (int e = 0; e < 4; ++e) state[i][e] = is_state(i, e) ? loaded(state_in[place(i, e)]) : 0.0f;
  for (std::int64_t first = 0; first < span.n_rows; first += kScanTokens) {
    const std::int64_t row = span.first_row + first;
    const int n = static_cast<int>(std::min<std::int64_t>(kScanTokens, span.n_rows - first));
    __syncthreads();  // the tokens before have been read
    stage(p, row, n, h, first_channel, inputs);
    __syncthreads();
    NEMO_UNROLL(1)
    for (int t = 0; t < n; ++t) {
      const float y =
          step<Element>(inputs, t, quarter, inputs.x[t][channel_in_block], p.D[h], state);
      if (quarter == 0 && channel < p.head_dim)
        p.y[(row + t) * p.y_stride + h * p.head_dim + channel] = y;
    }
  }
  for (int i = 0; i < max_states / 16; ++i)
    for (int e = 0; e < 4; ++e)
      if (is_state(i, e)) keep(state[i][e], state_out[place(i, e)]);
}

// A block to a piece of the channels of a head (x) of a span (y).
template <int max_states>
__device__ inline void scan_span(const SsmScanArgs& p) {
  __shared__ ScanInputs<max_states> inputs;
  const SpanArgs& span = p.spans[blockIdx.y];
  if (span.state_type == StateType::kF32) {
    scan<float>(p, span, inputs);
  } else {
    scan<bf16_bits>(p, span, inputs);
  }
}

NEMO_KERNEL(ssm_scan_64)(const SsmScanArgs p) { scan_span<64>(p); }
NEMO_KERNEL(ssm_scan_128)(const SsmScanArgs p) { scan_span<128>(p); }
NEMO_KERNEL(ssm_scan_256)(const SsmScanArgs p) { scan_span<256>(p); }

}  // namespace nemotron::kernels::cuda
