// Causal group-query attention over KV blocks of 64 positions. The query heads of a KV head share
// its loads. Scores and sums of values are the same loop: sixteen lanes, of positions or of
// channels, a chain of FMA each. The partial of each block is complete before it is merged, in
// ascending order.
#if defined(__aarch64__)
#include <algorithm>
#include <cmath>
#include <cstddef>

#include "base/float_types.h"
#include "kernels/common/math.h"
#include "kernels/cpu/attend_heads.h"
#include "kernels/cpu/neon/neon_kernels.h"
#include "kernels/cpu/neon/vector_math.h"
#include "kernels/cpu/ref/ref_kernels.h"

namespace nemotron::kernels::neon {

namespace {

// 5 heads x 4 vectors of sums, 4 of keys or values
constexpr int kVectors = 4;
constexpr std::int64_t kPiece = kVectors * kLanes;  // of positions or channels

// Four lanes of a KV head's keys (row: a channel, lanes: positions) or values (row: a position,
// lanes: channels). f32 and bf16: elements alone.
template <typename Element>
class KvReader {
 public:
  KvReader(const std::byte* part, std::int64_t head_dim)
      : data_(reinterpret_cast<const Element*>(part)), head_dim_(head_dim) {}

  NEMO_INLINE_NEON float32x4_t keys(std::int64_t channel, std::int64_t position) const {
    return load_lanes(data_ + channel * kKvBlockTokens + position);
  }
  NEMO_INLINE_NEON float32x4_t values(std::int64_t channel, std::int64_t position) const {
    return load_lanes(data_ + position * head_dim_ + channel);
  }

 protected:
  const Element* data_;
  std::int64_t head_dim_;
};

// q8: integers, and behind them a bf16 scale for every 32 channels of a position.
class Q8KvReader : private KvReader<std::int8_t> {
 public:
  Q8KvReader(const std::byte* part, std::int64_t head_dim)
      : KvReader<std::int8_t>(part, head_dim),
        scales_(reinterpret_cast<const bf16_bits*>(part + kKvBlockTokens * head_dim)) {}

  NEMO_INLINE_NEON float32x4_t keys(std::int64_t channel, std::int64_t position) const {
    const bf16_bits* scales = scales_ + channel / kKvScaleChannels * kKvBlockTokens;
    return vmulq_f32(KvReader::keys(channel, position), load_lanes(scales + position));
  }
  NEMO_INLINE_NEON float32x4_t values(std::int64_t channel, std::int64_t position) const {
    const bf16_bits scale = scales_[(position * head_dim_ + channel) / kKvScaleChannels];
    return vmulq_n_f32(KvReader::values(channel, position), bf16_to_float(scale));
  }

 private:
  const bf16_bits* scales_;
};

// kHeads neighbouring query heads of one row, and the block they look at.
template <typename Reader, int kHeads>
struct SharedHeads {
  const AttentionParams& p;
  const float* q;                  // [kHeads, head_dim]
  float* out;                      // [kHeads, head_dim]: sums of values, relative to the maximum
  float* carry;                    // [kHeads, 2]
  float old_scale[kHeads] = {};    // of the sums so far, and of the block's: both to the new
  float block_scale[kHeads] = {};  // maximum
  float weights[kHeads][kKvBlockTokens] = {};

  // s[h] <- sum over rows [0, n_rows) of factors[h * stride + row] * load(row, lane).
  template <typename Load>
  NEMO_INLINE_NEON static void sum(const float* factors, std::int64_t stride, std::int64_t n_rows,
                                   Load load, float32x4_t (&s)[kHeads][kVectors]) {
#pragma GCC unroll 5
    for (int h = 0; h < kHeads; ++h)
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v) s[h][v] = vdupq_n_f32(0.0f);
    for (std::int64_t row = 0; row < n_rows; ++row) {
      float32x4_t lanes[kVectors];
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v) lanes[v] = load(row, v * kLanes);
#pragma GCC unroll 5
      for (int h = 0; h < kHeads; ++h)
#pragma GCC unroll 4
        for (int v = 0; v < kVectors; ++v)
          s[h][v] = vfmaq_n_f32(s[h][v], lanes[v], factors[h * stride + row]);
    }
  }

