// Causal group-query attention over KV blocks, `ref` level. No position encoding.
// Per output the partial of each 64-position block is complete before it is merged, in ascending
// order, so neither the span nor the thread changes a sum.
#include <algorithm>
#include <cmath>
#include <cstddef>

#include "base/float_types.h"
#include "kernels/common/math.h"
#include "kernels/cpu/ref/eigen_rows.h"
#include "kernels/cpu/ref/ref_kernels.h"

namespace nemotron::kernels::ref {

namespace {

void store_row(const KvView& kv, std::int64_t offset_bytes, std::int64_t position,
               std::int64_t head, std::int64_t head_dim, const float* values) {
  auto* base = static_cast<std::byte*>(kv.blocks[position / kKvBlockTokens]) + offset_bytes;
  const std::int64_t element = (head * kKvBlockTokens + position % kKvBlockTokens) * head_dim;
  if (kv.type == KvType::kF32) {
    std::copy_n(values, head_dim, reinterpret_cast<float*>(base) + element);
  } else {
    std::transform(values, values + head_dim, reinterpret_cast<bf16_bits*>(base) + element,
                   [](float value) { return float_to_bf16(value); });
  }
}

// The stored row as floats: a pointer into the block, or into `buffer` after conversion.
const float* load_row(const KvView& kv, std::int64_t offset_bytes, std::int64_t position,
                      std::int64_t head, std::int64_t head_dim, float* buffer) {
  const auto* base =
      static_cast<const std::byte*>(kv.blocks[position / kKvBlockTokens]) + offset_bytes;
  const std::int64_t element = (head * kKvBlockTokens + position % kKvBlockTokens) * head_dim;
  if (kv.type == KvType::kF32) return reinterpret_cast<const float*>(base) + element;
  const bf16_bits* stored = reinterpret_cast<const bf16_bits*>(base) + element;
  std::transform(stored, stored + head_dim, buffer, bf16_to_float);
  return buffer;
}

// Softmax-weighted values of some positions: sum(exp(s - max) v) and sum(exp(s - max)).
struct Partial {
  float max = -INFINITY;
  float sum = 0.0f;
};

Partial block_partial(const AttentionParams& p, const float* q, std::int64_t kv_head,
                      std::int64_t begin, std::int64_t end, float* weighted) {
  float scores[kKvBlockTokens];
  float buffer[kMaxHeadDim];
  Partial partial;
  for (std::int64_t s = begin; s < end; ++s) {
    const float* k = load_row(p.kv, p.kv.key_offset_bytes, s, kv_head, p.head_dim, buffer);
    scores[s - begin] = dot(q, k, p.head_dim) * p.scale;
    partial.max = std::max(partial.max, scores[s - begin]);
  }
  row(weighted, p.head_dim).setZero();
  for (std::int64_t s = begin; s < end; ++s) {
    const float weight = exp_f32(scores[s - begin] - partial.max);
    partial.sum += weight;
    const float* v = load_row(p.kv, p.kv.value_offset_bytes, s, kv_head, p.head_dim, buffer);
    row(weighted, p.head_dim) += row(v, p.head_dim) * weight;
  }
  return partial;
}

void attend(const AttentionParams& p, std::int64_t row_index, std::int64_t head) {
  const std::int64_t n_positions = p.position + row_index + 1;
  const std::int64_t element = (row_index * p.n_heads + head) * p.head_dim;
  const std::int64_t kv_head = head / (p.n_heads / p.n_kv_heads);
  float weighted[kMaxHeadDim];
  Row out = row(p.out + element, p.head_dim);
  out.setZero();
  Partial total;
  for (std::int64_t begin = 0; begin < n_positions; begin += kKvBlockTokens) {
    const std::int64_t end = std::min(begin + kKvBlockTokens, n_positions);
    const Partial block = block_partial(p, p.q + element, kv_head, begin, end, weighted);
    const float max = std::max(total.max, block.max);
    const float old_scale = exp_f32(total.max - max);
    const float new_scale = exp_f32(block.max - max);
    out = out * old_scale + row(weighted, p.head_dim) * new_scale;
    total = {max, total.sum * old_scale + block.sum * new_scale};
  }
  out /= total.sum;
}

}  // namespace

void kv_store(const KvStoreParams& p, std::int64_t first, std::int64_t last) {
  for (std::int64_t i = first; i < last; ++i) {
    for (std::int64_t head = 0; head < p.n_kv_heads; ++head) {
      const std::int64_t element = (i * p.n_kv_heads + head) * p.head_dim;
      store_row(p.kv, p.kv.key_offset_bytes, p.position + i, head, p.head_dim, p.k + element);
      store_row(p.kv, p.kv.value_offset_bytes, p.position + i, head, p.head_dim, p.v + element);
    }
  }
}

void attention(const AttentionParams& p, std::int64_t first, std::int64_t last) {
  for (std::int64_t pair = first; pair < last; ++pair)
    attend(p, pair / p.n_heads, pair % p.n_heads);
}

}  // namespace nemotron::kernels::ref
