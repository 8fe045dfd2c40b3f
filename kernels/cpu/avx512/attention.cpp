// Causal group-query attention over KV blocks of 64 positions. The query heads of a KV head share
// its loads, and the rows of a span share its blocks while they are in the cache. The partial of
// each block (attention_sums.h) is complete before it is merged, in ascending order.
#if defined(__x86_64__)
#include <algorithm>
#include <cmath>
#include <cstddef>

#include "kernels/cpu/avx512/attention_sums.h"
#include "kernels/cpu/avx512/avx512_kernels.h"
#include "kernels/cpu/avx512/vector_math.h"

namespace nemotron::kernels::avx512 {

namespace {

constexpr int kMaxSharedHeads = 5;        // 5 heads x 4 vectors of sums, 4 of keys or values
constexpr std::int64_t kSharedRows = 64;  // whose queries and sums stay in the cache with a block

// kHeads neighbouring query heads of one row, and the block they look at.
template <typename Reader, int kHeads>
struct SharedHeads {
  const AttentionParams& p;
  const float* q = nullptr;  // [kHeads, head_dim]
  float* out = nullptr;      // [kHeads, head_dim]: sums of values, relative to the maximum
  float* carry = nullptr;    // [kHeads, 2]
  alignas(64) float old_scale[kLanes] = {};    // of the sums so far, and of the block's: both to
  alignas(64) float block_scale[kLanes] = {};  // the new maximum
  alignas(64) float weights[kHeads][kKvBlockTokens] = {};

  // `head`: the first one's index in [n_rows, n_heads].
  void look_from(std::int64_t head) {
    q = p.q + head * p.head_dim;
    out = p.out + head * p.head_dim;
    carry = p.carry + head * 2;
  }

  // Scores of all 64 positions of a block; those from n on are made -infinity.
  NEMO_TARGET_AVX512 void score(Reader k, std::int64_t n) {
    BlockSums<kHeads> s;
    sum_scores<kHeads>(q, p.head_dim, k, s);
    const __m512 scale = _mm512_set1_ps(p.scale);
    const __m512 none = _mm512_set1_ps(-INFINITY);
#pragma GCC unroll 5
    for (int h = 0; h < kHeads; ++h) {
#pragma GCC unroll 4
      for (int v = 0; v < kBlockVectors; ++v) {
        const std::int64_t left = std::max<std::int64_t>(0, n - v * kLanes);
        const __mmask16 seen = lanes_from(0, left);
        _mm512_store_ps(weights[h] + v * kLanes, _mm512_mask_mul_ps(none, seen, s[h][v], scale));
      }
    }
  }

  // Scores to weights relative to the block's maximum; merges the block's maxima and sums. Lane h
  // is head h's.
  NEMO_TARGET_AVX512 void weigh() {
    __m512 block_max = _mm512_setzero_ps();
    __m512 block_sum = _mm512_setzero_ps();
    float largest[kHeads];
#pragma GCC unroll 5
    for (int h = 0; h < kHeads; ++h) {
      const __m512 low = _mm512_max_ps(scores(h, 0), scores(h, 1));
      largest[h] =
          _mm512_reduce_max_ps(_mm512_max_ps(low, _mm512_max_ps(scores(h, 2), scores(h, 3))));
      block_max = with_lane(block_max, h, largest[h]);
    }
#pragma GCC unroll 5
    for (int h = 0; h < kHeads; ++h) {
      __m512 w[kBlockVectors];
#pragma GCC unroll 4
      for (int v = 0; v < kBlockVectors; ++v) {
        const __m512 s = scores(h, v);
        const __mmask16 seen = _mm512_cmp_ps_mask(s, _mm512_set1_ps(-INFINITY), _CMP_NEQ_UQ);
        w[v] = as_factors<Reader>(
            _mm512_maskz_mov_ps(seen, exp_ps(_mm512_sub_ps(s, _mm512_set1_ps(largest[h])))));
        _mm512_store_ps(weights[h] + v * kLanes, w[v]);
      }
      block_sum =
          with_lane(block_sum, h,
                    sum_lanes(_mm512_add_ps(_mm512_add_ps(w[0], w[1]), _mm512_add_ps(w[2], w[3]))));
    }
    merge(block_max, block_sum);
  }

