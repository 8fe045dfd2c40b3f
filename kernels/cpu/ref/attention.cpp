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

float stored(float value, float) { return value; }
bf16_bits stored(float value, bf16_bits) { return float_to_bf16(value); }
float loaded(float value) { return value; }
float loaded(bf16_bits value) { return bf16_to_float(value); }

template <typename Element>
void store_head(const KvStoreParams& p, std::int64_t head) {
  for (std::int64_t i = 0; i < p.n_rows; ++i) {
    const std::int64_t position = p.position + i;
    const std::int64_t slot = position % kKvBlockTokens;
    const std::int64_t element = (i * p.n_kv_heads + head) * p.head_dim;
    auto* k = kv_head_part<Element>(p.kv, p.kv.key_offset_bytes, position, head, p.head_dim);
    auto* v = kv_head_part<Element>(p.kv, p.kv.value_offset_bytes, position, head, p.head_dim);
    for (std::int64_t d = 0; d < p.head_dim; ++d) {
      k[d * kKvBlockTokens + slot] = stored(p.k[element + d], Element{});
      v[slot * p.head_dim + d] = stored(p.v[element + d], Element{});
    }
  }
}

// Softmax-weighted values of some positions: sum(exp(s - max) v) and sum(exp(s - max)).
struct Partial {
  float max = -INFINITY;
  float sum = 0.0f;
};

// Positions [begin, end) of one block.
template <typename Element>
Partial block_partial(const AttentionParams& p, const float* q, std::int64_t kv_head,
                      std::int64_t begin, std::int64_t end, float* weighted) {
  const std::int64_t n = end - begin;
  const auto* k = kv_head_part<Element>(p.kv, p.kv.key_offset_bytes, begin, kv_head, p.head_dim);
  const auto* v = kv_head_part<Element>(p.kv, p.kv.value_offset_bytes, begin, kv_head, p.head_dim);
  float scores[kKvBlockTokens] = {};
  for (std::int64_t d = 0; d < p.head_dim; ++d)
    for (std::int64_t s = 0; s < n; ++s) scores[s] += q[d] * loaded(k[d * kKvBlockTokens + s]);
  Partial partial;
  for (std::int64_t s = 0; s < n; ++s) {
    scores[s] *= p.scale;
    partial.max = std::max(partial.max, scores[s]);
  }
  row(weighted, p.head_dim).setZero();
  for (std::int64_t s = 0; s < n; ++s) {
    const float weight = exp_f32(scores[s] - partial.max);
    partial.sum += weight;
    for (std::int64_t d = 0; d < p.head_dim; ++d)
      weighted[d] += weight * loaded(v[s * p.head_dim + d]);
  }
  return partial;
}

template <typename Element>
void attend(const AttentionParams& p, std::int64_t row_index, std::int64_t head) {
  const std::int64_t n_positions = p.position + row_index + 1;
  const std::int64_t n_blocks = attention_blocks(n_positions, 0);
  if (p.begin_block >= n_blocks) return;
  const std::int64_t element = (row_index * p.n_heads + head) * p.head_dim;
  const std::int64_t kv_head = head / (p.n_heads / p.n_kv_heads);
  float* carry = p.carry + (row_index * p.n_heads + head) * 2;
  float weighted[kMaxHeadDim];
  Row out = row(p.out + element, p.head_dim);
  Partial total;
  if (p.begin_block == 0) {
    out.setZero();
  } else {
    total = {carry[0], carry[1]};
  }
  for (std::int64_t b = p.begin_block; b < std::min(p.end_block, n_blocks); ++b) {
    const std::int64_t begin = b * kKvBlockTokens;
    const std::int64_t end = std::min(begin + kKvBlockTokens, n_positions);
    const Partial block = block_partial<Element>(p, p.q + element, kv_head, begin, end, weighted);
    const float max = std::max(total.max, block.max);
    const float old_scale = exp_f32(total.max - max);
    const float new_scale = exp_f32(block.max - max);
    out = out * old_scale + row(weighted, p.head_dim) * new_scale;
    total = {max, total.sum * old_scale + block.sum * new_scale};
  }
  carry[0] = total.max;
  carry[1] = total.sum;
  if (n_blocks <= p.end_block) out /= total.sum;
}

}  // namespace

void kv_store(const KvStoreParams& p, std::int64_t first, std::int64_t last) {
  for (std::int64_t head = first; head < last; ++head) {
    if (p.kv.type == KvType::kF32) {
      store_head<float>(p, head);
    } else {
      store_head<bf16_bits>(p, head);
    }
  }
}

void attention(const AttentionParams& p, std::int64_t first, std::int64_t last) {
  const std::int64_t group = p.n_heads / p.n_kv_heads;
  for (std::int64_t pair = first; pair < last; ++pair) {
    const std::int64_t row_index = pair % p.n_rows;
    const std::int64_t first_head = pair / p.n_rows * group;
    for (std::int64_t head = first_head; head < first_head + group; ++head) {
      if (p.kv.type == KvType::kF32) {
        attend<float>(p, row_index, head);
      } else {
        attend<bf16_bits>(p, row_index, head);
      }
    }
  }
}

}  // namespace nemotron::kernels::ref
