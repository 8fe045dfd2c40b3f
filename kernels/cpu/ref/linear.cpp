// Matrix product and embedding of the `ref` level: each weight row is made into floats once, then
// multiplied with every activation row. Called from kernel tables only.
#include <algorithm>
#include <cstddef>
#include <cstring>

#include "base/float_types.h"
#include "kernels/cpu/ref/eigen_rows.h"
#include "kernels/cpu/ref/ref_kernels.h"
#include "quant/dequantize.h"

namespace nemotron::kernels::ref {

namespace {
const std::byte* stored_row(const void* rows, std::int64_t bytes, std::int64_t index) {
  return static_cast<const std::byte*>(rows) + index * bytes;
}
}  // namespace

std::int64_t tile_bytes(TensorType type, std::int64_t n_in) {
  return kTileRows * row_bytes(type, n_in);
}

void pack_tile(const PackTileParams& p) {
  const auto filled = static_cast<std::size_t>(p.n_rows * row_bytes(p.type, p.n_in));
  std::memcpy(p.tile, p.rows, filled);
  std::memset(static_cast<std::byte*>(p.tile) + filled, 0,
              static_cast<std::size_t>(tile_bytes(p.type, p.n_in)) - filled);
}

void round_to_f8_multiples(const float* x, std::int64_t n, float scale, float* out) {
  for (std::int64_t i = 0; i < n; ++i) out[i] = scale > 0 ? round_to_f8_e4m3(x[i] / scale) : x[i];
}

Arithmetic arithmetic(TensorType, std::int64_t) { return Arithmetic::kF32; }

std::int64_t prepared_bytes(TensorType type, std::int64_t n_rows, std::int64_t n_in) {
  return type == TensorType::kF8_E4M3 ? n_rows * n_in * static_cast<std::int64_t>(sizeof(float))
                                      : 0;
}

void prepare(const PrepareParams& p, std::int64_t first, std::int64_t last) {
  if (p.type != TensorType::kF8_E4M3) return;
  const std::int64_t begin = first * kPrepareColumns;
  const std::int64_t n = std::min(last * kPrepareColumns, p.n_in) - begin;
  for (std::int64_t i = 0; i < p.n_rows; ++i)
    round_to_f8_multiples(p.x + i * p.n_in + begin, n, p.input_scale,
                          static_cast<float*>(p.prepared) + i * p.n_in + begin);
}

const float* linear_input(const LinearParams& p) {
  return p.type == TensorType::kF8_E4M3 ? static_cast<const float*>(p.prepared) : p.x;
}

std::int64_t linear_scratch_bytes(TensorType, std::int64_t n_in) {
  return n_in * static_cast<std::int64_t>(sizeof(float));
}

void linear(const LinearParams& p, std::int64_t first, std::int64_t last, void* scratch) {
  auto* w = static_cast<float*>(scratch);
  const float* x = linear_input(p);
  const std::int64_t bytes = row_bytes(p.type, p.n_in);
  for (std::int64_t j = first; j < last; ++j) {
    dequantize(p.type, stored_row(p.weight, bytes, j), static_cast<std::size_t>(p.n_in), w);
    for (std::int64_t i = 0; i < p.n_rows; ++i)
      p.y[i * p.y_stride + j] = dot(w, x + i * p.n_in, p.n_in);
  }
}

void embed(const EmbedParams& p, std::int64_t first, std::int64_t last) {
  for (std::int64_t i = first; i < last; ++i)
    dequantize(p.type, stored_row(p.table, p.row_bytes, p.tokens[i]),
               static_cast<std::size_t>(p.n_columns), p.out + i * p.n_columns);
}

}  // namespace nemotron::kernels::ref
