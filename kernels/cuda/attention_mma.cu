// Causal attention over bf16 and q8 keys and values on tensor cores; heads of 64 or 128 channels.
// One order of sums for every way to run it, so that neither the split of a prompt nor what else is
// in a step changes a byte: softmax sums of 64 absolute positions are merged upwards in a part of
// 256, and parts are merged upwards.
//
// Two ways. attention_mma: a warp to 16 queries, part after part; for prompts, where there are many
// queries. attention_split: a block to a part, a warp to 64 positions of it; parts are merged by
// attention_merge. For few queries, where there would be too few warps otherwise.
//
// What is not finite spreads from a value to queries of the same tile that do not see it.
#include "kernels/cuda/attention_tile.cuh"
#include "kernels/cuda/kernel_list.h"
#include "kernels/cuda/launch_shapes.h"
#include "kernels/cuda/prepared_rows.cuh"

namespace nemotron::kernels::cuda {

// A finished value: also rounded, for the product that follows. Zero has no sign: it depends on
// how many positions without weight were added.
__device__ inline void store_attended(const AttentionArgs& p, std::int64_t row, std::int64_t head,
                                      std::int64_t channel, float value) {
  const std::int64_t n_columns = p.n_heads * p.head_dim;
  const std::int64_t column = head * p.head_dim + channel;
  value += 0.0f;
  p.out[row * n_columns + column] = value;
  if (p.prepared != nullptr)
    prepared_row(p.prepared, row, n_columns)[prepared_index(column)] = float_to_bf16(value);
}

// The tile of queries that begins at `row`, of so many rows where the span has them.
__device__ inline QueryTile tile_at(const AttentionArgs& p, const SpanArgs& span, std::int64_t row,
                                    int rows_of_tile) {
  QueryTile tile;
  tile.span = &span;
  tile.first_row = row;
  tile.kv_head = blockIdx.x;
  tile.group = static_cast<int>(p.n_heads / p.n_kv_heads);
  const std::int64_t n_left = span.first_row + span.n_rows - row;
  const std::int64_t n = n_left < rows_of_tile ? n_left : rows_of_tile;
  tile.n_queries = n > 0 ? static_cast<int>(n) * tile.group : 0;
  return tile;
}

// A warp's memory; each lane uses only its own column.
template <int head_dim>
struct TileMemory {
  float out[head_dim / 2][kWarp];  // sums of the parts so far
  Words<4> weights[kValueSteps][2][kWarp];
};

// Weights where there are no registers for them.
template <int head_dim>
struct KeptWeights {
  static constexpr int kStepsAtOnce = 2;
  const TileMemory<head_dim>& memory;
  __device__ Words<4> operator()(int s, int row) const {
    return memory.weights[s][row][threadIdx.x % kWarp];
  }
};

// One part: blocks upwards.
template <int head_dim, KvType type>
__device__ inline RowSums attend_part(const AttentionArgs& p, const QueryTile& tile,
                                      std::int64_t begin, std::int64_t end,
                                      TileMemory<head_dim>& memory,
                                      float (&out)[head_dim / kMmaColumns][4]) {
  const auto q = [&p, &tile](int k) { return query_fragment(p, tile, k); };
  const KeptWeights<head_dim> kept{memory};
  RowSums rows;
  for (auto& tile_sums : out)
    for (float& sum : tile_sums) sum = 0.0f;
  for (; begin < end; begin += kKvBlockTokens) {
    float weights[kScoreTiles][4];
    const RowSums block = block_weights<head_dim, type>(p, tile, begin, q, weights);
    for (int s = 0; s < kValueSteps; ++s)
      for (int row = 0; row < 2; ++row)
        memory.weights[s][row][threadIdx.x % kWarp] = step_weights(weights, s, row);
    MergeScales scales[2];
    for (int i = 0; i < 2; ++i) {
      scales[i] = merge_scales(rows.max[i], block.max[i]);
      rows.max[i] = scales[i].max;
      rows.sum[i] = merged(rows.sum[i], block.sum[i], scales[i]);
    }
    NEMO_UNROLL(head_dim)
    for (int piece = 0; piece < head_dim / kPieceChannels; ++piece) {
      float sums[kPieceTiles][4];
      block_values<head_dim, type>(p, tile, begin, piece, kept, sums);
      for (int j = 0; j < kPieceTiles; ++j)
        for (int i = 0; i < 4; ++i) {
          float& sum = out[piece * kPieceTiles + j][i];
          sum = merged(sum, sums[j][i], scales[i / 2]);
        }
    }
  }
  return rows;
}

// All parts of a warp's tile.
template <int head_dim, KvType type>
__device__ inline void attend_tile(const AttentionArgs& p, const QueryTile& tile,
                                   TileMemory<head_dim>& total) {
  constexpr int kTiles = head_dim / kMmaColumns;
  const int lane = threadIdx.x % kWarp;
  RowSums rows;
  for (int i = 0; i < 4 * kTiles; ++i) total.out[i][lane] = 0.0f;
  const std::int64_t n_positions = tile.n_positions(tile.n_queries - 1);
  for (std::int64_t begin = 0; begin < n_positions; begin += kAttentionPart) {
    float out[kTiles][4];
    const std::int64_t n_left = n_positions - begin;
    const std::int64_t end = begin + (n_left < kAttentionPart ? n_left : kAttentionPart);
    const RowSums part = attend_part<head_dim, type>(p, tile, begin, end, total, out);
    for (int i = 0; i < 2; ++i) {
      const MergeScales scales = merge_scales(rows.max[i], part.max[i]);
      rows.max[i] = scales.max;
      rows.sum[i] = merged(rows.sum[i], part.sum[i], scales);
      for (int j = 0; j < kTiles; ++j)
        for (int e = 2 * i; e < 2 * i + 2; ++e)
          total.out[4 * j + e][lane] = merged(total.out[4 * j + e][lane], out[j][e], scales);
    }
  }
  for (int i = 0; i < 2; ++i) {
    const int query = lane / 4 + 8 * i;
    if (query >= tile.n_queries) continue;
    NEMO_UNROLL(2)
    for (int j = 0; j < 2 * kTiles; ++j)
      store_attended(p, tile.row(query), tile.head(query), value_channel(j / 2, j % 2, lane % 4),
                     total.out[j / 2 * 4 + 2 * i + j % 2][lane] / rows.sum[i]);
  }
}

// A block to a KV head (x) of four tiles, of which the first begins at a row (y); warps are alone.
template <int head_dim>
__device__ inline void attend(const AttentionArgs& p) {
  __shared__ TileMemory<head_dim> totals[kAttentionWarps];
  const std::int64_t block_row = p.first_row + blockIdx.y;
  const SpanArgs& span = p.spans[p.row_spans[block_row]];
  const int rows_of_tile = kMmaRows / static_cast<int>(p.n_heads / p.n_kv_heads);
  if ((block_row - span.first_row) % (kAttentionWarps * rows_of_tile) != 0) return;
  const int warp = static_cast<int>(threadIdx.x) / kWarp;
  const QueryTile tile = tile_at(p, span, block_row + warp * rows_of_tile, rows_of_tile);
  if (tile.n_queries == 0) return;
  if (span.kv_type == KvType::kBF16) attend_tile<head_dim, KvType::kBF16>(p, tile, totals[warp]);
  if (span.kv_type == KvType::kQ8) attend_tile<head_dim, KvType::kQ8>(p, tile, totals[warp]);
}

NEMO_KERNEL(attention_mma_64)(const AttentionArgs p) { attend<64>(p); }
NEMO_KERNEL(attention_mma_128)(const AttentionArgs p) { attend<128>(p); }

// Sums of the blocks of a part, before they are merged.
template <int head_dim>
struct BlockSums {
  float max[kAttentionWarps][kMmaRows];
  float sum[kAttentionWarps][kMmaRows];
  float out[kAttentionWarps][kMmaRows][head_dim + 1];  // rows in different banks
};

// A part's sums for a head of a row: the weighted values, their largest score, the sum of weights.
__device__ inline float* part_sums(const AttentionArgs& p, std::int64_t row, std::int64_t part,
                                   std::int64_t head) {
  return p.scratch + ((row * p.n_parts + part) * p.n_heads + head) * (p.head_dim + 2);
}

// Weights in registers.
struct HeldWeights {
  static constexpr int kStepsAtOnce = kValueSteps;
  const float (&weights)[kScoreTiles][4];
  __device__ Words<4> operator()(int s, int row) const { return step_weights(weights, s, row); }
};

// A warp's block.
template <int head_dim, KvType type>
__device__ inline void attend_block(const AttentionArgs& p, const QueryTile& tile,
                                    std::int64_t begin, BlockSums<head_dim>& shared) {
  const int lane = threadIdx.x % kWarp, warp = static_cast<int>(threadIdx.x) / kWarp;
  const auto q = [&p, &tile](int k) { return query_fragment(p, tile, k); };
  float weights[kScoreTiles][4];
  const RowSums rows = block_weights<head_dim, type>(p, tile, begin, q, weights);
  for (int i = 0; i < 2; ++i) {
    shared.max[warp][lane / 4 + 8 * i] = rows.max[i];
    shared.sum[warp][lane / 4 + 8 * i] = rows.sum[i];
  }
  for (int piece = 0; piece < head_dim / kPieceChannels; ++piece) {
    float sums[kPieceTiles][4];
    block_values<head_dim, type>(p, tile, begin, piece, HeldWeights{weights}, sums);
    for (int j = 0; j < kPieceTiles; ++j)
      for (int i = 0; i < 4; ++i)
        shared.out[warp][lane / 4 + i / 2 * 8]
                  [value_channel(piece * kPieceTiles + j, i % 2, lane % 4)] = sums[j][i];
  }
}

// A block to a KV head (x) of a tile that begins at a row (y), and one of its parts (z).
template <int head_dim>
__device__ inline void attend_split(const AttentionArgs& p) {
  __shared__ BlockSums<head_dim> blocks;
  const std::int64_t row = blockIdx.y;
  const SpanArgs& span = p.spans[p.row_spans[row]];
  const int rows_of_tile = kMmaRows / static_cast<int>(p.n_heads / p.n_kv_heads);
  if ((row - span.first_row) % rows_of_tile != 0 || span.kv_type == KvType::kF32) return;
  const QueryTile tile = tile_at(p, span, row, rows_of_tile);
  const std::int64_t first = (p.first_part + blockIdx.z) * kAttentionPart;
  const std::int64_t n_left = tile.n_positions(tile.n_queries - 1) - first;
  if (n_left <= 0) return;
  const std::int64_t offset = threadIdx.x / kWarp * kKvBlockTokens;
  if (offset < n_left) {
    if (span.kv_type == KvType::kBF16) {
      attend_block<head_dim, KvType::kBF16>(p, tile, first + offset, blocks);
    } else {
      attend_block<head_dim, KvType::kQ8>(p, tile, first + offset, blocks);
    }
  }
  __syncthreads();
  const int n = static_cast<int>(n_left < kAttentionPart ? n_left : kAttentionPart);
  const int n_threads = kAttentionWarps * kWarp;
  for (int i = static_cast<int>(threadIdx.x); i < tile.n_queries * head_dim; i += n_threads) {
    const int query = i / head_dim, channel = i % head_dim;
    float max = -INFINITY, sum = 0.0f, out = 0.0f;
    for (int b = 0; b * kKvBlockTokens < n; ++b) {
      const MergeScales scales = merge_scales(max, blocks.max[b][query]);
      max = scales.max;
      sum = merged(sum, blocks.sum[b][query], scales);
      out = merged(out, blocks.out[b][query][channel], scales);
    }
    float* sums = part_sums(p, tile.row(query), blockIdx.z, tile.head(query));
    sums[channel] = out;
    if (channel == 0) {
      sums[head_dim] = max;
      sums[head_dim + 1] = sum;
    }
  }
}

NEMO_KERNEL(attention_split_64)(const AttentionArgs p) { attend_split<64>(p); }
NEMO_KERNEL(attention_split_128)(const AttentionArgs p) { attend_split<128>(p); }

// A block to a head (x) of a row (y), a thread to a channel: parts upwards. Where there are more
// than one launch has room for, `out` and `carry` hold the sums between launches.
NEMO_KERNEL(attention_merge)(const AttentionArgs p) {
  const std::int64_t head = blockIdx.x, row = blockIdx.y, channel = threadIdx.x;
  const SpanArgs& span = p.spans[p.row_spans[row]];
  if (span.kv_type == KvType::kF32) return;
  const std::int64_t n_positions = span.position + row - span.first_row + 1;
  const std::int64_t n_left = (n_positions + kAttentionPart - 1) / kAttentionPart - p.first_part;
  if (n_left <= 0) return;
  float* carry = p.carry + 2 * (row * p.n_heads + head);
  float* carried = p.out + (row * p.n_heads + head) * p.head_dim + channel;
  float max = -INFINITY, sum = 0.0f, out = 0.0f;
  if (p.first_part > 0) {
    max = carry[0];
    sum = carry[1];
    out = *carried;
  }
  const std::int64_t n = n_left < p.n_parts ? n_left : p.n_parts;
  for (std::int64_t part = 0; part < n; ++part) {
    const float* sums = part_sums(p, row, part, head);
    const MergeScales scales = merge_scales(max, sums[p.head_dim]);
    max = scales.max;
    sum = merged(sum, sums[p.head_dim + 1], scales);
    out = merged(out, sums[channel], scales);
  }
  if (n_left <= p.n_parts) return store_attended(p, row, head, channel, out / sum);
  *carried = out;
  __syncthreads();  // the carry has been read
  if (channel != 0) return;
  carry[0] = max;
  carry[1] = sum;
}

}  // namespace nemotron::kernels::cuda
