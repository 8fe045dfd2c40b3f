// Causal convolution and the selective state space recurrence (arXiv:2405.21060, section 2). The
// prefill is the step repeated over t, with a piece of the state in registers throughout; lanes run
// along channels, so y is a plain sum over n, ascending, in whatever pieces the state is taken.
#if defined(__x86_64__)
#include <algorithm>
#include <iterator>

#include "base/float_types.h"
#include "kernels/cpu/avx512/avx512_kernels.h"
#include "kernels/cpu/avx512/vector_math.h"
#include "kernels/cpu/ref/ref_kernels.h"
#include "kernels/cpu/scan_span.h"

namespace nemotron::kernels::avx512 {

namespace {

constexpr int kTaps = 4;
constexpr std::int64_t kPieceStates = 16;  // vectors of state in registers

// Sixteen channels from c, all rows; the last inputs move through registers.
NEMO_INLINE_AVX512 void convolve_lanes(const CausalConv1dParams& p, std::int64_t c,
                                       __mmask16 lanes) {
  __m512 w[kTaps];
  __m512 x[kTaps];
#pragma GCC unroll 4
  for (int k = 0; k < kTaps; ++k)
    w[k] = _mm512_maskz_loadu_ps(lanes, p.weight + k * p.conv_dim + c);
#pragma GCC unroll 3
  for (int k = 0; k < kTaps - 1; ++k)
    x[k] = _mm512_maskz_loadu_ps(lanes, p.state_in + k * p.conv_dim + c);
  const __m512 bias = _mm512_maskz_loadu_ps(lanes, p.bias + c);
  for (std::int64_t t = 0; t < p.n_rows; ++t) {
    x[kTaps - 1] = _mm512_maskz_loadu_ps(lanes, p.xBC + t * p.in_stride + c);
    __m512 sum = bias;
#pragma GCC unroll 4
    for (int k = 0; k < kTaps; ++k) sum = _mm512_fmadd_ps(w[k], x[k], sum);
    _mm512_mask_storeu_ps(p.out + t * p.conv_dim + c, lanes, silu_ps(sum));
#pragma GCC unroll 3
    for (int k = 0; k < kTaps - 1; ++k) x[k] = x[k + 1];
  }
#pragma GCC unroll 3
  for (int k = 0; k < kTaps - 1; ++k)
    _mm512_mask_storeu_ps(p.state_out + k * p.conv_dim + c, lanes, x[k]);
}

// The state as it is kept, as floats and back. What was rounded after a token is what the next one
// reads: also where it stayed in a register.
NEMO_INLINE_AVX512 __m512 load_state(const float* from, __mmask16 lanes) {
  return _mm512_maskz_loadu_ps(lanes, from);
}
NEMO_INLINE_AVX512 __m512 load_state(const bf16_bits* from, __mmask16 lanes) {
  return widen(_mm256_maskz_loadu_epi16(lanes, from));
}
NEMO_INLINE_AVX512 void store_state(float* to, __mmask16 lanes, __m512 h) {
  _mm512_mask_storeu_ps(to, lanes, h);
}
NEMO_INLINE_AVX512 void store_state(bf16_bits* to, __mmask16 lanes, __m512 h) {
  _mm256_mask_storeu_epi16(to, lanes, narrow(h));
}
NEMO_INLINE_AVX512 __m512 as_kept(__m512 h, float) { return h; }
NEMO_INLINE_AVX512 __m512 as_kept(__m512 h, bf16_bits) { return widen(narrow(h)); }

// h <- decay h + B (dt x);  y <- y + C h.  One vector of channels, one n.
NEMO_INLINE_AVX512 void step(__m512& h, __m512& y, __m512 decay, __m512 dt_x, float B, float C) {
  h = _mm512_fmadd_ps(_mm512_set1_ps(B), dt_x, _mm512_mul_ps(h, decay));
  y = _mm512_fmadd_ps(_mm512_set1_ps(C), h, y);
}

// One row: the state passes through once, in the order of memory. kVectors vectors of channels.
template <int kVectors, typename Element>
NEMO_TARGET_AVX512 void scan_row(const HeadSpan<Element>& s, std::int64_t channel) {
  const __m512 dt = _mm512_set1_ps(s.dt[0]);
  const __m512 decay = _mm512_set1_ps(s.decay[0]);
  const __m512 D = _mm512_set1_ps(s.p.D[s.head]);
  const __mmask16 last = lanes_from(channel + (kVectors - 1) * kLanes, s.p.head_dim);
  __m512 dt_x[kVectors];
  __m512 y[kVectors];
#pragma GCC unroll 8
  for (int v = 0; v < kVectors; ++v) {
    const __mmask16 lanes = v == kVectors - 1 ? last : __mmask16{0xffff};
    const __m512 x = _mm512_maskz_loadu_ps(lanes, s.x + channel + v * kLanes);
    dt_x[v] = _mm512_mul_ps(x, dt);
    y[v] = _mm512_mul_ps(x, D);
  }
  const Element* from = s.state_in + channel;
  Element* to = s.state_out + channel;
  for (std::int64_t n = 0; n < s.p.d_state; ++n, from += s.p.head_dim, to += s.p.head_dim) {
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v) {
      const __mmask16 lanes = v == kVectors - 1 ? last : __mmask16{0xffff};
      __m512 h = load_state(from + v * kLanes, lanes);
      step(h, y[v], decay, dt_x[v], s.B[n], s.C[n]);
      store_state(to + v * kLanes, lanes, h);
    }
  }
#pragma GCC unroll 8
  for (int v = 0; v < kVectors; ++v) {
    const __mmask16 lanes = v == kVectors - 1 ? last : __mmask16{0xffff};
    _mm512_mask_storeu_ps(s.y + channel + v * kLanes, lanes, y[v]);
  }
}

// Many rows: kPieceStates vectors of state stay in registers while t runs.
template <typename Element>
NEMO_TARGET_AVX512 void scan_piece(const HeadSpan<Element>& s, std::int64_t channel,
                                   __mmask16 lanes, std::int64_t first_n) {
  const std::int64_t head_dim = s.p.head_dim;
  const __m512 D = _mm512_set1_ps(s.p.D[s.head]);
  const Element* from = s.state_in + first_n * head_dim + channel;
  Element* to = s.state_out + first_n * head_dim + channel;
  __m512 h[kPieceStates];
#pragma GCC unroll 16
  for (int n = 0; n < kPieceStates; ++n) h[n] = load_state(from + n * head_dim, lanes);
  for (std::int64_t t = 0; t < s.n_rows; ++t) {
    const float* B = s.B + t * s.p.x_stride + first_n;
    const float* C = s.C + t * s.p.x_stride + first_n;
    float* y_t = s.y + t * s.y_stride() + channel;
    const __m512 x = _mm512_maskz_loadu_ps(lanes, s.x + t * s.p.x_stride + channel);
    const __m512 dt_x = _mm512_mul_ps(x, _mm512_set1_ps(s.dt[t]));
    const __m512 decay = _mm512_set1_ps(s.decay[t]);
    __m512 y = first_n == 0 ? _mm512_mul_ps(x, D) : _mm512_maskz_loadu_ps(lanes, y_t);
#pragma GCC unroll 16
    for (int n = 0; n < kPieceStates; ++n) {
      step(h[n], y, decay, dt_x, B[n], C[n]);
      h[n] = as_kept(h[n], Element{});
    }
    _mm512_mask_storeu_ps(y_t, lanes, y);
  }
#pragma GCC unroll 16
  for (int n = 0; n < kPieceStates; ++n) store_state(to + n * head_dim, lanes, h[n]);
}

template <typename Element>
void scan_one_row(const HeadSpan<Element>& s) {
  using Scan = void (*)(const HeadSpan<Element>&, std::int64_t channel);
  constexpr Scan kScan[] = {scan_row<1, Element>, scan_row<2, Element>, scan_row<3, Element>,
                            scan_row<4, Element>, scan_row<5, Element>, scan_row<6, Element>,
                            scan_row<7, Element>, scan_row<8, Element>};
  constexpr std::int64_t kMost = std::size(kScan) * kLanes;
  for (std::int64_t channel = 0; channel < s.p.head_dim; channel += kMost) {
    const std::int64_t n = std::min(kMost, s.p.head_dim - channel);
    kScan[(n + kLanes - 1) / kLanes - 1](s, channel);
  }
}

template <typename Element>
NEMO_TARGET_AVX512 void scan_many_rows(const HeadSpan<Element>& s) {
  for (std::int64_t channel = 0; channel < s.p.head_dim; channel += kLanes) {
    const __mmask16 lanes = lanes_from(channel, s.p.head_dim);
    for (std::int64_t n = 0; n < s.p.d_state; n += kPieceStates) scan_piece(s, channel, lanes, n);
  }
}

}  // namespace

NEMO_TARGET_AVX512 void causal_conv1d(const CausalConv1dParams& p, std::int64_t first,
                                      std::int64_t last) {
  if (p.d_conv != kTaps) return ref::causal_conv1d(p, first, last);
  for (std::int64_t c = first; c < last; c += kLanes) convolve_lanes(p, c, lanes_from(c, last));
}

void ssm_scan(const SsmScanParams& p, std::int64_t first, std::int64_t last) {
  if (p.d_state % kPieceStates != 0) return ref::ssm_scan(p, first, last);
  scan_heads(
      p, first, last, [](const auto& span) { scan_one_row(span); },
      [](const auto& span) { scan_many_rows(span); });
}

}  // namespace nemotron::kernels::avx512
#endif
