// Causal convolution and the selective state space recurrence (arXiv:2405.21060, section 2). The
// prefill is the step repeated over t, with a piece of the state in registers throughout; lanes run
// along channels, so y is a plain sum over n, ascending, in whatever pieces the state is taken.
#if defined(__x86_64__)
#include <algorithm>
#include <iterator>

#include "base/float_types.h"
#include "kernels/cpu/avx2/avx2_kernels.h"
#include "kernels/cpu/avx2/vector_math.h"
#include "kernels/cpu/ref/ref_kernels.h"
#include "kernels/cpu/scan_span.h"

namespace nemotron::kernels::avx2 {

namespace {

constexpr int kTaps = 4;
constexpr std::int64_t kPieceStates = 8;  // vectors of state in registers
constexpr int kMostVectors = 5;           // of channels whose sums are in registers

// Eight channels from c, all rows; the last inputs move through registers.
NEMO_INLINE_AVX2 void convolve_lanes(const CausalConv1dParams& p, std::int64_t c, __m256i lanes) {
  __m256 w[kTaps];
  __m256 x[kTaps];
#pragma GCC unroll 4
  for (int k = 0; k < kTaps; ++k) w[k] = _mm256_maskload_ps(p.weight + k * p.conv_dim + c, lanes);
#pragma GCC unroll 3
  for (int k = 0; k < kTaps - 1; ++k)
    x[k] = _mm256_maskload_ps(p.state_in + k * p.conv_dim + c, lanes);
  const __m256 bias = _mm256_maskload_ps(p.bias + c, lanes);
  for (std::int64_t t = 0; t < p.n_rows; ++t) {
    x[kTaps - 1] = _mm256_maskload_ps(p.xBC + t * p.in_stride + c, lanes);
    __m256 sum = bias;
#pragma GCC unroll 4
    for (int k = 0; k < kTaps; ++k) sum = _mm256_fmadd_ps(w[k], x[k], sum);
    _mm256_maskstore_ps(p.out + t * p.conv_dim + c, lanes, silu_ps(sum));
#pragma GCC unroll 3
    for (int k = 0; k < kTaps - 1; ++k) x[k] = x[k + 1];
  }
#pragma GCC unroll 3
  for (int k = 0; k < kTaps - 1; ++k)
    _mm256_maskstore_ps(p.state_out + k * p.conv_dim + c, lanes, x[k]);
}

// The state as it is kept, as floats and back. What was rounded after a token is what the next one
// reads: also where it stayed in a register.
// float_to_bf16(), left in the upper halves.
NEMO_INLINE_AVX2 __m256i rounded(__m256 h) {
  const __m256i bits = _mm256_castps_si256(h);
  const __m256i odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
  const __m256i nearest = _mm256_add_epi32(bits, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff)));
  const __m256i quiet = _mm256_or_si256(bits, _mm256_set1_epi32(0x400000));
  const __m256i is_nan = _mm256_castps_si256(_mm256_cmp_ps(h, h, _CMP_UNORD_Q));
  return _mm256_and_si256(_mm256_blendv_epi8(nearest, quiet, is_nan),
                          _mm256_set1_epi32(static_cast<int>(0xffff0000u)));
}
NEMO_INLINE_AVX2 __m256 as_kept(__m256 h, float) { return h; }
NEMO_INLINE_AVX2 __m256 as_kept(__m256 h, bf16_bits) { return _mm256_castsi256_ps(rounded(h)); }
NEMO_INLINE_AVX2 void store_state(float* to, __m256 h) { _mm256_storeu_ps(to, h); }
NEMO_INLINE_AVX2 void store_state(bf16_bits* to, __m256 h) {
  const __m256i upper = _mm256_srli_epi32(rounded(h), 16);
  const __m128i packed =
      _mm_packus_epi32(_mm256_castsi256_si128(upper), _mm256_extracti128_si256(upper, 1));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(to), packed);
}

// h <- decay h + B (dt x);  y <- y + C h.  One vector of channels, one n.
NEMO_INLINE_AVX2 void step(__m256& h, __m256& y, __m256 decay, __m256 dt_x, float B, float C) {
  h = _mm256_fmadd_ps(_mm256_set1_ps(B), dt_x, _mm256_mul_ps(h, decay));
  y = _mm256_fmadd_ps(_mm256_set1_ps(C), h, y);
}

