#include "backend/cpu/fp8_scaling.h"

namespace nemotron {

void scale_columns(TensorView y, std::int64_t first, std::int64_t last, float factor) {
  for (std::int64_t row = 0; row < y.n_rows; ++row) {
    float* values = y.data + row * y.stride;
    for (std::int64_t j = first; j < last; ++j) values[j] *= factor;
  }
}

}  // namespace nemotron
