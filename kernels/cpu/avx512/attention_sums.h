// The two sums of attention over one block of 64 positions, for query heads that share a KV head:
// scores (query times key, over channels) and values (weight times value, over positions). Each
// output is one chain of FMA or, where keys and values are bf16, of vdpbf16ps over pairs, with
// queries and weights rounded to bf16 as well: twice the products of f32 in the same time.
#pragma once

#include <algorithm>
#include <cstdint>
#include <type_traits>

#include "kernels/cpu/avx512/kv_reader.h"

namespace nemotron::kernels::avx512 {

// [heads][64 positions or channels]
template <int kHeads>
using BlockSums = __m512[kHeads][kBlockVectors];

template <int kHeads>
NEMO_INLINE_AVX512 void clear(BlockSums<kHeads>& s) {
#pragma GCC unroll 5
  for (int h = 0; h < kHeads; ++h) {
#pragma GCC unroll 4
    for (int v = 0; v < kBlockVectors; ++v) s[h][v] = _mm512_setzero_ps();
  }
}

// s <- q x keys. q: [kHeads, head_dim].
template <int kHeads, typename Reader>
NEMO_INLINE_AVX512 void sum_scores(const float* q, std::int64_t head_dim, Reader k,
                                   BlockSums<kHeads>& s) {
  clear<kHeads>(s);
  for (std::int64_t d = 0; d < head_dim; ++d) {
    if (d % kKvScaleChannels == 0) k.begin_keys(d);
    __m512 keys[kBlockVectors];
#pragma GCC unroll 4
    for (int v = 0; v < kBlockVectors; ++v) keys[v] = k.keys(d, v);
#pragma GCC unroll 5
    for (int h = 0; h < kHeads; ++h) {
      const __m512 query = _mm512_set1_ps(q[h * head_dim + d]);
#pragma GCC unroll 4
      for (int v = 0; v < kBlockVectors; ++v) s[h][v] = _mm512_fmadd_ps(query, keys[v], s[h][v]);
    }
  }
}

// s <- weights x values of the block's first n positions, channels [d, d + 64).
template <int kHeads, typename Reader>
NEMO_INLINE_AVX512 void sum_values(const float (&weights)[kHeads][kKvBlockTokens], std::int64_t n,
                                   std::int64_t d, std::int64_t head_dim, Reader values,
                                   BlockSums<kHeads>& s) {
  clear<kHeads>(s);
  __mmask16 lanes[kBlockVectors];
#pragma GCC unroll 4
  for (int v = 0; v < kBlockVectors; ++v)
    lanes[v] = lanes_from(0, std::max<std::int64_t>(0, head_dim - d - v * kLanes));
  for (std::int64_t i = 0; i < n; ++i) {
    values.begin_values(i, d);
    __m512 value[kBlockVectors];
#pragma GCC unroll 4
    for (int v = 0; v < kBlockVectors; ++v) value[v] = values.values(i, d, v, lanes[v]);
#pragma GCC unroll 5
    for (int h = 0; h < kHeads; ++h) {
      const __m512 weight = _mm512_set1_ps(weights[h][i]);
#pragma GCC unroll 4
      for (int v = 0; v < kBlockVectors; ++v) s[h][v] = _mm512_fmadd_ps(weight, value[v], s[h][v]);
    }
  }
}

// 32 factors of each head, rounded to bf16, two in a lane. From element n on they are zero.
template <int kHeads>
struct FactorPairs {
  alignas(64) std::uint32_t of_head[kHeads][kLanes];

