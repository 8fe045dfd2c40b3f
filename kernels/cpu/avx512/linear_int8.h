// Products with int8 activations (linear_int8.cpp); called from linear.cpp alone.
#pragma once

#include "kernels/common/linear_params.h"
#include "kernels/cpu/packed_weight.h"

namespace nemotron::kernels::avx512 {

void prepare_int8(const PrepareParams& p, PackedForm form, std::int64_t first, std::int64_t last);
void linear_int8(const LinearParams& p, PackedForm form, std::int64_t first, std::int64_t last);

}  // namespace nemotron::kernels::avx512
