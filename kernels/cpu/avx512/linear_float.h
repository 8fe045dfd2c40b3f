// Products with bf16 and f32 activations (linear_float.cpp); called from linear.cpp alone.
#pragma once

#include "kernels/common/linear_params.h"
#include "kernels/cpu/packed_weight.h"

namespace nemotron::kernels::avx512 {

void prepare_bf16(const PrepareParams& p, std::int64_t first, std::int64_t last);
void prepare_f32(const PrepareParams& p, std::int64_t first, std::int64_t last);
void linear_float(const LinearParams& p, PackedForm form, std::int64_t first, std::int64_t last);

}  // namespace nemotron::kernels::avx512
