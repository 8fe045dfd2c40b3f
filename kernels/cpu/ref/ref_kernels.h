// The kernels of the `ref` level, one file each; faster levels take over what they do not replace.
#pragma once

#include "kernels/cpu/kernel_table.h"

namespace nemotron::kernels::ref {

void linear(const LinearParams& p, std::int64_t first, std::int64_t last, float* scratch);
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
