// Matrix product and embedding of the `ref` level: each weight row is made into floats once, then
// multiplied with every activation row. Called from kernel tables only.
#include <cstddef>

#include "kernels/cpu/ref/eigen_rows.h"
#include "kernels/cpu/ref/ref_kernels.h"
#include "quant/dequantize.h"

namespace nemotron::kernels::ref {

namespace {
const std::byte* stored_row(const void* rows, std::int64_t row_bytes, std::int64_t index) {
  return static_cast<const std::byte*>(rows) + index * row_bytes;
}
}  // namespace

void linear(const LinearParams& p, std::int64_t first, std::int64_t last, float* scratch) {
  for (std::int64_t j = first; j < last; ++j) {
    dequantize(p.type, stored_row(p.weight, p.row_bytes, j), static_cast<std::size_t>(p.n_in),
               scratch);
    for (std::int64_t i = 0; i < p.n_rows; ++i)
      p.y[i * p.y_stride + j] = dot(scratch, p.x + i * p.n_in, p.n_in);
  }
}

void embed(const EmbedParams& p, std::int64_t first, std::int64_t last) {
  for (std::int64_t i = first; i < last; ++i)
    dequantize(p.type, stored_row(p.table, p.row_bytes, p.tokens[i]),
               static_cast<std::size_t>(p.n_columns), p.out + i * p.n_columns);
}

}  // namespace nemotron::kernels::ref