// One row: the state passes through once, in the order of memory. kVectors vectors of channels.
template <int kVectors, typename Element>
NEMO_TARGET_AVX2 void scan_row(const HeadSpan<Element>& s, std::int64_t channel) {
  const __m256 decay = _mm256_set1_ps(s.decay[0]);
  __m256 dt_x[kVectors];
  __m256 y[kVectors];
#pragma GCC unroll 5
  for (int v = 0; v < kVectors; ++v) {
    const __m256 x = _mm256_loadu_ps(s.x + channel + v * kLanes);
    dt_x[v] = _mm256_mul_ps(x, _mm256_set1_ps(s.dt[0]));
    y[v] = _mm256_mul_ps(x, _mm256_set1_ps(s.p.D[s.head]));
  }
  const Element* from = s.state_in + channel;
  Element* to = s.state_out + channel;
  for (std::int64_t n = 0; n < s.p.d_state; ++n, from += s.p.head_dim, to += s.p.head_dim) {
#pragma GCC unroll 5
    for (int v = 0; v < kVectors; ++v) {
      __m256 h = load_lanes(from + v * kLanes);
      step(h, y[v], decay, dt_x[v], s.B[n], s.C[n]);
      store_state(to + v * kLanes, h);
    }
  }
#pragma GCC unroll 5
  for (int v = 0; v < kVectors; ++v) _mm256_storeu_ps(s.y + channel + v * kLanes, y[v]);
}

// Many rows: kPieceStates vectors of state stay in registers while t runs.
template <typename Element>
NEMO_TARGET_AVX2 void scan_piece(const HeadSpan<Element>& s, std::int64_t channel,
                                 std::int64_t first_n) {
  const std::int64_t head_dim = s.p.head_dim;
  const __m256 D = _mm256_set1_ps(s.p.D[s.head]);
  const Element* from = s.state_in + first_n * head_dim + channel;
  Element* to = s.state_out + first_n * head_dim + channel;
  __m256 h[kPieceStates];
#pragma GCC unroll 8
  for (int n = 0; n < kPieceStates; ++n) h[n] = load_lanes(from + n * head_dim);
  for (std::int64_t t = 0; t < s.n_rows; ++t) {
    const float* B = s.B + t * s.p.x_stride + first_n;
    const float* C = s.C + t * s.p.x_stride + first_n;
    float* y_t = s.y + t * s.y_stride() + channel;
    const __m256 x = _mm256_loadu_ps(s.x + t * s.p.x_stride + channel);
    const __m256 dt_x = _mm256_mul_ps(x, _mm256_set1_ps(s.dt[t]));
    const __m256 decay = _mm256_set1_ps(s.decay[t]);
    __m256 y = first_n == 0 ? _mm256_mul_ps(x, D) : _mm256_loadu_ps(y_t);
#pragma GCC unroll 8
    for (int n = 0; n < kPieceStates; ++n) {
      step(h[n], y, decay, dt_x, B[n], C[n]);
      h[n] = as_kept(h[n], Element{});
    }
    _mm256_storeu_ps(y_t, y);
  }
#pragma GCC unroll 8
  for (int n = 0; n < kPieceStates; ++n) store_state(to + n * head_dim, h[n]);
}

template <typename Element>
void scan_one_row(const HeadSpan<Element>& s) {
  using Scan = void (*)(const HeadSpan<Element>&, std::int64_t channel);
  constexpr Scan kScan[kMostVectors] = {scan_row<1, Element>, scan_row<2, Element>,
                                        scan_row<3, Element>, scan_row<4, Element>,
                                        scan_row<5, Element>};
  constexpr std::int64_t kMost = kMostVectors * kLanes;
  for (std::int64_t channel = 0; channel < s.p.head_dim; channel += kMost)
    kScan[std::min(kMost, s.p.head_dim - channel) / kLanes - 1](s, channel);
}

template <typename Element>
void scan_many_rows(const HeadSpan<Element>& s) {
  for (std::int64_t channel = 0; channel < s.p.head_dim; channel += kLanes)
    for (std::int64_t n = 0; n < s.p.d_state; n += kPieceStates) scan_piece(s, channel, n);
}

}  // namespace

NEMO_TARGET_AVX2 void causal_conv1d(const CausalConv1dParams& p, std::int64_t first,
                                    std::int64_t last) {
  if (p.d_conv != kTaps) return ref::causal_conv1d(p, first, last);
  for (std::int64_t c = first; c < last; c += kLanes) convolve_lanes(p, c, lanes_from(c, last));
}

void ssm_scan(const SsmScanParams& p, std::int64_t first, std::int64_t last) {
  if (p.d_state % kPieceStates != 0 || p.head_dim % kLanes != 0)
    return ref::ssm_scan(p, first, last);
  scan_heads(
      p, first, last, [](const auto& span) { scan_one_row(span); },
      [](const auto& span) { scan_many_rows(span); });
}

}  // namespace nemotron::kernels::avx2
#endif