  NEMO_INLINE_AVX512 __m512 scores(int h, int v) const {
    return _mm512_load_ps(weights[h] + v * kLanes);
  }

  NEMO_INLINE_AVX512 static __m512 with_lane(__m512 lanes, int lane, float x) {
    return _mm512_mask_mov_ps(lanes, static_cast<__mmask16>(1u << lane), _mm512_set1_ps(x));
  }

  NEMO_INLINE_AVX512 void merge(__m512 block_max, __m512 block_sum) {
    const __m512i even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 0, 0, 0, 0, 0, 0, 0, 0);
    const __m512i odd = _mm512_add_epi32(even, _mm512_set1_epi32(1));
    const __m512i pairs = _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
    constexpr __mmask16 kCarry = (1u << (2 * kHeads)) - 1u;
    const __m512 before = _mm512_maskz_loadu_ps(kCarry, carry);
    const __m512 old_max = _mm512_permutexvar_ps(even, before);
    const __m512 new_max = _mm512_max_ps(old_max, block_max);
    const __m512 of_old = exp_ps(_mm512_sub_ps(old_max, new_max));
    const __m512 of_block = exp_ps(_mm512_sub_ps(block_max, new_max));
    const __m512 sum = _mm512_add_ps(_mm512_mul_ps(_mm512_permutexvar_ps(odd, before), of_old),
                                     _mm512_mul_ps(block_sum, of_block));
    _mm512_store_ps(old_scale, of_old);
    _mm512_store_ps(block_scale, of_block);
    _mm512_mask_storeu_ps(carry, kCarry, _mm512_permutex2var_ps(new_max, pairs, sum));
  }

