// What the `avx512` level (AVX-512 with VNNI, BF16 and VBMI) replaces. Quantized weights meet
// activations rounded to int8 per 32 columns, BF16 weights meet bf16 activations; types and shapes
// without a packed form run the code of the level below.
#pragma once

#include "kernels/cpu/kernel_table.h"

namespace nemotron::kernels::avx512 {

std::int64_t tile_bytes(TensorType type, std::int64_t n_in);
void pack_tile(const PackTileParams& p);
Arithmetic arithmetic(TensorType type, std::int64_t n_in);
std::int64_t prepared_bytes(TensorType type, std::int64_t n_rows, std::int64_t n_in);
void prepare(const PrepareParams& p, std::int64_t first, std::int64_t last);
std::int64_t linear_scratch_bytes(TensorType type, std::int64_t n_in);
void linear(const LinearParams& p, std::int64_t first, std::int64_t last, void* scratch);

void rms_norm(const RmsNormParams& p, std::int64_t first, std::int64_t last);
void gated_group_norm(const GatedGroupNormParams& p, std::int64_t first, std::int64_t last);
void causal_conv1d(const CausalConv1dParams& p, std::int64_t first, std::int64_t last);
void ssm_scan(const SsmScanParams& p, std::int64_t first, std::int64_t last);
void attention(const AttentionParams& p, std::int64_t first, std::int64_t last);

}  // namespace nemotron::kernels::avx512
