// The walk over KV blocks of levels whose query heads share the loads of a KV head one row at a
// time. Heads<Reader, n> are n neighbouring ones; of {params, q, out, carry}; their score(),
// weigh() and add_values() are the level's.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "kernels/common/attention_params.h"

namespace nemotron::kernels {

inline constexpr int kMaxSharedHeads = 5;

// Heads [head, head + kHeads) of [n_rows, n_heads], which share a KV head: the part's blocks.
template <template <typename, int> class Heads, typename Reader, int kHeads>
void attend(const AttentionParams& p, std::int64_t head) {
  const std::int64_t row = head / p.n_heads;
  const std::int64_t kv_head = head % p.n_heads / (p.n_heads / p.n_kv_heads);
  const std::int64_t n_positions = p.position + row + 1;
  const std::int64_t n_blocks = attention_blocks(n_positions, 0);
  Heads<Reader, kHeads> heads{p, p.q + head * p.head_dim, p.out + head * p.head_dim,
                              p.carry + head * 2};
  if (p.begin_block == 0) {
    std::fill_n(heads.out, kHeads * p.head_dim, 0.0f);
    for (int h = 0; h < kHeads; ++h) {
      heads.carry[2 * h] = -INFINITY;
      heads.carry[2 * h + 1] = 0.0f;
    }
  }
  for (std::int64_t b = p.begin_block; b < std::min(p.end_block, n_blocks); ++b) {
    const std::int64_t begin = b * kKvBlockTokens;
    const std::int64_t n = std::min(kKvBlockTokens, n_positions - begin);
    const auto part = [&](std::int64_t offset_bytes) {
      return Reader(kv_head_part(p.kv, offset_bytes, begin, kv_head, p.head_dim), p.head_dim);
    };
    heads.score(part(p.kv.key_offset_bytes), n);
    for (int h = 0; h < kHeads; ++h) heads.weigh(h);
    heads.add_values(part(p.kv.value_offset_bytes), n);
  }
  if (p.begin_block >= n_blocks || n_blocks > p.end_block) return;
  for (int h = 0; h < kHeads; ++h)
    for (std::int64_t d = 0; d < p.head_dim; ++d)
      heads.out[h * p.head_dim + d] /= heads.carry[2 * h + 1];
}

// Pairs kv_head * n_rows + row in [first, last).
template <template <typename, int> class Heads, typename Reader>
void attend_pairs(const AttentionParams& p, std::int64_t first, std::int64_t last) {
  using Attend = void (*)(const AttentionParams&, std::int64_t);
  constexpr Attend kAttend[kMaxSharedHeads] = {attend<Heads, Reader, 1>, attend<Heads, Reader, 2>,
                                               attend<Heads, Reader, 3>, attend<Heads, Reader, 4>,
                                               attend<Heads, Reader, 5>};
  const std::int64_t group = p.n_heads / p.n_kv_heads;
  for (std::int64_t pair = first; pair < last; ++pair) {
    const std::int64_t head = pair % p.n_rows * p.n_heads + pair / p.n_rows * group;
    for (std::int64_t i = 0; i < group; i += kMaxSharedHeads)
      kAttend[std::min<std::int64_t>(kMaxSharedHeads, group - i) - 1](p, head + i);
  }
}

}  // namespace nemotron::kernels
