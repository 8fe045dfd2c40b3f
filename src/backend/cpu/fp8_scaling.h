// What a static FP8 product does around its dot products: the rounding of the inputs before, the
// scale of the outputs after. Element by element, so that neither threads nor rows change a bit.
#pragma once

#include <cstdint>

#include "backend/tensor.h"

namespace nemotron {

// out[i] = the E4M3 number nearest to x[i] / scale, saturating at +-448, for i in [first, last).
void round_to_f8_multiples(const float* x, float scale, std::int64_t first, std::int64_t last,
                           float* out);

// Columns [first, last) of all rows times `factor`.
void scale_columns(TensorView y, std::int64_t first, std::int64_t last, float factor);

}  // namespace nemotron
