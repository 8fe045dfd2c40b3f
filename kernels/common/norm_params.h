// The two normalisations of the model.
#pragma once

#include <cstdint>

namespace nemotron::kernels {

// out = weight * x / sqrt(mean(x^2) + eps), the mean over the row.
struct RmsNormParams {
  const float* x = nullptr;       // [n_rows, n_columns]
  const float* weight = nullptr;  // [n_columns]
  float* out = nullptr;           // [n_rows, n_columns]
  std::int64_t n_columns = 0;
  float eps = 0.0f;
};

// q = y * silu(z); out = weight * q / sqrt(mean(q^2) + eps), the mean over each of n_groups
// contiguous groups of the row. Gate first, then norm.
struct GatedGroupNormParams {
  const float* y = nullptr;       // [n_rows, n_columns]
  const float* z = nullptr;       // [n_rows, z_stride]
  const float* weight = nullptr;  // [n_columns]
  float* out = nullptr;           // [n_rows, n_columns]
  std::int64_t n_columns = 0;
  std::int64_t z_stride = 0;
  std::int64_t n_groups = 1;
  float eps = 0.0f;
};

}  // namespace nemotron::kernels
