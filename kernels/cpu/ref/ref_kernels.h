// The kernels of the `ref` level, one file each; faster levels take over what they do not replace.
#pragma once

#include "kernels/cpu/kernel_table.h"

namespace nemotron::kernels::ref {

// Tiles are the rows as they were; x is read as it is, but for FP8 weights, whose inputs `prepare`
// copies or rounds; the scratch is one row of floats.
std::int64_t tile_bytes(TensorType type, std::int64_t n_in);
void pack_tile(const PackTileParams& p);
Arithmetic arithmetic(TensorType type, std::int64_t n_in);
std::int64_t prepared_bytes(TensorType type, std::int64_t n_rows, std::int64_t n_in);
void prepare(const PrepareParams& p, std::int64_t first, std::int64_t last);
std::int64_t linear_scratch_bytes(TensorType type, std::int64_t n_in);
void linear(const LinearParams& p, std::int64_t first, std::int64_t last, void* scratch);
// The rows that `linear` multiplies: x, or what `prepare` made of it.
const float* linear_input(const LinearParams& p);
// out[i] = the E4M3 number nearest to x[i] / scale, saturating; scale 0 copies.
void round_to_f8_multiples(const float* x, std::int64_t n, float scale, float* out);

void embed(const EmbedParams& p, std::int64_t first, std::int64_t last);
void rms_norm(const RmsNormParams& p, std::int64_t first, std::int64_t last);
void gated_group_norm(const GatedGroupNormParams& p, std::int64_t first, std::int64_t last);
void causal_conv1d(const CausalConv1dParams& p, std::int64_t first, std::int64_t last);
void ssm_scan(const SsmScanParams& p, std::int64_t first, std::int64_t last);
void kv_store(const KvStoreParams& p, std::int64_t first, std::int64_t last);
void attention(const AttentionParams& p, std::int64_t first, std::int64_t last);
void relu2(const float* x, float* y, std::int64_t first, std::int64_t last);
void add(const float* x, float* y, std::int64_t first, std::int64_t last);

}  // namespace nemotron::kernels::ref
