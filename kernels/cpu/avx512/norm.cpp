// RMSNorm and the gated group norm. Sums of squares: four accumulators over vectors in turn, then
// ((0 + 1) + (2 + 3)) and one tree over the lanes.
#if defined(__x86_64__)
#include <cmath>

#include "kernels/cpu/avx512/avx512_kernels.h"
#include "kernels/cpu/avx512/vector_math.h"

namespace nemotron::kernels::avx512 {

namespace {

NEMO_INLINE_AVX512 float inverse_rms(const float* x, std::int64_t n, float eps) {
  __m512 sum[4] = {_mm512_setzero_ps(), _mm512_setzero_ps(), _mm512_setzero_ps(),
                   _mm512_setzero_ps()};
  for (std::int64_t i = 0, k = 0; i < n; i += kLanes, k = (k + 1) % 4) {
    const __m512 v = _mm512_maskz_loadu_ps(lanes_from(i, n), x + i);
    sum[k] = _mm512_fmadd_ps(v, v, sum[k]);
  }
  const float total =
      sum_lanes(_mm512_add_ps(_mm512_add_ps(sum[0], sum[1]), _mm512_add_ps(sum[2], sum[3])));
  return 1.0f / std::sqrt(total / static_cast<float>(n) + eps);
}

// out = x * scale * weight
NEMO_INLINE_AVX512 void scale_row(const float* x, float scale, const float* weight, std::int64_t n,
                                  float* out) {
  const __m512 factor = _mm512_set1_ps(scale);
  for (std::int64_t i = 0; i < n; i += kLanes) {
    const __mmask16 lanes = lanes_from(i, n);
    const __m512 scaled = _mm512_mul_ps(_mm512_maskz_loadu_ps(lanes, x + i), factor);
    _mm512_mask_storeu_ps(out + i, lanes,
                          _mm512_mul_ps(scaled, _mm512_maskz_loadu_ps(lanes, weight + i)));
  }
}

}  // namespace

NEMO_TARGET_AVX512 void rms_norm(const RmsNormParams& p, std::int64_t first, std::int64_t last) {
  const std::int64_t n = p.n_columns;
  for (std::int64_t i = first; i < last; ++i)
    scale_row(p.x + i * n, inverse_rms(p.x + i * n, n, p.eps), p.weight, n, p.out + i * n);
}

NEMO_TARGET_AVX512 void gated_group_norm(const GatedGroupNormParams& p, std::int64_t first,
                                         std::int64_t last) {
  const std::int64_t group_size = p.n_columns / p.n_groups;
  for (std::int64_t i = first; i < last; ++i) {
    const float* y = p.y + i * p.n_columns;
    const float* z = p.z + i * p.z_stride;
    float* out = p.out + i * p.n_columns;
    for (std::int64_t c = 0; c < p.n_columns; c += kLanes) {
      const __mmask16 lanes = lanes_from(c, p.n_columns);
      const __m512 gate = silu_ps(_mm512_maskz_loadu_ps(lanes, z + c));
      _mm512_mask_storeu_ps(out + c, lanes,
                            _mm512_mul_ps(_mm512_maskz_loadu_ps(lanes, y + c), gate));
    }
    for (std::int64_t c = 0; c < p.n_columns; c += group_size)
      scale_row(out + c, inverse_rms(out + c, group_size, p.eps), p.weight + c, group_size,
                out + c);
  }
}

}  // namespace nemotron::kernels::avx512
#endif
