// The kernels of one instruction set level. A kernel is single-threaded, does not allocate, and
// computes a range of its outputs; how a range is cut never changes a byte of the result.
#pragma once

#include <cstdint>

#include "kernels/common/attention_params.h"
#include "kernels/common/linear_params.h"
#include "kernels/common/mamba2_params.h"
#include "kernels/common/norm_params.h"

namespace nemotron::kernels {

enum class IsaLevel : std::uint8_t { kRef, kAvx2 };

struct KernelTable {
  const char* name;
  // Outputs [first, last) of every row. `scratch` holds n_in floats.
  void (*linear)(const LinearParams&, std::int64_t first, std::int64_t last, float* scratch);
  // Rows [first, last).
  void (*embed)(const EmbedParams&, std::int64_t first, std::int64_t last);
  void (*rms_norm)(const RmsNormParams&, std::int64_t first, std::int64_t last);
  void (*gated_group_norm)(const GatedGroupNormParams&, std::int64_t first, std::int64_t last);
  // Channels [first, last), all rows of the span.
  void (*causal_conv1d)(const CausalConv1dParams&, std::int64_t first, std::int64_t last);
  // Heads [first, last), all rows of the span.
  void (*ssm_scan)(const SsmScanParams&, std::int64_t first, std::int64_t last);
  // Rows [first, last) of the span.
  void (*kv_store)(const KvStoreParams&, std::int64_t first, std::int64_t last);
  // Pairs row * n_heads + head in [first, last).
  void (*attention)(const AttentionParams&, std::int64_t first, std::int64_t last);
  // Elements [first, last): y = max(x, 0)^2, in place allowed; y += x.
  void (*relu2)(const float* x, float* y, std::int64_t first, std::int64_t last);
  void (*add)(const float* x, float* y, std::int64_t first, std::int64_t last);
};

// Complete, readable, for any processor: the truth that the other levels are tested against.
const KernelTable& ref_kernels();

// Null when this build has no such level. The caller asks the processor before using it.
const KernelTable* avx2_kernels();

}  // namespace nemotron::kernels
