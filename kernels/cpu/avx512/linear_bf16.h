// Products with bf16 activations (linear_bf16.cpp); called from linear.cpp alone.
#pragma once

#include "kernels/common/linear_params.h"
#include "kernels/cpu/avx512/packed_weight.h"

namespace nemotron::kernels::avx512 {

std::int64_t bf16_prepared_bytes(std::int64_t n_rows, std::int64_t n_in);
void prepare_bf16(const PrepareParams& p, std::int64_t first, std::int64_t last);
void linear_bf16(const LinearParams& p, PackedForm form, std::int64_t first, std::int64_t last);

}  // namespace nemotron::kernels::avx512
