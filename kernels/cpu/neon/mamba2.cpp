// Causal convolution and the selective state space recurrence (arXiv:2405.21060, section 2). The
// prefill is the step repeated over t, with a piece of the state in registers throughout; lanes run
// along channels, so y is a plain sum over n, ascending, in whatever pieces the state is taken.
#if defined(__aarch64__)
#include <algorithm>

#include "base/float_types.h"
#include "kernels/common/math.h"
#include "kernels/cpu/neon/neon_kernels.h"
#include "kernels/cpu/neon/vector_math.h"
#include "kernels/cpu/ref/ref_kernels.h"
#include "kernels/cpu/scan_span.h"

namespace nemotron::kernels::neon {

namespace {

constexpr int kTaps = 4;
constexpr std::int64_t kPieceStates = 8;  // times two vectors of state in registers
constexpr int kMostVectors = 8;           // of channels whose sums are in registers

// What the convolution does with four channels, and with one: the same operations.
struct FourChannels {
  using Value = float32x4_t;
  NEMO_INLINE_NEON static Value load(const float* from) { return vld1q_f32(from); }
  NEMO_INLINE_NEON static void store(float* to, Value v) { vst1q_f32(to, v); }
  NEMO_INLINE_NEON static Value fma(Value a, Value b, Value c) { return vfmaq_f32(c, a, b); }
  NEMO_INLINE_NEON static Value silu(Value v) { return silu_ps(v); }
};
struct OneChannel {
  using Value = float;
  NEMO_INLINE_NEON static Value load(const float* from) { return *from; }
  NEMO_INLINE_NEON static void store(float* to, Value v) { *to = v; }
  NEMO_INLINE_NEON static Value fma(Value a, Value b, Value c) { return __builtin_fmaf(a, b, c); }
  NEMO_INLINE_NEON static Value silu(Value v) { return silu_f32(v); }
};

// The channels from c, all rows; the last inputs move through registers.
template <class Channels>
void convolve(const CausalConv1dParams& p, std::int64_t c) {
  typename Channels::Value w[kTaps];
  typename Channels::Value x[kTaps];
#pragma GCC unroll 4
  for (int k = 0; k < kTaps; ++k) w[k] = Channels::load(p.weight + k * p.conv_dim + c);
#pragma GCC unroll 3
  for (int k = 0; k < kTaps - 1; ++k) x[k] = Channels::load(p.state_in + k * p.conv_dim + c);
  const auto bias = Channels::load(p.bias + c);
  for (std::int64_t t = 0; t < p.n_rows; ++t) {
    x[kTaps - 1] = Channels::load(p.xBC + t * p.in_stride + c);
    auto sum = bias;
#pragma GCC unroll 4
    for (int k = 0; k < kTaps; ++k) sum = Channels::fma(w[k], x[k], sum);
    Channels::store(p.out + t * p.conv_dim + c, Channels::silu(sum));
#pragma GCC unroll 3
    for (int k = 0; k < kTaps - 1; ++k) x[k] = x[k + 1];
  }
#pragma GCC unroll 3
  for (int k = 0; k < kTaps - 1; ++k) Channels::store(p.state_out + k * p.conv_dim + c, x[k]);
}

// The state as it is kept, as floats and back. What was rounded after a token is what the next one
// reads: also where it stayed in a register.
// float_to_bf16(), left in the upper halves.
NEMO_INLINE_NEON uint32x4_t rounded(float32x4_t h) {
  const uint32x4_t bits = vreinterpretq_u32_f32(h);
  const uint32x4_t odd = vandq_u32(vshrq_n_u32(bits, 16), vdupq_n_u32(1));
  const uint32x4_t nearest = vaddq_u32(bits, vaddq_u32(odd, vdupq_n_u32(0x7fff)));
  const uint32x4_t quiet = vorrq_u32(bits, vdupq_n_u32(0x400000));
  const uint32x4_t is_number = vceqq_f32(h, h);
  return vandq_u32(vbslq_u32(is_number, nearest, quiet), vdupq_n_u32(0xffff0000u));
}
NEMO_INLINE_NEON float32x4_t as_kept(float32x4_t h, float) { return h; }
NEMO_INLINE_NEON float32x4_t as_kept(float32x4_t h, bf16_bits) {
  return vreinterpretq_f32_u32(rounded(h));
}
NEMO_INLINE_NEON void store_state(float* to, float32x4_t h) { vst1q_f32(to, h); }
NEMO_INLINE_NEON void store_state(bf16_bits* to, float32x4_t h) {
  vst1_u16(to, vshrn_n_u32(rounded(h), 16));
}

// h <- decay h + B (dt x);  y <- y + C h.  One vector of channels, one n.
NEMO_INLINE_NEON void step(float32x4_t& h, float32x4_t& y, float decay, float32x4_t dt_x, float B,
                           float C) {
  h = vfmaq_n_f32(vmulq_n_f32(h, decay), dt_x, B);
  y = vfmaq_n_f32(y, h, C);
}

// One row: the state passes through once, in the order of memory. kVectors vectors of channels.
template <int kVectors, typename Element>
void scan_row(const HeadSpan<Element>& s, std::int64_t channel) {
  const float decay = s.decay[0];
  float32x4_t dt_x[kVectors];
  float32x4_t y[kVectors];
#pragma GCC unroll 8
  for (int v = 0; v < kVectors; ++v) {
    const float32x4_t x = vld1q_f32(s.x + channel + v * kLanes);
    dt_x[v] = vmulq_n_f32(x, s.dt[0]);
    y[v] = vmulq_n_f32(x, s.p.D[s.head]);
  }
  const Element* from = s.state_in + channel;
  Element* to = s.state_out + channel;
  for (std::int64_t n = 0; n < s.p.d_state; ++n, from += s.p.head_dim, to += s.p.head_dim) {
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v) {
      float32x4_t h = load_lanes(from + v * kLanes);
      step(h, y[v], decay, dt_x[v], s.B[n], s.C[n]);
      store_state(to + v * kLanes, h);
    }
  }
#pragma GCC unroll 8
  for (int v = 0; v < kVectors; ++v) vst1q_f32(s.y + channel + v * kLanes, y[v]);
}

// Many rows: kPieceStates states of kVectors vectors stay in registers while t runs.
template <int kVectors, typename Element>
void scan_piece(const HeadSpan<Element>& s, std::int64_t channel, std::int64_t first_n) {
  const std::int64_t head_dim = s.p.head_dim;
  const Element* from = s.state_in + first_n * head_dim + channel;
  Element* to = s.state_out + first_n * head_dim + channel;
  float32x4_t h[kPieceStates][kVectors];
#pragma GCC unroll 8
  for (int n = 0; n < kPieceStates; ++n)
#pragma GCC unroll 2
    for (int v = 0; v < kVectors; ++v) h[n][v] = load_lanes(from + n * head_dim + v * kLanes);
  for (std::int64_t t = 0; t < s.n_rows; ++t) {
    const float* B = s.B + t * s.p.x_stride + first_n;
    const float* C = s.C + t * s.p.x_stride + first_n;
    float* y_t = s.y + t * s.y_stride() + channel;
    float32x4_t dt_x[kVectors];
    float32x4_t y[kVectors];
#pragma GCC unroll 2
    for (int v = 0; v < kVectors; ++v) {
      const float32x4_t x = vld1q_f32(s.x + t * s.p.x_stride + channel + v * kLanes);
      dt_x[v] = vmulq_n_f32(x, s.dt[t]);
      y[v] = first_n == 0 ? vmulq_n_f32(x, s.p.D[s.head]) : vld1q_f32(y_t + v * kLanes);
    }
#pragma GCC unroll 8
    for (int n = 0; n < kPieceStates; ++n) {
#pragma GCC unroll 2
      for (int v = 0; v < kVectors; ++v) {
        step(h[n][v], y[v], s.decay[t], dt_x[v], B[n], C[n]);
        h[n][v] = as_kept(h[n][v], Element{});
      }
    }
#pragma GCC unroll 2
    for (int v = 0; v < kVectors; ++v) vst1q_f32(y_t + v * kLanes, y[v]);
  }
#pragma GCC unroll 8
  for (int n = 0; n < kPieceStates; ++n)
#pragma GCC unroll 2
    for (int v = 0; v < kVectors; ++v) store_state(to + n * head_dim + v * kLanes, h[n][v]);
}

template <typename Element>
void scan_one_row(const HeadSpan<Element>& s) {
  using Scan = void (*)(const HeadSpan<Element>&, std::int64_t channel);
  constexpr Scan kScan[kMostVectors] = {
      scan_row<1, Element>, scan_row<2, Element>, scan_row<3, Element>, scan_row<4, Element>,
      scan_row<5, Element>, scan_row<6, Element>, scan_row<7, Element>, scan_row<8, Element>};
  constexpr std::int64_t kMost = kMostVectors * kLanes;
  for (std::int64_t channel = 0; channel < s.p.head_dim; channel += kMost)
    kScan[std::min(kMost, s.p.head_dim - channel) / kLanes - 1](s, channel);
}

template <int kVectors, typename Element>
void scan_states(const HeadSpan<Element>& s, std::int64_t channel) {
  for (std::int64_t n = 0; n < s.p.d_state; n += kPieceStates) scan_piece<kVectors>(s, channel, n);
}

template <typename Element>
void scan_many_rows(const HeadSpan<Element>& s) {
  std::int64_t channel = 0;
  for (; channel + 2 * kLanes <= s.p.head_dim; channel += 2 * kLanes) scan_states<2>(s, channel);
  if (channel < s.p.head_dim) scan_states<1>(s, channel);
}

}  // namespace

void causal_conv1d(const CausalConv1dParams& p, std::int64_t first, std::int64_t last) {
  if (p.d_conv != kTaps) return ref::causal_conv1d(p, first, last);
  std::int64_t c = first;
  for (; c + kLanes <= last; c += kLanes) convolve<FourChannels>(p, c);
  for (; c < last; ++c) convolve<OneChannel>(p, c);
}

void ssm_scan(const SsmScanParams& p, std::int64_t first, std::int64_t last) {
  if (p.d_state % kPieceStates != 0 || p.head_dim % kLanes != 0)
    return ref::ssm_scan(p, first, last);
  scan_heads(
      p, first, last, [](const auto& span) { scan_one_row(span); },
      [](const auto& span) { scan_many_rows(span); });
}

}  // namespace nemotron::kernels::neon
#endif
