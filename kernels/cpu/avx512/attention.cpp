// Causal group-query attention over KV blocks of 64 positions. The query heads of a KV head share
// its loads, and the rows of a span share its blocks while they are in the cache. Scores: lanes are
// positions, a chain over head_dim; values: lanes are head_dim, a chain over positions. The partial
// of each block is complete before it is merged, in ascending order.
#if defined(__x86_64__)
#include <algorithm>
#include <cmath>
#include <cstddef>

#include "base/float_types.h"
#include "kernels/common/math.h"
#include "kernels/cpu/avx512/avx512_kernels.h"
#include "kernels/cpu/avx512/vector_math.h"
#include "kernels/cpu/ref/ref_kernels.h"

namespace nemotron::kernels::avx512 {

namespace {

constexpr int kMaxSharedHeads = 5;        // 5 heads x 4 vectors of sums, 4 of keys or values
constexpr int kBlockVectors = 4;          // of positions, and of channels at a time
constexpr std::int64_t kSharedRows = 64;  // whose queries and sums stay in the cache with a block

NEMO_INLINE_AVX512 __m512 load_lanes(const float* from, __mmask16 lanes) {
  return _mm512_maskz_loadu_ps(lanes, from);
}
NEMO_INLINE_AVX512 __m512 load_lanes(const bf16_bits* from, __mmask16 lanes) {
  const __m256i halves = _mm256_maskz_loadu_epi16(lanes, from);
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(halves), 16));
}

// Asks for the cache line at `from`, once per line where vectors of 16 elements follow one another.
template <typename Element>
NEMO_INLINE_AVX512 void prefetch_vector(const Element* from, int vector) {
  constexpr int kVectorsPerLine = 4 / static_cast<int>(sizeof(Element));
  if (vector % kVectorsPerLine == 0) _mm_prefetch(from + vector * kLanes, _MM_HINT_T1);
}

// kHeads neighbouring query heads of one row, and the block they look at.
template <typename Element, int kHeads>
struct SharedHeads {
  const AttentionParams& p;
  const float* q = nullptr;        // [kHeads, head_dim]
  float* out = nullptr;            // [kHeads, head_dim]: sums of values, relative to the maximum
  float* carry = nullptr;          // [kHeads, 2]
  float old_scale[kHeads] = {};    // of the sums so far, and of the block's: both to the new
  float block_scale[kHeads] = {};  // maximum
  alignas(64) float weights[kHeads][kKvBlockTokens] = {};

  // `head`: the first one's index in [n_rows, n_heads].
  void look_from(std::int64_t head) {
    q = p.q + head * p.head_dim;
    out = p.out + head * p.head_dim;
    carry = p.carry + head * 2;
  }

