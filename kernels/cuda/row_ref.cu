// Norms and what is done element by element, plain.
#include <algorithm>
#include <cmath>

#include "base/float_types.h"
#include "kernels/common/math.h"
#include "kernels/cuda/device.cuh"
#include "kernels/cuda/kernel_list.h"
#include "kernels/cuda/prepared_rows.cuh"

namespace nemotron::kernels::cuda {

// 1 / sqrt(mean of squares + eps); `sum` is this thread's part of the sum of squares.
__device__ float inverse_rms(float sum, std::int64_t n, float eps) {
  return 1.0f / std::sqrt(block_sum(sum) / static_cast<float>(n) + eps);
}

// The threads of a block together; each reads what it wrote itself.
__device__ void prepare_row(const float* x, std::int64_t n_columns, bf16_bits* out) {
  for (std::int64_t c = threadIdx.x; c < n_columns; c += blockDim.x)
    out[prepared_index(c)] = float_to_bf16(x[c]);
  clear_behind(out, n_columns);
}

// A block to a row.
NEMO_KERNEL(rms_norm_ref)(const RmsNormArgs p) {
  const float* x = p.x + std::int64_t{blockIdx.x} * p.x_stride;
  float* out = p.out + std::int64_t{blockIdx.x} * p.n_columns;
  float sum = 0.0f;
  for (std::int64_t c = threadIdx.x; c < p.n_columns; c += blockDim.x) sum += x[c] * x[c];
  const float scale = inverse_rms(sum, p.n_columns, p.eps);
  for (std::int64_t c = threadIdx.x; c < p.n_columns; c += blockDim.x)
    out[c] = x[c] * scale * p.weight[c];
  if (p.prepared != nullptr)
    prepare_row(out, p.n_columns, prepared_row(p.prepared, blockIdx.x, p.n_columns));
}

// A block to a group (x) of a row (y).
NEMO_KERNEL(gated_group_norm_ref)(const GatedGroupNormArgs p) {
  const std::int64_t n = p.n_columns / p.n_groups;
  const std::int64_t first = std::int64_t{blockIdx.x} * n;
  const float* y = p.y + std::int64_t{blockIdx.y} * p.y_stride + first;
  const float* z = p.z + std::int64_t{blockIdx.y} * p.z_stride + first;
  float* out = p.out + std::int64_t{blockIdx.y} * p.n_columns + first;
  float sum = 0.0f;
  for (std::int64_t c = threadIdx.x; c < n; c += blockDim.x) {
    const float gated = y[c] * silu_f32(z[c]);
    out[c] = gated;
    sum += gated * gated;
  }
  const float scale = inverse_rms(sum, n, p.eps);
  bf16_bits* prepared =
      p.prepared == nullptr ? nullptr : prepared_row(p.prepared, blockIdx.y, p.n_columns);
  for (std::int64_t c = threadIdx.x; c < n; c += blockDim.x) {
    const float value = out[c] * scale * p.weight[first + c];
    out[c] = value;
    if (prepared != nullptr) prepared[prepared_index(first + c)] = float_to_bf16(value);
  }
  if (prepared != nullptr && blockIdx.x == 0) clear_behind(prepared, p.n_columns);
}

NEMO_KERNEL(round_f8_ref)(const RoundF8Args p) {
  const std::int64_t i = thread_index();
  if (i < p.n) p.out[i] = round_to_f8_e4m3(p.x[i] / p.scale);
}

// A block to a row.
NEMO_KERNEL(relu2_ref)(const Relu2Args p) {
  const float* x = p.x + std::int64_t{blockIdx.x} * p.n_columns;
  float* y = p.y + std::int64_t{blockIdx.x} * p.n_columns;
  for (std::int64_t c = threadIdx.x; c < p.n_columns; c += blockDim.x) {
    const float positive = std::max(x[c], 0.0f);
    y[c] = positive * positive;
  }
  if (p.prepared != nullptr)
    prepare_row(y, p.n_columns, prepared_row(p.prepared, blockIdx.x, p.n_columns));
}

NEMO_KERNEL(add_ref)(const ElementwiseArgs p) {
  const std::int64_t i = thread_index();
  if (i < p.n) p.y[i] += p.x[i];
}

// A block to a row.
NEMO_KERNEL(gather_rows_ref)(const GatherRowsArgs p) {
  const std::int64_t i = blockIdx.x;
  for (std::int64_t c = threadIdx.x; c < p.n_columns; c += blockDim.x)
    p.out[i * p.out_stride + c] = p.x[p.rows[i] * p.x_stride + c];
}

}  // namespace nemotron::kernels::cuda
