// Products of F32, F16, BF16 and FP8 weights with f32 activations.
#pragma once

#include "kernels/common/linear_params.h"

namespace nemotron::kernels::neon {

// For types without blocks; weights lie as in a file.
void linear_float(const LinearParams& p, std::int64_t first, std::int64_t last);

}  // namespace nemotron::kernels::neon
