// Keys and values to their places, and causal attention over them, plain: in the order of
// kernels/cpu/ref/{kv_store,attention}.cpp and so with the same bits.
#include <algorithm>
#include <cmath>

#include "base/float_types.h"
#include "kernels/common/kv_store.h"
#include "kernels/common/math.h"
#include "kernels/cuda/device.cuh"
#include "kernels/cuda/kernel_list.h"
#include "kernels/cuda/kv_layout.cuh"
#include "kernels/cuda/prepared_rows.cuh"

namespace nemotron::kernels::cuda {

template <typename Element>
__device__ void store(const float* k, const float* v, std::int64_t head_dim, std::int64_t slot,
                      std::uint8_t* keys, std::uint8_t* values) {
  for (std::int64_t d = threadIdx.x; d < head_dim; d += blockDim.x) {
    reinterpret_cast<Element*>(keys)[d * kKvBlockTokens + slot] = stored(k[d], Element{});
    reinterpret_cast<Element*>(values)[slot * head_dim + d] = stored(v[d], Element{});
  }
}

// One group of 32 channels; integers `step` apart.
__device__ void store_q8_group(const float* x, std::uint8_t* integers, std::int64_t step,
                               bf16_bits* scale_out) {
  const bf16_bits bits = kv_q8_scale(x);
  *scale_out = bits;
  for (std::int64_t c = 0; c < kKvScaleChannels; ++c)
    integers[c * step] = static_cast<std::uint8_t>(kv_q8_value(x[c], bf16_to_float(bits)));
}

__device__ void store_q8(const float* k, const float* v, std::int64_t head_dim, std::int64_t slot,
                         std::uint8_t* keys, std::uint8_t* values) {
  const std::int64_t n = kKvBlockTokens * head_dim;
  const std::int64_t n_groups = head_dim / kKvScaleChannels;
  auto* key_scales = reinterpret_cast<bf16_bits*>(keys + n);
  auto* value_scales = reinterpret_cast<bf16_bits*>(values + n);
  for (std::int64_t g = threadIdx.x; g < n_groups; g += blockDim.x) {
    const std::int64_t first = g * kKvScaleChannels;
    store_q8_group(k + first, keys + first * kKvBlockTokens + slot, kKvBlockTokens,
                   key_scales + g * kKvBlockTokens + slot);
    store_q8_group(v + first, values + slot * head_dim + first, 1,
                   value_scales + slot * n_groups + g);
  }
}

// A block to a KV head (x) of a row (y).
NEMO_KERNEL(kv_store_ref)(const AttentionArgs p) {
  const std::int64_t kv_head = blockIdx.x;
  const std::int64_t row = blockIdx.y;
  const SpanArgs& span = p.spans[p.row_spans[row]];
  const std::int64_t position = span.position + row - span.first_row;
  const std::int64_t slot = position % kKvBlockTokens;
  std::uint8_t* keys = head_part(p, span, false, position, kv_head);
  std::uint8_t* values = head_part(p, span, true, position, kv_head);
  const float* k = p.k + row * p.k_stride + kv_head * p.head_dim;
  const float* v = p.v + row * p.v_stride + kv_head * p.head_dim;
  if (span.kv_type == KvType::kF32) store<float>(k, v, p.head_dim, slot, keys, values);
  if (span.kv_type == KvType::kBF16) store<bf16_bits>(k, v, p.head_dim, slot, keys, values);
  if (span.kv_type == KvType::kQ8) store_q8(k, v, p.head_dim, slot, keys, values);
}

// Channel d of position s in a block, as stored.
__device__ inline float key_at(KvType type, const std::uint8_t* part, std::int64_t head_dim,
                               std::int64_t d, std::int64_t s) {
  const std::int64_t i = d * kKvBlockTokens + s;
  if (type == KvType::kF32) return reinterpret_cast<const float*>(part)[i];
  if (type == KvType::kBF16) return bf16_to_float(reinterpret_cast<const bf16_bits*>(part)[i]);
  const auto* scales = reinterpret_cast<const bf16_bits*>(part + kKvBlockTokens * head_dim);
  return static_cast<float>(reinterpret_cast<const std::int8_t*>(part)[i]) *
         bf16_to_float(scales[d / kKvScaleChannels * kKvBlockTokens + s]);
}
__device__ inline float value_at(KvType type, const std::uint8_t* part, std::int64_t head_dim,
                                 std::int64_t d, std::int64_t s) {
  const std::int64_t i = s * head_dim + d;
  if (type == KvType::kF32) return reinterpret_cast<const float*>(part)[i];
  if (type == KvType::kBF16) return bf16_to_float(reinterpret_cast<const bf16_bits*>(part)[i]);
  const auto* scales = reinterpret_cast<const bf16_bits*>(part + kKvBlockTokens * head_dim);
  return static_cast<float>(reinterpret_cast<const std::int8_t*>(part)[i]) *
         bf16_to_float(scales[s * (head_dim / kKvScaleChannels) + d / kKvScaleChannels]);
}

// A block to a query head (x) of a row (y). Per 64 positions: a thread to a position for scores and
// weights, then a thread to a channel for the weighted values. Every thread adds up the weights.
NEMO_KERNEL(attention_ref)(const AttentionArgs p) {
  __shared__ float weights[kKvBlockTokens];
  const std::int64_t head = blockIdx.x;
  const std::int64_t row = blockIdx.y;
  const std::int64_t kv_head = head / (p.n_heads / p.n_kv_heads);
  const std::int64_t thread = threadIdx.x;
  const SpanArgs& span = p.spans[p.row_spans[row]];
  if (p.only_f32 && span.kv_type != KvType::kF32) return;
  const std::int64_t n_positions = span.position + row - span.first_row + 1;
  const float* q = p.q + row * p.q_stride + head * p.head_dim;
  float* out = p.out + (row * p.n_heads + head) * p.head_dim;
  for (std::int64_t d = thread; d < p.head_dim; d += blockDim.x) out[d] = 0.0f;
  float max = -INFINITY;
  float sum = 0.0f;
  for (std::int64_t begin = 0; begin < n_positions; begin += kKvBlockTokens) {
    const std::int64_t n_left = n_positions - begin;
    const std::int64_t n = n_left < kKvBlockTokens ? n_left : kKvBlockTokens;
    const std::uint8_t* keys = head_part(p, span, false, begin, kv_head);
    const std::uint8_t* values = head_part(p, span, true, begin, kv_head);
    if (thread < n) {
      float score = 0.0f;
      for (std::int64_t d = 0; d < p.head_dim; ++d)
        score += key_at(span.kv_type, keys, p.head_dim, d, thread) * q[d];
      weights[thread] = score * p.scale;
    }
    __syncthreads();
    float block_max = -INFINITY;
    for (std::int64_t s = 0; s < n; ++s) block_max = std::max(block_max, weights[s]);
    __syncthreads();
    if (thread < n) weights[thread] = exp_f32(weights[thread] - block_max);
    __syncthreads();
    float block_total = 0.0f;
    for (std::int64_t s = 0; s < n; ++s) block_total += weights[s];
    const float new_max = std::max(max, block_max);
    const float old_scale = exp_f32(max - new_max);
    const float new_scale = exp_f32(block_max - new_max);
    for (std::int64_t d = thread; d < p.head_dim; d += blockDim.x) {
      float weighted = 0.0f;
      for (std::int64_t s = 0; s < n; ++s)
        weighted += value_at(span.kv_type, values, p.head_dim, d, s) * weights[s];
      out[d] = out[d] * old_scale + weighted * new_scale;
    }
    max = new_max;
    sum = sum * old_scale + block_total * new_scale;
    __syncthreads();  // the weights have been read
  }
  bf16_bits* prepared =
      p.prepared == nullptr ? nullptr : prepared_row(p.prepared, row, p.n_heads * p.head_dim);
  for (std::int64_t d = thread; d < p.head_dim; d += blockDim.x) {
    out[d] = out[d] / sum;
    if (prepared != nullptr)
      prepared[prepared_index(head * p.head_dim + d)] = float_to_bf16(out[d]);
  }
  if (prepared != nullptr && head == 0) clear_behind(prepared, p.n_heads * p.head_dim);
}

}  // namespace nemotron::kernels::cuda