  // Scores of all 64 positions of a block; those from n on are made -infinity.
  void score(Reader k, std::int64_t n) {
    const std::int32_t kFirstFour[kLanes] = {0, 1, 2, 3};
    const int32x4_t end = vdupq_n_s32(static_cast<std::int32_t>(n));
    for (std::int64_t i = 0; i < kKvBlockTokens; i += kPiece) {
      float32x4_t s[kHeads][kVectors];
      sum(
          q, p.head_dim, p.head_dim,
          [&](std::int64_t d, std::int64_t lane) { return k.keys(d, i + lane); }, s);
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v) {
        const std::int64_t first = i + v * kLanes;
        const int32x4_t position =
            vaddq_s32(vld1q_s32(kFirstFour), vdupq_n_s32(static_cast<std::int32_t>(first)));
        const uint32x4_t is_seen = vcltq_s32(position, end);
#pragma GCC unroll 5
        for (int h = 0; h < kHeads; ++h)
          vst1q_f32(weights[h] + first,
                    vbslq_f32(is_seen, vmulq_n_f32(s[h][v], p.scale), vdupq_n_f32(-INFINITY)));
      }
    }
  }

  // Scores to weights relative to the block's maximum; merges the block's maximum and sum.
  void weigh(int h) {
    float32x4_t largest = vld1q_f32(weights[h]);
    for (std::int64_t i = kLanes; i < kKvBlockTokens; i += kLanes)
      largest = vmaxq_f32(largest, vld1q_f32(weights[h] + i));
    const float block_max = vmaxvq_f32(largest);
    float32x4_t total = vdupq_n_f32(0.0f);
    for (std::int64_t i = 0; i < kKvBlockTokens; i += kLanes) {
      const float32x4_t s = vld1q_f32(weights[h] + i);
      const uint32x4_t is_unseen = vceqq_f32(s, vdupq_n_f32(-INFINITY));
      const float32x4_t e = exp_ps(vsubq_f32(s, vdupq_n_f32(block_max)));
      const float32x4_t w = vreinterpretq_f32_u32(vbicq_u32(vreinterpretq_u32_f32(e), is_unseen));
      vst1q_f32(weights[h] + i, w);
      total = vaddq_f32(total, w);
    }
    const float max = std::max(carry[2 * h], block_max);
    old_scale[h] = exp_f32(carry[2 * h] - max);
    block_scale[h] = exp_f32(block_max - max);
    carry[2 * h] = max;
    carry[2 * h + 1] = carry[2 * h + 1] * old_scale[h] + vaddvq_f32(total) * block_scale[h];
  }

  // out <- old_scale * out + block_scale * sum over the block's n positions of weight * value.
  void add_values(Reader values, std::int64_t n) {
    for (std::int64_t d = 0; d < p.head_dim; d += kPiece) {
      float32x4_t s[kHeads][kVectors];
      sum(
          weights[0], kKvBlockTokens, n,
          [&](std::int64_t i, std::int64_t lane) { return values.values(d + lane, i); }, s);
#pragma GCC unroll 5
      for (int h = 0; h < kHeads; ++h) {
#pragma GCC unroll 4
        for (int v = 0; v < kVectors; ++v) {
          float* o = out + h * p.head_dim + d + v * kLanes;
          const float32x4_t before = vmulq_n_f32(vld1q_f32(o), old_scale[h]);
          vst1q_f32(o, vfmaq_n_f32(before, s[h][v], block_scale[h]));
        }
      }
    }
  }
};

}  // namespace

void attention(const AttentionParams& p, std::int64_t first, std::int64_t last) {
  if (p.head_dim % kPiece != 0) return ref::attention(p, first, last);
  switch (p.kv.type) {
    case KvType::kF32:
      return attend_pairs<SharedHeads, KvReader<float>>(p, first, last);
    case KvType::kBF16:
      return attend_pairs<SharedHeads, KvReader<bf16_bits>>(p, first, last);
    case KvType::kQ8:
      return attend_pairs<SharedHeads, Q8KvReader>(p, first, last);
  }
}

}  // namespace nemotron::kernels::neon
#endif
