// Products with int8 activations; called from linear.cpp alone.
#pragma once

#include "kernels/common/linear_params.h"
#include "kernels/cpu/packed_weight.h"

namespace nemotron::kernels::avx2 {

void prepare_int8(const PrepareParams& p, PackedForm form, std::int64_t first, std::int64_t last);

// The same bytes: with AVX2 alone, and with AVX-VNNI.
void linear_int8(const LinearParams& p, PackedForm form, std::int64_t first, std::int64_t last);
void linear_int8_vnni(const LinearParams& p, PackedForm form, std::int64_t first,
                      std::int64_t last);

}  // namespace nemotron::kernels::avx2