  NEMO_INLINE_AVX512 void load(const float* from, std::int64_t stride, std::int64_t n) {
    const __mmask16 low = lanes_from(0, n);
    const __mmask16 high = lanes_from(0, std::max<std::int64_t>(0, n - kLanes));
#pragma GCC unroll 5
    for (int h = 0; h < kHeads; ++h) {
      const __m512bh pairs =
          _mm512_cvtne2ps_pbh(_mm512_maskz_loadu_ps(high, from + h * stride + kLanes),
                              _mm512_maskz_loadu_ps(low, from + h * stride));
      _mm512_store_si512(of_head[h], (__m512i)pairs);
    }
  }
};

// s += factors x elements, pair `pair` of the factors. Lanes hold pairs of two rows, as
// interleave() puts them.
template <int kHeads>
NEMO_INLINE_AVX512 void add_pair(const FactorPairs<kHeads>& factors, std::int64_t pair,
                                 const __m512i (&rows)[kBlockVectors], BlockSums<kHeads>& s) {
#pragma GCC unroll 5
  for (int h = 0; h < kHeads; ++h) {
    const __m512i factor = _mm512_set1_epi32(static_cast<int>(factors.of_head[h][pair]));
#pragma GCC unroll 4
    for (int v = 0; v < kBlockVectors; ++v)
      s[h][v] = _mm512_dpbf16_ps(s[h][v], (__m512bh)factor, (__m512bh)rows[v]);
  }
}

// Sums of interleaved rows, back in the rows' order.
template <int kHeads>
NEMO_INLINE_AVX512 void deinterleave(BlockSums<kHeads>& s) {
  const __m512i low = _mm512_setr_epi32(0, 1, 2, 3, 16, 17, 18, 19, 4, 5, 6, 7, 20, 21, 22, 23);
  const __m512i high =
      _mm512_setr_epi32(8, 9, 10, 11, 24, 25, 26, 27, 12, 13, 14, 15, 28, 29, 30, 31);
#pragma GCC unroll 5
  for (int h = 0; h < kHeads; ++h) {
#pragma GCC unroll 2
    for (int v = 0; v < kBlockVectors; v += 2) {
      const __m512 first = s[h][v];
      s[h][v] = _mm512_permutex2var_ps(first, low, s[h][v + 1]);
      s[h][v + 1] = _mm512_permutex2var_ps(first, high, s[h][v + 1]);
    }
  }
}

template <int kHeads>
NEMO_INLINE_AVX512 void sum_scores(const float* q, std::int64_t head_dim, Bf16KvReader k,
                                   BlockSums<kHeads>& s) {
  clear<kHeads>(s);
  const auto all = Bf16KvReader::Selected::first_n(kKvBlockTokens);
  for (std::int64_t first = 0; first < head_dim; first += 2 * kLanes) {
    const std::int64_t n = std::min(head_dim - first, 2 * kLanes);
    FactorPairs<kHeads> queries;
    queries.load(q + first, head_dim, n);
    for (std::int64_t d = 0; d < n; d += 2) {
      __m512i keys[kBlockVectors];
      k.interleave((first + d) * kKvBlockTokens, kKvBlockTokens, d + 1 < n, all, keys);
      add_pair<kHeads>(queries, d / 2, keys, s);
    }
  }
  deinterleave<kHeads>(s);
}

template <int kHeads>
NEMO_INLINE_AVX512 void sum_values(const float (&weights)[kHeads][kKvBlockTokens], std::int64_t n,
                                   std::int64_t d, std::int64_t head_dim, Bf16KvReader values,
                                   BlockSums<kHeads>& s) {
  clear<kHeads>(s);
  const auto channels = Bf16KvReader::Selected::first_n(head_dim - d);
  for (std::int64_t first = 0; first < n; first += 2 * kLanes) {
    const std::int64_t n_here = std::min(n - first, 2 * kLanes);
    FactorPairs<kHeads> pairs;
    pairs.load(weights[0] + first, kKvBlockTokens, n_here);
    for (std::int64_t i = 0; i < n_here; i += 2) {
      __m512i value[kBlockVectors];
      values.interleave((first + i) * head_dim + d, head_dim, i + 1 < n_here, channels, value);
      add_pair<kHeads>(pairs, i / 2, value, s);
    }
  }
  deinterleave<kHeads>(s);
}

// What the sums make of weights: their total is that of what is multiplied.
template <typename Reader>
NEMO_INLINE_AVX512 __m512 as_factors(__m512 weights) {
  if constexpr (std::is_same_v<Reader, Bf16KvReader>) {
    return widen(narrow(weights));
  } else {
    return weights;
  }
}

}  // namespace nemotron::kernels::avx512
