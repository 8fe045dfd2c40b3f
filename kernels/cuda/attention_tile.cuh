// Attention of 16 queries to one KV block on tensor cores, by one warp: what attention_mma.cu is
// made of. Lane i holds, with g = i / 4 and t = i % 4, what mma.cuh says; rows g and g + 8 of the
// tile are its two rows.
//
// Fragments come straight from the block. A lane loads neighbours and permute_bytes pairs them, so
// columns and terms are numbered as that is cheapest:
//   scores: column g of tile j is position 8g + j; so a lane's sums d[e], d[2 + e] of tile j belong
//     to position 16t + 8e + j, and all its sums to positions [16t, 16t + 16)
//   terms of scores: in 16 channels, lane t has 4t .. 4t + 3
//   terms of values: in step s, lane t has positions 16t + 4s .. 16t + 4s + 3
//   values: in 32 channels, column g of tile j is channel 4g + j; so a lane's sums d[e], d[2 + e]
//     belong to channel 8t + 4e + j
// Integers of q8 are exact in bf16. Their scales are multiplied to sums of 32 channels (keys) or to
// the weights before these are rounded (values): nothing but queries and weights is rounded.
#pragma once

#include <cmath>
#include <cstdint>

#include "base/float_types.h"
#include "kernels/cuda/kv_layout.cuh"
#include "kernels/cuda/mma.cuh"

namespace nemotron::kernels::cuda {

inline constexpr int kScoreTiles = static_cast<int>(kKvBlockTokens) / kMmaColumns;
inline constexpr int kValueSteps = static_cast<int>(kKvBlockTokens) / kMmaTerms;
inline constexpr int kPieceChannels = static_cast<int>(kKvScaleChannels);  // summed at once
inline constexpr int kPieceTiles = kPieceChannels / kMmaColumns;

__device__ inline float low_bf16(std::uint32_t pair) {
  return bf16_to_float(static_cast<bf16_bits>(pair));
}
__device__ inline float high_bf16(std::uint32_t pair) {
  return bf16_to_float(static_cast<bf16_bits>(pair >> 16));
}

// The queries of one KV head that a warp works on: its heads of consecutive rows of a span.
struct QueryTile {
  const SpanArgs* span = nullptr;
  std::int64_t first_row = 0;  // of the step
  std::int64_t kv_head = 0;
  int group = 1;      // query heads to a KV head
  int n_queries = 0;  // at most kMmaRows

