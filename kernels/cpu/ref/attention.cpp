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

// What one KV head's part of a block holds, whatever type it is stored in, a row at a time.
// f32 and bf16: elements alone.
template <typename Element>
class KvRows {
 public:
  KvRows(const std::byte* part, std::int64_t head_dim)
      : data_(reinterpret_cast<const Element*>(part)), head_dim_(head_dim) {}

  // Channel d of the first n positions.
  void keys(std::int64_t d, std::int64_t n, float* out) const {
    for (std::int64_t s = 0; s < n; ++s) out[s] = loaded(data_[d * kKvBlockTokens + s]);
  }
  // All channels of position s.
  void values(std::int64_t s, float* out) const {
    for (std::int64_t d = 0; d < head_dim_; ++d) out[d] = loaded(data_[s * head_dim_ + d]);
  }

 protected:
  static float loaded(float value) { return value; }
  static float loaded(bf16_bits value) { return bf16_to_float(value); }
  static float loaded(std::int8_t value) { return value; }

  const Element* data_;
  std::int64_t head_dim_;
};

// q8: integers, and behind them a bf16 scale for every 32 channels of a position. An integer times
// its scale is exact in f32.
class Q8KvRows : private KvRows<std::int8_t> {
 public:
  Q8KvRows(const std::byte* part, std::int64_t head_dim)
      : KvRows<std::int8_t>(part, head_dim),
        scales_(reinterpret_cast<const bf16_bits*>(part + kKvBlockTokens * head_dim)) {}

  void keys(std::int64_t d, std::int64_t n, float* out) const {
    const bf16_bits* scales = scales_ + d / kKvScaleChannels * kKvBlockTokens;
    KvRows::keys(d, n, out);
    for (std::int64_t s = 0; s < n; ++s) out[s] *= bf16_to_float(scales[s]);
  }
  void values(std::int64_t s, float* out) const {
    const bf16_bits* scales = scales_ + s * (head_dim_ / kKvScaleChannels);
    KvRows::values(s, out);
    for (std::int64_t d = 0; d < head_dim_; ++d)
      out[d] *= bf16_to_float(scales[d / kKvScaleChannels]);
  }

 private:
  const bf16_bits* scales_;
};

// Query heads that share the reading of a KV head, and what a block adds to their sums.
constexpr std::int64_t kMaxSharedHeads = 8;

struct BlockSums {
  float weights[kMaxSharedHeads][kKvBlockTokens];  // scores first
  float weighted[kMaxSharedHeads][kMaxHeadDim];    // sums of weight * value
  float max[kMaxSharedHeads];
  float sum[kMaxSharedHeads];  // of weights
};

// Scores of the first n positions of a block. q: [n_heads, head_dim].
template <typename Rows>
void score(const AttentionParams& p, const float* q, std::int64_t n_heads, const Rows& rows,
           std::int64_t n, BlockSums& block) {
  float keys[kKvBlockTokens];
  for (std::int64_t h = 0; h < n_heads; ++h) std::fill_n(block.weights[h], n, 0.0f);
  for (std::int64_t d = 0; d < p.head_dim; ++d) {
    rows.keys(d, n, keys);
    for (std::int64_t h = 0; h < n_heads; ++h)
      row(block.weights[h], n) += row(keys, n) * q[h * p.head_dim + d];
  }
}

// Scores to weights relative to the block's maximum.
void weigh(float scale, std::int64_t n, float* weights, float& max, float& sum) {
  max = -INFINITY;
  for (std::int64_t s = 0; s < n; ++s) {
    weights[s] *= scale;
    max = std::max(max, weights[s]);
  }
  sum = 0.0f;
  for (std::int64_t s = 0; s < n; ++s) {
    weights[s] = exp_f32(weights[s] - max);
    sum += weights[s];
  }
}

