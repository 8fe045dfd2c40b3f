// The kernels of one instruction set level. A kernel is single-threaded, does not allocate, and
// computes a range of its outputs; how a range is cut never changes a byte of the result.
#pragma once

#include <cstdint>

#include "kernels/common/attention_params.h"
#include "kernels/common/linear_params.h"
#include "kernels/common/mamba2_params.h"
#include "kernels/common/norm_params.h"

namespace nemotron::kernels {

struct KernelTable {
  const char* name;
  // Weights: bytes of a packed tile, and the packing itself.
  std::int64_t (*tile_bytes)(TensorType type, std::int64_t n_in);
  void (*pack_tile)(const PackTileParams&);
  Arithmetic (*arithmetic)(TensorType type, std::int64_t n_in);  // of linear
  // Inputs of linear: 0 bytes where it reads x itself. Blocks of kPrepareColumns columns in
  // [first, last), all rows.
  std::int64_t (*prepared_bytes)(TensorType type, std::int64_t n_rows, std::int64_t n_in);
  void (*prepare)(const PrepareParams&, std::int64_t first, std::int64_t last);
  // Outputs [first, last) of every row; first is a multiple of kTileRows, and so is last unless it
  // is n_out. `scratch`: linear_scratch_bytes, aligned to 64.
  std::int64_t (*linear_scratch_bytes)(TensorType type, std::int64_t n_in);
  void (*linear)(const LinearParams&, std::int64_t first, std::int64_t last, void* scratch);
  // Rows [first, last).
  void (*embed)(const EmbedParams&, std::int64_t first, std::int64_t last);
  void (*rms_norm)(const RmsNormParams&, std::int64_t first, std::int64_t last);
  void (*gated_group_norm)(const GatedGroupNormParams&, std::int64_t first, std::int64_t last);
  // Channels [first, last), all rows of the span.
  void (*causal_conv1d)(const CausalConv1dParams&, std::int64_t first, std::int64_t last);
  // Heads [first, last), all rows of the span.
  void (*ssm_scan)(const SsmScanParams&, std::int64_t first, std::int64_t last);
  // KV heads [first, last), all rows of the span.
  void (*kv_store)(const KvStoreParams&, std::int64_t first, std::int64_t last);
  // Pairs kv_head * n_rows + row in [first, last): the query heads that share a KV head.
  void (*attention)(const AttentionParams&, std::int64_t first, std::int64_t last);
  // Elements [first, last): y = max(x, 0)^2, in place allowed; y += x.
  void (*relu2)(const float* x, float* y, std::int64_t first, std::int64_t last);
  void (*add)(const float* x, float* y, std::int64_t first, std::int64_t last);
};

// Complete, readable, for any processor: the truth that the other levels are tested against.
const KernelTable& ref_kernels();

// Null when this build has no such level. The caller asks the processor before using it.
const KernelTable* avx2_kernels();
const KernelTable* avx2_vnni_kernels();  // avx2 where there is AVX-VNNI: the same bytes, faster
const KernelTable* avx512_kernels();
// With the dot product instructions or without: the same bytes.
const KernelTable* neon_kernels(bool has_dot_product);

}  // namespace nemotron::kernels
