// What the `avx2` level (AVX2, FMA, F16C; AVX-VNNI where the processor has it) replaces. Quantized
// weights meet activations rounded to int8 per 32 columns, the others f32. Functions carry target
// attributes; the files are built with baseline flags, so that no shared template is instantiated
// for this level.
#pragma once

#include "kernels/cpu/kernel_table.h"

namespace nemotron::kernels::avx2 {

std::int64_t tile_bytes(TensorType type, std::int64_t n_in);
void pack_tile(const PackTileParams& p);
Arithmetic arithmetic(TensorType type, std::int64_t n_in);
std::int64_t prepared_bytes(TensorType type, std::int64_t n_rows, std::int64_t n_in);
void prepare(const PrepareParams& p, std::int64_t first, std::int64_t last);
std::int64_t linear_scratch_bytes(TensorType type, std::int64_t n_in);
void linear(const LinearParams& p, std::int64_t first, std::int64_t last, void* scratch);
// The same bytes, by AVX-VNNI.
void linear_vnni(const LinearParams& p, std::int64_t first, std::int64_t last, void* scratch);
void causal_conv1d(const CausalConv1dParams& p, std::int64_t first, std::int64_t last);
void ssm_scan(const SsmScanParams& p, std::int64_t first, std::int64_t last);
void attention(const AttentionParams& p, std::int64_t first, std::int64_t last);

// Products with rows as a file has them and f32 activations, for weights without a packed form.
void linear_f32(const LinearParams& p, std::int64_t first, std::int64_t last, void* scratch);

// A weight row as floats, equal bit by bit to dequantize(). Returns `scratch`, or the row itself
// where it is stored as floats already.
const float* unpack_row(TensorType type, const void* row, std::int64_t n, float* scratch);

}  // namespace nemotron::kernels::avx2
