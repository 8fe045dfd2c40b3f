// What the `avx2` level (AVX2, FMA, F16C) replaces. Functions carry target attributes; the files
// are built with baseline flags, so that no shared template is instantiated for this level.
#pragma once

#include "kernels/cpu/kernel_table.h"

namespace nemotron::kernels::avx2 {

void linear(const LinearParams& p, std::int64_t first, std::int64_t last, void* scratch);
void causal_conv1d(const CausalConv1dParams& p, std::int64_t first, std::int64_t last);
void ssm_scan(const SsmScanParams& p, std::int64_t first, std::int64_t last);
void attention(const AttentionParams& p, std::int64_t first, std::int64_t last);

// A weight row as floats, equal bit by bit to dequantize(). Returns `scratch`, or the row itself
// where it is stored as floats already.
const float* unpack_row(TensorType type, const void* row, std::int64_t n, float* scratch);

}  // namespace nemotron::kernels::avx2