  // Scores of all 64 positions of a block; those from n on are made -infinity.
  // `next` is what is read after them, 64 * head_dim elements too.
  NEMO_TARGET_AVX512 void score(const Element* k, std::int64_t n, const Element* next) {
    __m512 s[kHeads][kBlockVectors];
#pragma GCC unroll 5
    for (int h = 0; h < kHeads; ++h) {
#pragma GCC unroll 4
      for (int v = 0; v < kBlockVectors; ++v) s[h][v] = _mm512_setzero_ps();
    }
    for (std::int64_t d = 0; d < p.head_dim; ++d, k += kKvBlockTokens, next += kKvBlockTokens) {
#pragma GCC unroll 4
      for (int v = 0; v < kBlockVectors; ++v) {
        prefetch_vector(next, v);
        const __m512 keys = load_lanes(k + v * kLanes, __mmask16{0xffff});
#pragma GCC unroll 5
        for (int h = 0; h < kHeads; ++h)
          s[h][v] = _mm512_fmadd_ps(_mm512_set1_ps(q[h * p.head_dim + d]), keys, s[h][v]);
      }
    }
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

  // Scores to weights relative to the block's maximum; merges the block's maximum and sum.
  NEMO_TARGET_AVX512 void weigh(int h) {
    __m512 w[kBlockVectors];
    for (int v = 0; v < kBlockVectors; ++v) w[v] = _mm512_load_ps(weights[h] + v * kLanes);
    const float block_max =
        _mm512_reduce_max_ps(_mm512_max_ps(_mm512_max_ps(w[0], w[1]), _mm512_max_ps(w[2], w[3])));
    for (int v = 0; v < kBlockVectors; ++v) {
      const __mmask16 seen = _mm512_cmp_ps_mask(w[v], _mm512_set1_ps(-INFINITY), _CMP_NEQ_UQ);
      w[v] = _mm512_maskz_mov_ps(seen, exp_ps(_mm512_sub_ps(w[v], _mm512_set1_ps(block_max))));
      _mm512_store_ps(weights[h] + v * kLanes, w[v]);
    }
    const float block_sum =
        sum_lanes(_mm512_add_ps(_mm512_add_ps(w[0], w[1]), _mm512_add_ps(w[2], w[3])));
    float& max = carry[2 * h];
    float& sum = carry[2 * h + 1];
    const float new_max = std::max(max, block_max);
    old_scale[h] = exp_f32(max - new_max);
    block_scale[h] = exp_f32(block_max - new_max);
    max = new_max;
    sum = sum * old_scale[h] + block_sum * block_scale[h];
  }

  // out <- old_scale * out + block_scale * sum over the block's n positions of weight * value.
  NEMO_TARGET_AVX512 void add_values(const Element* values, std::int64_t n, const Element* next) {
    for (std::int64_t d = 0; d < p.head_dim; d += kBlockVectors * kLanes) {
      __mmask16 lanes[kBlockVectors];
      __m512 s[kHeads][kBlockVectors];
#pragma GCC unroll 4
      for (int v = 0; v < kBlockVectors; ++v) {
        lanes[v] = lanes_from(0, std::max<std::int64_t>(0, p.head_dim - d - v * kLanes));
#pragma GCC unroll 5
        for (int h = 0; h < kHeads; ++h) s[h][v] = _mm512_setzero_ps();
      }
      for (std::int64_t i = 0; i < n; ++i) {
        const Element* row = values + i * p.head_dim + d;
#pragma GCC unroll 4
        for (int v = 0; v < kBlockVectors; ++v) {
          prefetch_vector(next + i * p.head_dim + d, v);
          const __m512 value = load_lanes(row + v * kLanes, lanes[v]);
#pragma GCC unroll 5
          for (int h = 0; h < kHeads; ++h)
            s[h][v] = _mm512_fmadd_ps(_mm512_set1_ps(weights[h][i]), value, s[h][v]);
        }
      }
#pragma GCC unroll 5
      for (int h = 0; h < kHeads; ++h) {
#pragma GCC unroll 4
        for (int v = 0; v < kBlockVectors; ++v) {
          float* o = out + h * p.head_dim + d + v * kLanes;
          const __m512 before =
              _mm512_mul_ps(_mm512_maskz_loadu_ps(lanes[v], o), _mm512_set1_ps(old_scale[h]));
          _mm512_mask_storeu_ps(o, lanes[v],
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
template <typename Element, int kHeads>
NEMO_TARGET_AVX512 void attend(const AttentionParams& p, Rows rows, std::int64_t kv_head,
                               std::int64_t first_head) {
  SharedHeads<Element, kHeads> heads{p};
  const std::int64_t end_block = std::min(p.end_block, attention_blocks(p.position + rows.last, 0));
  for (std::int64_t b = p.begin_block; b < end_block; ++b) {
    const std::int64_t begin = b * kKvBlockTokens;
    const auto* k =
        kv_head_part<const Element>(p.kv, p.kv.key_offset_bytes, begin, kv_head, p.head_dim);
    const auto* v =
        kv_head_part<const Element>(p.kv, p.kv.value_offset_bytes, begin, kv_head, p.head_dim);
    const auto* next_k = b + 1 == end_block ? k
                                            : kv_head_part<const Element>(
                                                  p.kv, p.kv.key_offset_bytes,
                                                  begin + kKvBlockTokens, kv_head, p.head_dim);
    for (std::int64_t row = std::max(rows.first, begin - p.position); row < rows.last; ++row) {
      const std::int64_t n = std::min(kKvBlockTokens, p.position + row + 1 - begin);
      heads.look_from(row * p.n_heads + first_head);
      heads.score(k, n, v);
      for (int h = 0; h < kHeads; ++h) heads.weigh(h);
      heads.add_values(v, n, next_k);
    }
  }
}

template <typename Element>
void attend_group(const AttentionParams& p, Rows rows, std::int64_t kv_head) {
  const std::int64_t group = p.n_heads / p.n_kv_heads;
  for (std::int64_t i = 0; i < group; i += kMaxSharedHeads) {
    const std::int64_t head = kv_head * group + i;
    switch (std::min<std::int64_t>(kMaxSharedHeads, group - i)) {
      case 1:
        attend<Element, 1>(p, rows, kv_head, head);
        break;
      case 2:
        attend<Element, 2>(p, rows, kv_head, head);
        break;
      case 3:
        attend<Element, 3>(p, rows, kv_head, head);
        break;
      case 4:
        attend<Element, 4>(p, rows, kv_head, head);
        break;
      default:
        attend<Element, 5>(p, rows, kv_head, head);
        break;
    }
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
    if (p.kv.type == KvType::kF32) {
      attend_group<float>(p, rows, kv_head);
    } else {
      attend_group<bf16_bits>(p, rows, kv_head);
    }
    end_rows(p, rows, kv_head);
    first += n;
  }
}

}  // namespace nemotron::kernels::avx512
#endif