template <typename Rows>
void add_values(const AttentionParams& p, std::int64_t n_heads, const Rows& rows, std::int64_t n,
                BlockSums& block) {
  float values[kMaxHeadDim];
  for (std::int64_t h = 0; h < n_heads; ++h) std::fill_n(block.weighted[h], p.head_dim, 0.0f);
  for (std::int64_t s = 0; s < n; ++s) {
    rows.values(s, values);
    for (std::int64_t h = 0; h < n_heads; ++h)
      row(block.weighted[h], p.head_dim) += row(values, p.head_dim) * block.weights[h][s];
  }
}

// Adds a block to the sums of head h.
void merge(const AttentionParams& p, const BlockSums& block, std::int64_t h, float* out,
           float* carry) {
  const float max = std::max(carry[0], block.max[h]);
  const float old_scale = exp_f32(carry[0] - max);
  const float new_scale = exp_f32(block.max[h] - max);
  row(out, p.head_dim) =
      row(out, p.head_dim) * old_scale + row(block.weighted[h], p.head_dim) * new_scale;
  carry[0] = max;
  carry[1] = carry[1] * old_scale + block.sum[h] * new_scale;
}

// Heads [first_head, first_head + n_heads) of one row, which share a KV head.
template <typename Rows>
void attend(const AttentionParams& p, std::int64_t row_index, std::int64_t first_head,
            std::int64_t n_heads) {
  const std::int64_t n_positions = p.position + row_index + 1;
  const std::int64_t n_blocks = attention_blocks(n_positions, 0);
  if (p.begin_block >= n_blocks) return;
  const std::int64_t kv_head = first_head / (p.n_heads / p.n_kv_heads);
  const std::int64_t offset = row_index * p.n_heads + first_head;
  float* out = p.out + offset * p.head_dim;
  float* carry = p.carry + offset * 2;
  if (p.begin_block == 0) {
    std::fill_n(out, n_heads * p.head_dim, 0.0f);
    for (std::int64_t h = 0; h < n_heads; ++h) carry[2 * h] = -INFINITY;
    for (std::int64_t h = 0; h < n_heads; ++h) carry[2 * h + 1] = 0.0f;
  }
  BlockSums block;
  for (std::int64_t b = p.begin_block; b < std::min(p.end_block, n_blocks); ++b) {
    const std::int64_t begin = b * kKvBlockTokens;
    const std::int64_t n = std::min(kKvBlockTokens, n_positions - begin);
    const auto part = [&](std::int64_t offset_bytes) {
      return Rows(kv_head_part(p.kv, offset_bytes, begin, kv_head, p.head_dim), p.head_dim);
    };
    score(p, p.q + offset * p.head_dim, n_heads, part(p.kv.key_offset_bytes), n, block);
    for (std::int64_t h = 0; h < n_heads; ++h)
      weigh(p.scale, n, block.weights[h], block.max[h], block.sum[h]);
    add_values(p, n_heads, part(p.kv.value_offset_bytes), n, block);
    for (std::int64_t h = 0; h < n_heads; ++h)
      merge(p, block, h, out + h * p.head_dim, carry + 2 * h);
  }
  if (n_blocks > p.end_block) return;
  for (std::int64_t h = 0; h < n_heads; ++h)
    row(out + h * p.head_dim, p.head_dim) /= carry[2 * h + 1];
}

template <typename Rows>
void attend_pairs(const AttentionParams& p, std::int64_t first, std::int64_t last) {
  const std::int64_t group = p.n_heads / p.n_kv_heads;
  for (std::int64_t pair = first; pair < last; ++pair) {
    const std::int64_t head = pair / p.n_rows * group;
    for (std::int64_t i = 0; i < group; i += kMaxSharedHeads)
      attend<Rows>(p, pair % p.n_rows, head + i, std::min(kMaxSharedHeads, group - i));
  }
}

}  // namespace

void attention(const AttentionParams& p, std::int64_t first, std::int64_t last) {
  switch (p.kv.type) {
    case KvType::kF32:
      return attend_pairs<KvRows<float>>(p, first, last);
    case KvType::kBF16:
      return attend_pairs<KvRows<bf16_bits>>(p, first, last);
    case KvType::kQ8:
      return attend_pairs<Q8KvRows>(p, first, last);
  }
}

}  // namespace nemotron::kernels::ref
