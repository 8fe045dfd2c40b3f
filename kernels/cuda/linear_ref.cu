// Matrix product and embedding, plain: a warp to an output, for a few rows of x at a time. A lane
// adds up every 32nd product, ascending; then the lanes are added in a butterfly. So a sum's order
// depends on n_in alone, whatever the number of rows.
#include "kernels/cuda/device.cuh"
#include "kernels/cuda/kernel_list.h"
#include "kernels/cuda/launch_shapes.h"
#include "kernels/cuda/weight_element.cuh"

namespace nemotron::kernels::cuda {

template <TensorType type>
__device__ void linear(const LinearArgs& p) {
  const int lane = threadIdx.x % kWarp;
  const std::int64_t output = std::int64_t{blockIdx.x} * kLinearOutputs + threadIdx.x / kWarp;
  if (output >= p.n_out) return;  // the whole warp
  const std::int64_t first_row = std::int64_t{blockIdx.y} * kLinearRows;
  const int n_rows =
      static_cast<int>(p.n_rows - first_row < kLinearRows ? p.n_rows - first_row : kLinearRows);
  const void* weight = static_cast<const std::uint8_t*>(p.weight) + output * p.row_bytes;
  const float* x = p.x + first_row * p.n_in;
  float sums[kLinearRows] = {};
  for (std::int64_t k = lane; k < p.n_in; k += kWarp) {
    const float w = weight_element<type>(weight, k);
    for (int i = 0; i < kLinearRows; ++i)
      if (i < n_rows) sums[i] += w * x[i * p.n_in + k];
  }
  for (int i = 0; i < kLinearRows; ++i) {
    if (i >= n_rows) continue;  // the whole warp
    const float sum = warp_sum(sums[i]);
    if (lane == 0) p.y[(first_row + i) * p.y_stride + output] = sum * p.scale;
  }
}

__device__ float any_weight_element(TensorType type, const void* row, std::int64_t k) {
  switch (type) {
#define NEMO_CASE(X, name)  \
  case TensorType::k##name: \
    return weight_element<TensorType::k##name>(row, k);
    NEMO_CUDA_WEIGHT_TYPES(NEMO_CASE, )
#undef NEMO_CASE
  }
  return 0.0f;
}

#define NEMO_LINEAR(X, name) \
  NEMO_KERNEL(linear_##name##_ref)(const LinearArgs p) { linear<TensorType::k##name>(p); }
NEMO_CUDA_WEIGHT_TYPES(NEMO_LINEAR, )
#undef NEMO_LINEAR

// A block to a row.
NEMO_KERNEL(embed_ref)(const EmbedArgs p) {
  const std::int64_t i = blockIdx.x;
  const void* row = static_cast<const std::uint8_t*>(p.table) + p.tokens[i] * p.row_bytes;
  for (std::int64_t c = threadIdx.x; c < p.n_columns; c += blockDim.x)
    p.out[i * p.out_stride + c] = any_weight_element(p.type, row, c);
}

}  // namespace nemotron::kernels::cuda
