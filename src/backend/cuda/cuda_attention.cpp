// Attention of the CUDA backend: which kernels a step's rows want.
#include <algorithm>
#include <cmath>

#include "backend/cuda/cuda_backend.h"
#include "base/checked_math.h"
#include "kernels/cuda/launch_shapes.h"

namespace nemotron {

using namespace kernels::cuda;

namespace {

bool has_kv_type(const StepBatch& batch, bool is_f32) {
  return std::any_of(batch.spans.begin(), batch.spans.end(), [&](const Span& span) {
    return (batch.state_of(span).kv_layout.type == KvType::kF32) == is_f32;
  });
}

// Rows at the beginning of a step whose positions are split over blocks, and a bound on the parts
// of each: a power of two, so that launches stay the same from token to token for long.
struct SplitRows {
  std::int64_t n_rows = 0;
  std::int64_t n_parts = 1;
};

SplitRows split_rows(const StepBatch& batch) {
  SplitRows out;
  for (const Span& span : batch.spans) {
    if (span.n_rows > kMostSplitSpanRows || out.n_rows + span.n_rows > kMostSplitRows) break;
    out.n_rows += span.n_rows;
    while (out.n_parts * kAttentionPart < span.position + span.n_rows) out.n_parts *= 2;
  }
  return out;
}

}  // namespace

// Of the rows of a step some are split, the others are not, and f32 has the plain kernel. Bytes do
// not depend on it.
void CudaBackend::attention(const StepBatch& batch, int layer, TensorView q, TensorView k,
                            TensorView v, const AttentionShape& shape, TensorView carry,
                            Activation out) {
  queue_->begin();
  StepTable table = table_of(batch);
  if (table.spans == nullptr) return;
  AttentionArgs args;
  args.spans = table.spans;
  args.row_spans = table.row_spans;
  args.q = q.data;
  args.k = k.data;
  args.v = v.data;
  args.out = static_cast<float*>(out.data);
  args.q_stride = q.stride;
  args.k_stride = k.stride;
  args.v_stride = v.stride;
  args.n_heads = shape.n_heads;
  args.n_kv_heads = shape.n_kv_heads;
  args.head_dim = shape.head_dim;
  args.layer = layer;
  args.scale = 1.0f / std::sqrt(static_cast<float>(shape.head_dim));
  queue_->mark({WorkKind::kKvStore, kv_type(batch)}, kv_store_amount(batch));
  queue_->record(launch_kv_store(args, batch.n_rows));
  queue_->mark({WorkKind::kAttention, kv_type(batch)}, attention_amount(batch, shape));
  const bool on_tensor_cores = is_tuned(kAttentionKernels) && can_attend_on_tensor_cores(args);
  const bool has_plain_rows = !on_tensor_cores || has_kv_type(batch, true);
  args.only_f32 = on_tensor_cores;
  args.prepared = prepared(out);
  if (has_plain_rows) queue_->record(launch_attention(args, batch.n_rows));
  if (on_tensor_cores && has_kv_type(batch, false)) attend_on_tensor_cores(batch, args, carry);
}

void CudaBackend::attend_on_tensor_cores(const StepBatch& batch, AttentionArgs args,
                                         TensorView carry) {
  const SplitRows split = split_rows(batch);
  args.first_row = split.n_rows;
  queue_->record(launch_attention_mma(args, batch.n_rows));
  if (split.n_rows > 0) attend_split(batch, args, split.n_rows, split.n_parts, carry);
}

// Where scratch has no room for all parts at once, some after others, each an operation.
void CudaBackend::attend_split(const StepBatch& batch, AttentionArgs args, std::int64_t n_rows,
                               std::int64_t n_parts, TensorView carry) {
  args.scratch = carry.data;
  args.carry = carry.data + CudaMemory::attention_scratch_floats(args.n_heads, args.head_dim);
  args.n_parts = std::min(n_parts, attention_parts_at_once(n_rows));
  for (; args.first_part < n_parts; args.first_part += args.n_parts) {
    queue_->begin();
    const StepTable table = table_of(batch);
    if (table.spans == nullptr) return;
    args.spans = table.spans;
    args.row_spans = table.row_spans;
    queue_->record(launch_attention_split(args, n_rows));
    queue_->record(launch_attention_merge(args, n_rows));
  }
}

}  // namespace nemotron
