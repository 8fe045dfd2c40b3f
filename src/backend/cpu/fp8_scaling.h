// What a product with a scaled matrix does behind its dot products. Element by element, so that
// neither threads nor rows change a bit.
#pragma once

#include <cstdint>

#include "backend/tensor.h"

namespace nemotron {

// Columns [first, last) of all rows times `factor`.
void scale_columns(TensorView y, std::int64_t first, std::int64_t last, float factor);

}  // namespace nemotron