  // out <- old_scale * out + block_scale * sum over the block's n positions of weight * value.
  NEMO_TARGET_AVX512 void add_values(Reader values, std::int64_t n) {
    for (std::int64_t d = 0; d < p.head_dim; d += kBlockVectors * kLanes) {
      BlockSums<kHeads> s;
      sum_values<kHeads>(weights, n, d, p.head_dim, values, s);
#pragma GCC unroll 5
      for (int h = 0; h < kHeads; ++h) {
#pragma GCC unroll 4
        for (int v = 0; v < kBlockVectors; ++v) {
          float* o = out + h * p.head_dim + d + v * kLanes;
          const __mmask16 lanes =
              lanes_from(0, std::max<std::int64_t>(0, p.head_dim - d - v * kLanes));
          const __m512 before =
              _mm512_mul_ps(_mm512_maskz_loadu_ps(lanes, o), _mm512_set1_ps(old_scale[h]));
          _mm512_mask_storeu_ps(o, lanes,
                                _mm512_fmadd_ps(s[h][v], _mm512_set1_ps(block_scale[h]), before));
        }
      }
    }
  }
};

// Rows [first_row, last_row) of the span.
struct Rows {
  std::int64_t first;
  std::int64_t last;
};

// The part's blocks, each for all rows that see it.
template <typename Reader, int kHeads>
NEMO_TARGET_AVX512 void attend(const AttentionParams& p, Rows rows, std::int64_t kv_head,
                               std::int64_t first_head) {
  SharedHeads<Reader, kHeads> heads{p};
  const std::int64_t end_block = std::min(p.end_block, attention_blocks(p.position + rows.last, 0));
  for (std::int64_t b = p.begin_block; b < end_block; ++b) {
    const std::int64_t begin = b * kKvBlockTokens;
    const std::int64_t next = std::min(b + 1, end_block - 1) * kKvBlockTokens;
    const auto* k = kv_head_part(p.kv, p.kv.key_offset_bytes, begin, kv_head, p.head_dim);
    const auto* v = kv_head_part(p.kv, p.kv.value_offset_bytes, begin, kv_head, p.head_dim);
    const auto* next_k = kv_head_part(p.kv, p.kv.key_offset_bytes, next, kv_head, p.head_dim);
    for (std::int64_t row = std::max(rows.first, begin - p.position); row < rows.last; ++row) {
      const std::int64_t n = std::min(kKvBlockTokens, p.position + row + 1 - begin);
      heads.look_from(row * p.n_heads + first_head);
      heads.score(Reader(k, v, p.head_dim), n);
      heads.weigh();
      heads.add_values(Reader(v, next_k, p.head_dim), n);
    }
  }
}

template <typename Reader>
void attend_group(const AttentionParams& p, Rows rows, std::int64_t kv_head) {
  using Attend = void (*)(const AttentionParams&, Rows, std::int64_t, std::int64_t);
  constexpr Attend kAttend[kMaxSharedHeads] = {attend<Reader, 1>, attend<Reader, 2>,
                                               attend<Reader, 3>, attend<Reader, 4>,
                                               attend<Reader, 5>};
  const std::int64_t group = p.n_heads / p.n_kv_heads;
  for (std::int64_t i = 0; i < group; i += kMaxSharedHeads) {
    const std::int64_t n = std::min<std::int64_t>(kMaxSharedHeads, group - i);
    kAttend[n - 1](p, rows, kv_head, kv_head * group + i);
  }
}

// The sums of no position.
NEMO_TARGET_AVX512 void begin_rows(const AttentionParams& p, Rows rows, std::int64_t kv_head) {
  const std::int64_t group = p.n_heads / p.n_kv_heads;
  for (std::int64_t row = rows.first; row < rows.last; ++row) {
    const std::int64_t head = row * p.n_heads + kv_head * group;
    std::fill_n(p.out + head * p.head_dim, group * p.head_dim, 0.0f);
    for (std::int64_t h = head; h < head + group; ++h) {
      p.carry[2 * h] = -INFINITY;
      p.carry[2 * h + 1] = 0.0f;
    }
  }
}

// Divides the rows whose last block this part held.
NEMO_TARGET_AVX512 void end_rows(const AttentionParams& p, Rows rows, std::int64_t kv_head) {
  const std::int64_t group = p.n_heads / p.n_kv_heads;
  for (std::int64_t row = rows.first; row < rows.last; ++row) {
    const std::int64_t last_block = (p.position + row) / kKvBlockTokens;
    if (last_block < p.begin_block || last_block >= p.end_block) continue;
    const std::int64_t first_head = row * p.n_heads + kv_head * group;
    for (std::int64_t h = first_head; h < first_head + group; ++h)
      for (std::int64_t d = 0; d < p.head_dim; ++d) p.out[h * p.head_dim + d] /= p.carry[2 * h + 1];
  }
}

}  // namespace

void attention(const AttentionParams& p, std::int64_t first, std::int64_t last) {
  while (first < last) {
    const std::int64_t kv_head = first / p.n_rows;
    const std::int64_t row = first % p.n_rows;
    const std::int64_t n = std::min({last - first, p.n_rows - row, kSharedRows});
    const Rows rows{row, row + n};
    if (p.begin_block == 0) begin_rows(p, rows, kv_head);
    switch (p.kv.type) {
      case KvType::kF32:
        attend_group<KvReader<float>>(p, rows, kv_head);
        break;
      case KvType::kBF16:
        attend_group<Bf16KvReader>(p, rows, kv_head);
        break;
      case KvType::kQ8:
        attend_group<Q8KvReader>(p, rows, kv_head);
        break;
    }
    end_rows(p, rows, kv_head);
    first += n;
  }
}

}  // namespace nemotron::kernels::avx512
#endif
