// Causal group-query attention over KV blocks of 64 positions. The query heads of a KV head share
// its loads. Scores and sums of values are the same loop: sixteen lanes, of positions or of
// channels, a chain of FMA each. The partial of each block is complete before it is merged, in
// ascending order.
#if defined(__x86_64__)
#include <algorithm>
#include <cmath>
#include <cstddef>

#include "base/float_types.h"
#include "kernels/common/math.h"
#include "kernels/cpu/attend_heads.h"
#include "kernels/cpu/avx2/avx2_kernels.h"
#include "kernels/cpu/avx2/vector_math.h"
#include "kernels/cpu/ref/ref_kernels.h"

namespace nemotron::kernels::avx2 {

namespace {

// 5 heads x 2 vectors of sums, 2 of keys or values
constexpr int kVectors = 2;
constexpr std::int64_t kPiece = kVectors * kLanes;  // of positions or channels

// Sixteen lanes of a KV head's keys (row: a channel, lanes: positions) or values (row: a position,
// lanes: channels). f32 and bf16: elements alone.
template <typename Element>
class KvReader {
 public:
  KvReader(const std::byte* part, std::int64_t head_dim)
      : data_(reinterpret_cast<const Element*>(part)), head_dim_(head_dim) {}

  NEMO_INLINE_AVX2 __m256 keys(std::int64_t channel, std::int64_t position) const {
    return load_lanes(data_ + channel * kKvBlockTokens + position);
  }
  NEMO_INLINE_AVX2 __m256 values(std::int64_t channel, std::int64_t position) const {
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

  NEMO_INLINE_AVX2 __m256 keys(std::int64_t channel, std::int64_t position) const {
    const bf16_bits* scales = scales_ + channel / kKvScaleChannels * kKvBlockTokens;
    return _mm256_mul_ps(KvReader::keys(channel, position), load_lanes(scales + position));
  }
  NEMO_INLINE_AVX2 __m256 values(std::int64_t channel, std::int64_t position) const {
    const bf16_bits scale = scales_[(position * head_dim_ + channel) / kKvScaleChannels];
    return _mm256_mul_ps(KvReader::values(channel, position), _mm256_set1_ps(bf16_to_float(scale)));
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
  alignas(32) float weights[kHeads][kKvBlockTokens] = {};

  // s[h] <- sum over rows [0, n_rows) of factors[h * stride + row] * load(row, vector).
  template <typename Load>
  NEMO_INLINE_AVX2 static void sum(const float* factors, std::int64_t stride, std::int64_t n_rows,
                                   Load load, __m256 (&s)[kHeads][kVectors]) {
#pragma GCC unroll 5
    for (int h = 0; h < kHeads; ++h) s[h][0] = s[h][1] = _mm256_setzero_ps();
    for (std::int64_t row = 0; row < n_rows; ++row) {
      const __m256 low = load(row, 0);
      const __m256 high = load(row, kLanes);
#pragma GCC unroll 5
      for (int h = 0; h < kHeads; ++h) {
        const __m256 factor = _mm256_set1_ps(factors[h * stride + row]);
        s[h][0] = _mm256_fmadd_ps(factor, low, s[h][0]);
        s[h][1] = _mm256_fmadd_ps(factor, high, s[h][1]);
      }
    }
  }

  // Scores of all 64 positions of a block; those from n on are made -infinity.
  NEMO_TARGET_AVX2 void score(Reader k, std::int64_t n) {
    const __m256 scale = _mm256_set1_ps(p.scale);
    for (std::int64_t i = 0; i < kKvBlockTokens; i += kPiece) {
      __m256 s[kHeads][kVectors];
      const auto load = [&](std::int64_t d, std::int64_t lane)
                            NEMO_TARGET_AVX2 { return k.keys(d, i + lane); };
      sum(q, p.head_dim, p.head_dim, load, s);
#pragma GCC unroll 5
      for (int h = 0; h < kHeads; ++h) {
#pragma GCC unroll 2
        for (int v = 0; v < kVectors; ++v) {
          const std::int64_t first = i + v * kLanes;
          const __m256 seen =
              _mm256_castsi256_ps(lanes_from(0, std::max<std::int64_t>(0, n - first)));
          _mm256_store_ps(
              weights[h] + first,
              _mm256_blendv_ps(_mm256_set1_ps(-INFINITY), _mm256_mul_ps(s[h][v], scale), seen));
        }
      }
    }
  }

  // Scores to weights relative to the block's maximum; merges the block's maximum and sum.
  NEMO_TARGET_AVX2 void weigh(int h) {
    __m256 largest = _mm256_load_ps(weights[h]);
    for (std::int64_t i = kLanes; i < kKvBlockTokens; i += kLanes)
      largest = _mm256_max_ps(largest, _mm256_load_ps(weights[h] + i));
    const float block_max = max_lanes(largest);
    __m256 total = _mm256_setzero_ps();
    for (std::int64_t i = 0; i < kKvBlockTokens; i += kLanes) {
      const __m256 s = _mm256_load_ps(weights[h] + i);
      const __m256 unseen = _mm256_cmp_ps(s, _mm256_set1_ps(-INFINITY), _CMP_EQ_OQ);
      const __m256 w =
          _mm256_andnot_ps(unseen, exp_ps(_mm256_sub_ps(s, _mm256_set1_ps(block_max))));
      _mm256_store_ps(weights[h] + i, w);
      total = _mm256_add_ps(total, w);
    }
    const float max = std::max(carry[2 * h], block_max);
    old_scale[h] = exp_f32(carry[2 * h] - max);
    block_scale[h] = exp_f32(block_max - max);
    carry[2 * h] = max;
    carry[2 * h + 1] = carry[2 * h + 1] * old_scale[h] + sum_lanes(total) * block_scale[h];
  }

  // out <- old_scale * out + block_scale * sum over the block's n positions of weight * value.
  NEMO_TARGET_AVX2 void add_values(Reader values, std::int64_t n) {
    for (std::int64_t d = 0; d < p.head_dim; d += kPiece) {
      __m256 s[kHeads][kVectors];
      const auto load = [&](std::int64_t i, std::int64_t lane)
                            NEMO_TARGET_AVX2 { return values.values(d + lane, i); };
      sum(weights[0], kKvBlockTokens, n, load, s);
#pragma GCC unroll 5
      for (int h = 0; h < kHeads; ++h) {
#pragma GCC unroll 2
        for (int v = 0; v < kVectors; ++v) {
          float* o = out + h * p.head_dim + d + v * kLanes;
          const __m256 before = _mm256_mul_ps(_mm256_loadu_ps(o), _mm256_set1_ps(old_scale[h]));
          _mm256_storeu_ps(o, _mm256_fmadd_ps(s[h][v], _mm256_set1_ps(block_scale[h]), before));
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

}  // namespace nemotron::kernels::avx2
#endif
