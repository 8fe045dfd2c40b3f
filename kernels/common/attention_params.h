// Attention over keys and values in blocks of 64 positions.
#pragma once

#include <cstddef>
#include <cstdint>

namespace nemotron::kernels {

inline constexpr std::int64_t kKvBlockTokens = 64;

inline constexpr std::int64_t kKvScaleChannels = 32;  // of one position that share a scale in q8

// kQ8: integers in [-127, 127] times a bf16 scale; head_dim is a multiple of 32.
enum class KvType : std::uint8_t { kBF16, kF32, kQ8 };

// 64 positions of the keys, or values, of one KV head.
constexpr std::int64_t kv_head_bytes(KvType type, std::int64_t head_dim) {
  const std::int64_t n = kKvBlockTokens * head_dim;
  if (type == KvType::kQ8) return n + n / kKvScaleChannels * 2;
  return n * (type == KvType::kF32 ? 4 : 2);
}

// Where the keys and values of one attention layer lie inside the blocks of a sequence.
// A block holds, for each attention layer, the keys of its KV heads one after another, then their
// values. The keys of one head lie [head_dim, 64], its values [64, head_dim]: scores run along
// positions, sums of values along head_dim, and neither crosses lanes. In q8 the scales of a head
// follow its integers: [head_dim / 32, 64] behind keys, [64, head_dim / 32] behind values.
struct KvView {
  void* const* blocks = nullptr;  // block b holds positions [64 b, 64 b + 64)
  std::int64_t key_offset_bytes = 0;
  std::int64_t value_offset_bytes = 0;
  KvType type = KvType::kBF16;
};

// Where the keys or values (by their offset) of one KV head begin in the block of `position`.
inline std::byte* kv_head_part(const KvView& kv, std::int64_t offset_bytes, std::int64_t position,
                               std::int64_t head, std::int64_t head_dim) {
  return static_cast<std::byte*>(kv.blocks[position / kKvBlockTokens]) + offset_bytes +
         head * kv_head_bytes(kv.type, head_dim);
}

// Rounds the span's keys and values to the stored type and puts them at their positions.
struct KvStoreParams {
  const float* k = nullptr;  // [n_rows, n_kv_heads * head_dim]
  const float* v = nullptr;  // as k
  KvView kv;
  std::int64_t n_rows = 0;
  std::int64_t position = 0;  // of the first row
  std::int64_t n_kv_heads = 0;
  std::int64_t head_dim = 0;
};

// Causal attention of the span's rows over all positions up to their own, read as stored.
// Per output: partial softmax sums per 64 absolute positions, merged in ascending order.
//
// A call covers the KV blocks [begin_block, end_block). Parts that follow one another upwards from
// 0 give the bytes of one call over all blocks: `carry` and `out` hold the sums between them. The
// part that begins at 0 starts a row's sums; the part that holds a row's own position divides them,
// and later parts leave the row alone.
struct AttentionParams {
  const float* q = nullptr;  // [n_rows, n_heads * head_dim]
  KvView kv;
  float* out = nullptr;    // [n_rows, n_heads * head_dim]
  float* carry = nullptr;  // [n_rows, n_heads, 2]: largest score so far, sum of weights
  std::int64_t begin_block = 0;
  std::int64_t end_block = 0;
  std::int64_t n_rows = 0;
  std::int64_t position = 0;  // of the first row
  std::int64_t n_heads = 0;   // query head j reads kv head j / (n_heads / n_kv_heads)
  std::int64_t n_kv_heads = 0;
  std::int64_t head_dim = 0;  // at most kMaxHeadDim
  float scale = 0.0f;
};

inline constexpr std::int64_t kMaxHeadDim = 512;

// Blocks that the span's last row sees: the end of the last part.
inline std::int64_t attention_blocks(std::int64_t position, std::int64_t n_rows) {
  return (position + n_rows + kKvBlockTokens - 1) / kKvBlockTokens;
}

}  // namespace nemotron::kernels