  __device__ std::int64_t row(int query) const { return first_row + query / group; }
  __device__ std::int64_t head(int query) const { return kv_head * group + query % group; }
  // That the query sees.
  __device__ std::int64_t n_positions(int query) const {
    return span->position + row(query) - span->first_row + 1;
  }
};

// Of a lane's two rows: the largest score (times log2 e) and the sum of weights.
struct RowSums {
  float max[2] = {-INFINITY, -INFINITY};
  float sum[2] = {0.0f, 0.0f};
};

// Two pairs of sums become one: what each is multiplied with. Without any positions max is
// -infinity, and the other stays as it is.
struct MergeScales {
  float old_scale, new_scale, max;
};

// 2^x, of the device's own accuracy: some 2^-22.
__device__ inline float exp2_fast(float x) {
#if defined(__CUDACC__)
  float y;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
#else
  return std::exp2(x);
#endif
}

__device__ inline MergeScales merge_scales(float old_max, float new_max) {
  const float max = std::fmax(old_max, new_max);
  return {old_max == max ? 1.0f : exp2_fast(old_max - max),
          new_max == max ? 1.0f : exp2_fast(new_max - max), max};
}
__device__ inline float merged(float old_value, float new_value, const MergeScales& m) {
  return old_value * m.old_scale + new_value * m.new_scale;
}

// The channel of a lane's sums d[e] and d[2 + e] in tile `tile` of those of a head.
__device__ inline int value_channel(int tile, int e, int t) {
  return tile / kPieceTiles * kPieceChannels + 8 * t + 4 * e + tile % kPieceTiles;
}

// Byte j of both, in bytes 0 and 2.
__device__ inline std::uint32_t integer_pair(std::uint32_t low, std::uint32_t high, int j) {
  return pair_of_integers(permute_bytes(low, high, static_cast<std::uint32_t>(j | (4 + j) << 8)));
}
// Half j of both.
__device__ inline std::uint32_t half_pair(std::uint32_t low, std::uint32_t high, int j) {
  return permute_bytes(low, high, j == 0 ? 0x5410u : 0x7632u);
}

// A lane's fragment of 16 channels, from 16 * k on, of the tile's queries.
__device__ inline Words<4> query_fragment(const AttentionArgs& p, const QueryTile& tile, int k) {
  const int lane = threadIdx.x % kWarp;
  Words<4> a;
  for (int i = 0; i < 2; ++i) {
    const int query = lane / 4 + 8 * i;
    const bool is_there = query < tile.n_queries;
    const int found = is_there ? query : 0;
    const float* q = p.q + tile.row(found) * p.q_stride + tile.head(found) * p.head_dim;
    const auto x = load_words_if<4>(is_there, q + k * kMmaTerms + 4 * (lane % 4));
    const auto value = [&x](int j) { return std::bit_cast<float>(x.word[j]); };
    a.word[i] = bf16_pair(value(0), value(1));
    a.word[i + 2] = bf16_pair(value(2), value(3));
  }
  return a;
}

// The queries' products with the keys of a block.
// `q(k)` is a query_fragment().
template <int head_dim, typename Queries>
__device__ inline void multiply_keys_bf16(const Queries& q, const std::uint8_t* keys,
                                          float (&scores)[kScoreTiles][4]) {
  const int g = threadIdx.x % kWarp / 4, t = threadIdx.x % 4;
  NEMO_UNROLL(2)
  for (int k = 0; k < head_dim / kMmaTerms; ++k) {
    const Words<4> a = q(k);
    Words<4> x[4];
    for (int i = 0; i < 4; ++i)
      x[i] = load_words<4>(keys + 2 * ((k * kMmaTerms + 4 * t + i) * kKvBlockTokens + 8 * g));
    for (int j = 0; j < kScoreTiles; ++j) {
      const std::uint32_t b[2] = {half_pair(x[0].word[j / 2], x[1].word[j / 2], j % 2),
                                  half_pair(x[2].word[j / 2], x[3].word[j / 2], j % 2)};
      mma_bf16(scores[j], a.word, b);
    }
  }
}

template <int head_dim, typename Queries>
__device__ inline void multiply_keys_q8(const Queries& q, const std::uint8_t* keys,
                                        float (&scores)[kScoreTiles][4]) {
  const int g = threadIdx.x % kWarp / 4, t = threadIdx.x % 4;
  const std::uint8_t* scales = keys + head_dim * kKvBlockTokens + 2 * 16 * t;
  NEMO_UNROLL(1)
  for (int group = 0; group < head_dim / kKvScaleChannels; ++group) {
    float sums[kScoreTiles][4] = {};
    for (int k = 2 * group; k < 2 * group + 2; ++k) {
      const Words<4> a = q(k);
      Words<2> x[4];
      for (int i = 0; i < 4; ++i)
        x[i] = load_words<2>(keys + (k * kMmaTerms + 4 * t + i) * kKvBlockTokens + 8 * g);
      for (int j = 0; j < kScoreTiles; ++j) {
        const std::uint32_t b[2] = {integer_pair(x[0].word[j / 4], x[1].word[j / 4], j % 4),
                                    integer_pair(x[2].word[j / 4], x[3].word[j / 4], j % 4)};
        mma_bf16(sums[j], a.word, b);
      }
    }
    for (int e = 0; e < 2; ++e) {
      const auto s = load_words<4>(scales + 2 * (group * kKvBlockTokens + 8 * e));
      for (int j = 0; j < kScoreTiles; ++j) {
        const std::uint32_t pair = s.word[j / 2];
        const float scale = j % 2 == 0 ? low_bf16(pair) : high_bf16(pair);
        scores[j][e] += sums[j][e] * scale;
        scores[j][2 + e] += sums[j][2 + e] * scale;
      }
    }
  }
}

// Scores become weights, of the first n_seen[] positions of each row; `scale` has log2 e in it.
__device__ inline RowSums weigh(float (&scores)[kScoreTiles][4], float scale,
                                const int (&n_seen)[2]) {
  const int t = threadIdx.x % 4;
  RowSums rows;
  for (int i = 0; i < 2; ++i) {
    float max = -INFINITY;
    for (int e = 0; e < 2; ++e)
      for (int j = 0; j < kScoreTiles; ++j) {
        float& score = scores[j][2 * i + e];
        score = 16 * t + 8 * e + j < n_seen[i] ? score * scale : -INFINITY;
        max = std::fmax(max, score);
      }
    for (int mask = 1; mask <= 2; mask *= 2)
      max = std::fmax(max, __shfl_xor_sync(0xffffffffu, max, mask));
    const float subtracted = max == -INFINITY ? 0.0f : max;
    float sum = 0.0f;
    for (int e = 0; e < 2; ++e)
      for (int j = 0; j < kScoreTiles; ++j) {
        float& score = scores[j][2 * i + e];
        score = exp2_fast(score - subtracted);
        sum += score;
      }
    for (int mask = 1; mask <= 2; mask *= 2) sum += __shfl_xor_sync(0xffffffffu, sum, mask);
    rows.max[i] = max;
    rows.sum[i] = sum;
  }
  return rows;
}

// A lane's weights of positions 16t + 4s .. 16t + 4s + 3, in row g or (row = 1) g + 8.
__device__ inline Words<4> step_weights(const float (&weights)[kScoreTiles][4], int s, int row) {
  Words<4> out;
  for (int i = 0; i < 4; ++i)
    out.word[i] = std::bit_cast<std::uint32_t>(weights[4 * (s % 2) + i][2 * row + s / 2]);
  return out;
}
__device__ inline float float_at(const Words<4>& words, int i) {
  return std::bit_cast<float>(words.word[i]);
}

// The weighted values of a piece of channels, in sums of zero; `values` begin at the piece. Only
// the first n_positions of the block are read as numbers. `weights(s, row)` are step_weights().
template <int head_dim, typename Weights>
__device__ inline void add_values_bf16(const Weights& weights, const std::uint8_t* values,
                                       int n_positions, float (&sums)[kPieceTiles][4]) {
  const int g = threadIdx.x % kWarp / 4, t = threadIdx.x % 4;
  NEMO_UNROLL(Weights::kStepsAtOnce)
  for (int s = 0; s < kValueSteps; ++s) {
    const Words<4> w[2] = {weights(s, 0), weights(s, 1)};
    std::uint32_t a[4];
    Words<2> x[4];
    for (int i = 0; i < 4; ++i) {
      a[i] = bf16_pair(float_at(w[i % 2], i / 2 * 2), float_at(w[i % 2], i / 2 * 2 + 1));
      const int position = 16 * t + 4 * s + i;
      x[i] = load_words_if<2>(position < n_positions, values + 2 * (position * head_dim + 4 * g));
    }
    for (int j = 0; j < kPieceTiles; ++j) {
      const std::uint32_t b[2] = {half_pair(x[0].word[j / 2], x[1].word[j / 2], j % 2),
                                  half_pair(x[2].word[j / 2], x[3].word[j / 2], j % 2)};
      mma_bf16(sums[j], a, b);
    }
  }
}

template <int head_dim, typename Weights>
__device__ inline void add_values_q8(const Weights& weights, const std::uint8_t* values,
                                     const bf16_bits* scales, int n_positions,
                                     float (&sums)[kPieceTiles][4]) {
  const int g = threadIdx.x % kWarp / 4, t = threadIdx.x % 4;
  NEMO_UNROLL(Weights::kStepsAtOnce)
  for (int s = 0; s < kValueSteps; ++s) {
    float scale[4];
    std::uint32_t a[4], x[4];
    for (int i = 0; i < 4; ++i) {
      const int position = 16 * t + 4 * s + i;
      const bool is_there = position < n_positions;
      scale[i] = is_there ? bf16_to_float(scales[position * (head_dim / kPieceChannels)]) : 0.0f;
      x[i] = load_words_if<1>(is_there, values + position * head_dim + 4 * g).word[0];
    }
    const Words<4> w[2] = {weights(s, 0), weights(s, 1)};
    const auto weight = [&](int i, int row) { return float_at(w[row], i) * scale[i]; };
    for (int i = 0; i < 4; ++i)
      a[i] = bf16_pair(weight(i / 2 * 2, i % 2), weight(i / 2 * 2 + 1, i % 2));
    for (int j = 0; j < kPieceTiles; ++j) {
      const std::uint32_t b[2] = {integer_pair(x[0], x[1], j), integer_pair(x[2], x[3], j)};
      mma_bf16(sums[j], a, b);
    }
  }
}

// The block of positions [begin, begin + 64) for a tile: weights of its positions, and their sums.
template <int head_dim, KvType type, typename Queries>
__device__ inline RowSums block_weights(const AttentionArgs& p, const QueryTile& tile,
                                        std::int64_t begin, const Queries& q,
                                        float (&weights)[kScoreTiles][4]) {
  const std::uint8_t* keys = head_part(p, *tile.span, false, begin, tile.kv_head);
  for (auto& tile_scores : weights)
    for (float& score : tile_scores) score = 0.0f;
  if constexpr (type == KvType::kQ8) {
    multiply_keys_q8<head_dim>(q, keys, weights);
  } else {
    multiply_keys_bf16<head_dim>(q, keys, weights);
  }
  int n_seen[2];
  for (int i = 0; i < 2; ++i) {
    const std::int64_t n = tile.n_positions(threadIdx.x % kWarp / 4 + 8 * i) - begin;
    n_seen[i] = static_cast<int>(n < kKvBlockTokens ? n : kKvBlockTokens);
  }
  constexpr float kLog2e = 1.44269504088896341f;
  return weigh(weights, p.scale * kLog2e, n_seen);
}

// The block's weighted values of a piece of channels.
template <int head_dim, KvType type, typename Weights>
__device__ inline void block_values(const AttentionArgs& p, const QueryTile& tile,
                                    std::int64_t begin, int piece, const Weights& weights,
                                    float (&sums)[kPieceTiles][4]) {
  const std::uint8_t* values = head_part(p, *tile.span, true, begin, tile.kv_head);
  const std::int64_t n = tile.n_positions(tile.n_queries - 1) - begin;
  const int n_positions = static_cast<int>(n < kKvBlockTokens ? n : kKvBlockTokens);
  for (auto& tile_sums : sums)
    for (float& sum : tile_sums) sum = 0.0f;
  if constexpr (type == KvType::kQ8) {
    const auto* scales = reinterpret_cast<const bf16_bits*>(values + head_dim * kKvBlockTokens);
    add_values_q8<head_dim>(weights, values + piece * kPieceChannels, scales + piece, n_positions,
                            sums);
  } else {
    add_values_bf16<head_dim>(weights, values + 2 * piece * kPieceChannels, n_positions, sums);
  }
}

}  // namespace nemotron::kernels::cuda
