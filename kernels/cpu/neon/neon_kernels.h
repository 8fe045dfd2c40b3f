// What the `neon` level (64-bit ARM) replaces. Quantized weights meet activations rounded to int8
// per 32 columns; F32, F16, BF16 and FP8 weights meet f32 activations. All of it is baseline
// ARMv8-A but for the dot product instructions, for which there are two products with the same
// bytes.
#pragma once

#include "kernels/cpu/kernel_table.h"

namespace nemotron::kernels::neon {

std::int64_t tile_bytes(TensorType type, std::int64_t n_in);
void pack_tile(const PackTileParams& p);
Arithmetic arithmetic(TensorType type, std::int64_t n_in);
std::int64_t prepared_bytes(TensorType type, std::int64_t n_rows, std::int64_t n_in);
void prepare(const PrepareParams& p, std::int64_t first, std::int64_t last);
std::int64_t linear_scratch_bytes(TensorType type, std::int64_t n_in);
// With SDOT, and on processors without it.
void linear_dot_product(const LinearParams& p, std::int64_t first, std::int64_t last,
                        void* scratch);
void linear_widening(const LinearParams& p, std::int64_t first, std::int64_t last, void* scratch);

void causal_conv1d(const CausalConv1dParams& p, std::int64_t first, std::int64_t last);
void ssm_scan(const SsmScanParams& p, std::int64_t first, std::int64_t last);
void attention(const AttentionParams& p, std::int64_t first, std::int64_t last);

}  // namespace nemotron::kernels::neon
