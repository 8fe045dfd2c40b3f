// RMSNorm and the gated group norm of Mamba-2, row by row, statistics in f32.
#include <cmath>

#include "kernels/common/math.h"
#include "kernels/cpu/ref/eigen_rows.h"
#include "kernels/cpu/ref/ref_kernels.h"

namespace nemotron::kernels::ref {

namespace {
// 1 / sqrt(mean(x^2) + eps). IEEE square root and division are exactly rounded on every machine.
float inverse_rms(const float* x, std::int64_t n, float eps) {
  return 1.0f / std::sqrt(dot(x, x, n) / static_cast<float>(n) + eps);
}
}  // namespace

void rms_norm(const RmsNormParams& p, std::int64_t first, std::int64_t last) {
  const std::int64_t n = p.n_columns;
  for (std::int64_t i = first; i < last; ++i) {
    const float* x = p.x + i * n;
    row(p.out + i * n, n) = row(x, n) * inverse_rms(x, n, p.eps) * row(p.weight, n);
  }
}

void gated_group_norm(const GatedGroupNormParams& p, std::int64_t first, std::int64_t last) {
  const std::int64_t group_size = p.n_columns / p.n_groups;
  for (std::int64_t i = first; i < last; ++i) {
    const float* y = p.y + i * p.n_columns;
    const float* z = p.z + i * p.z_stride;
    float* out = p.out + i * p.n_columns;
    for (std::int64_t c = 0; c < p.n_columns; ++c) out[c] = y[c] * silu_f32(z[c]);
    for (std::int64_t g = 0; g < p.n_groups; ++g) {
      float* q = out + g * group_size;
      const float scale = inverse_rms(q, group_size, p.eps);
      row(q, group_size) = row(q, group_size) * scale * row(p.weight + g * group_size, group_size);
    }
  }
}

}  // namespace nemotron::kernels::ref
