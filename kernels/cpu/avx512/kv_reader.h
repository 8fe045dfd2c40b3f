// How keys and values of one KV head in one block are read, sixteen lanes at a time, whatever type
// they are stored in. kernels/common/attention_params.h says how they lie.
#pragma once

#include <cstdint>

#include "base/float_types.h"
#include "kernels/common/attention_params.h"
#include "kernels/cpu/avx512/vector_math.h"

namespace nemotron::kernels::avx512 {

inline constexpr int kBlockVectors = 4;  // of positions, and of channels, that are read together

NEMO_INLINE_AVX512 void prefetch_line(const void* from) {
  _mm_prefetch(static_cast<const char*>(from), _MM_HINT_T1);
}

NEMO_INLINE_AVX512 __m512 load_lanes(const float* from, __mmask16 lanes) {
  return _mm512_maskz_loadu_ps(lanes, from);
}
NEMO_INLINE_AVX512 __m512 load_lanes(const bf16_bits* from, __mmask16 lanes) {
  return widen(_mm256_maskz_loadu_epi16(lanes, from));
}
NEMO_INLINE_AVX512 __m512 load_lanes(const std::int8_t* from, __mmask16 lanes) {
  return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_maskz_loadu_epi8(lanes, from)));
}

// f32: elements alone. `next` is the part that is read after this one, as large as it.
template <typename Element>
class KvReader {
 public:
  KvReader(const std::byte* part, const std::byte* next, std::int64_t head_dim)
      : data_(reinterpret_cast<const Element*>(part)),
        next_(reinterpret_cast<const Element*>(next)),
        head_dim_(head_dim) {}

  // Before the keys of channels [d, d + 32): nothing to prepare.
  NEMO_INLINE_AVX512 void begin_keys(std::int64_t) {}
  // Channel d of positions [16 v, 16 v + 16).
  NEMO_INLINE_AVX512 __m512 keys(std::int64_t d, int v) const {
    return load(d * kKvBlockTokens, v, __mmask16{0xffff});
  }

  // Before the values of position i, channels [d, d + 64).
  NEMO_INLINE_AVX512 void begin_values(std::int64_t, std::int64_t) {}
  // Channels [d + 16 v, d + 16 v + 16) of position i, those of `lanes`.
  NEMO_INLINE_AVX512 __m512 values(std::int64_t i, std::int64_t d, int v, __mmask16 lanes) const {
    return load(i * head_dim_ + d, v, lanes);
  }

 protected:
  NEMO_INLINE_AVX512 __m512 load(std::int64_t element, int v, __mmask16 lanes) const {
    constexpr int kVectorsPerLine = 4 / static_cast<int>(sizeof(Element));
    if (v % kVectorsPerLine == 0) prefetch_line(next_ + element + v * kLanes);
    return load_lanes(data_ + element + v * kLanes, lanes);
  }

  const Element* data_;
  const Element* next_;
  std::int64_t head_dim_;
};

// bf16, for products of pairs: two neighbouring rows at a time, 64 elements of each.
class Bf16KvReader {
 public:
  Bf16KvReader(const std::byte* part, const std::byte* next, std::int64_t)
      : data_(reinterpret_cast<const bf16_bits*>(part)),
        next_(reinterpret_cast<const bf16_bits*>(next)) {}

  // Which of 64 elements of a row to read.
  struct Selected {
    __mmask32 half[2];
    NEMO_INLINE_AVX512 static Selected first_n(std::int64_t n) {
      const auto mask = n >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << n) - 1;
      return {{static_cast<__mmask32>(mask), static_cast<__mmask32>(mask >> 32)}};
    }
  };

  // The row that begins at element `first` and the one `stride` behind it, or zeros where there is
  // none, element beside element: of every eight, four in one vector and four in the next. What is
  // not selected is zero.
  NEMO_INLINE_AVX512 void interleave(std::int64_t first, std::int64_t stride, bool has_second,
                                     Selected selected, __m512i (&pairs)[kBlockVectors]) const {
#pragma GCC unroll 2
    for (int i = 0; i < 2; ++i) {
      const std::int64_t element = first + i * 2 * kLanes;
      const __m512i low = load(element, selected.half[i]);
      const __m512i high =
          has_second ? load(element + stride, selected.half[i]) : _mm512_setzero_si512();
      pairs[2 * i] = _mm512_unpacklo_epi16(low, high);
      pairs[2 * i + 1] = _mm512_unpackhi_epi16(low, high);
    }
  }

 private:
  NEMO_INLINE_AVX512 __m512i load(std::int64_t element, __mmask32 mask) const {
    prefetch_line(next_ + element);
    return _mm512_maskz_loadu_epi16(mask, data_ + element);
  }

  const bf16_bits* data_;
  const bf16_bits* next_;
};

// q8: integers, and behind them a bf16 scale for every 32 channels of a position. An integer times
// its scale is exact in f32.
class Q8KvReader : private KvReader<std::int8_t> {
 public:
  Q8KvReader(const std::byte* part, const std::byte* next, std::int64_t head_dim)
      : KvReader<std::int8_t>(part, next, head_dim),
        scales_(reinterpret_cast<const bf16_bits*>(data_ + kKvBlockTokens * head_dim)),
        next_scales_(reinterpret_cast<const bf16_bits*>(next_ + kKvBlockTokens * head_dim)) {}

  NEMO_INLINE_AVX512 void begin_keys(std::int64_t d) {
    const std::int64_t first = d / kKvScaleChannels * kKvBlockTokens;
#pragma GCC unroll 4
    for (int v = 0; v < kBlockVectors; ++v)
      scale_[v] = load_lanes(scales_ + first + v * kLanes, __mmask16{0xffff});
    prefetch_line(next_scales_ + first);
    prefetch_line(next_scales_ + first + kKvBlockTokens / 2);
  }
  NEMO_INLINE_AVX512 __m512 keys(std::int64_t d, int v) const {
    return _mm512_mul_ps(KvReader::keys(d, v), scale_[v]);
  }

  NEMO_INLINE_AVX512 void begin_values(std::int64_t i, std::int64_t d) {
    const std::int64_t first = (i * head_dim_ + d) / kKvScaleChannels;
    const bool has_second = d + kKvScaleChannels < head_dim_;
    scale_[0] = scale_[1] = broadcast(scales_ + first);
    scale_[2] = scale_[3] = broadcast(scales_ + first + (has_second ? 1 : 0));
    prefetch_line(next_scales_ + first);
  }
  NEMO_INLINE_AVX512 __m512 values(std::int64_t i, std::int64_t d, int v, __mmask16 lanes) const {
    return _mm512_mul_ps(KvReader::values(i, d, v, lanes), scale_[v]);
  }

 private:
  NEMO_INLINE_AVX512 static __m512 broadcast(const bf16_bits* scale) {
    const __m512i both_halves = _mm512_set1_epi16(static_cast<short>(*scale));
    return _mm512_castsi512_ps(_mm512_slli_epi32(both_halves, 16));
  }

  const bf16_bits* scales_;
  const bf16_bits* next_scales_;
  __m512 scale_[kBlockVectors];
};

}  // namespace nemotron::kernels::avx512
