#include "backend/cpu/fp8_scaling.h"

#include "base/float_types.h"

namespace nemotron {

void round_to_f8_multiples(const float* x, float scale, std::int64_t first, std::int64_t last,
                           float* out) {
  for (std::int64_t i = first; i < last; ++i) out[i] = round_to_f8_e4m3(x[i] / scale);
}

void scale_columns(TensorView y, std::int64_t first, std::int64_t last, float factor) {
  for (std::int64_t row = 0; row < y.n_rows; ++row) {
    float* values = y.data + row * y.stride;
    for (std::int64_t j = first; j < last; ++j) values[j] *= factor;
  }
}

}  // namespace nemotron
