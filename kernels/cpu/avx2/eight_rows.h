// Eight of the sixteen rows of a tile as a file has them, read crosswise: the same bytes of all
// rows become the lanes of a vector. Whole columns are loaded and transposed in registers, since
// gathers cost several times as much. Lanes are written where the rows' outputs lie in a tile.
#pragma once

#if defined(__x86_64__)
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "kernels/common/linear_params.h"
#include "kernels/cpu/avx2/vector_math.h"
#include "kernels/cpu/packed_weight.h"

namespace nemotron::kernels::avx2 {

// Lane r of word[k]: bytes 4 k to 4 k + 3, of 16, of row r.
struct Quad {
  __m256i word[4];
};

class EightRows {
 public:
  // Rows 8 * half to 8 * half + 7.
  EightRows(const PackTileParams& p, int half) : half_(half) {
    const std::int64_t bytes = row_bytes(p.type, p.n_in);
    for (std::size_t r = 0; r < row_.size(); ++r) {
      const std::int64_t row = kLanes * half + static_cast<std::int64_t>(r);
      // a missing row reads the last one
      row_[r] = static_cast<const std::byte*>(p.rows) + std::min(row, p.n_rows - 1) * bytes;
      present_[r] = row < p.n_rows ? -1 : 0;
    }
  }

  // The 16 bytes at `offset` of each row; zero for rows that are missing. Words that are not used
  // cost nothing.
  NEMO_INLINE_AVX2 Quad at(std::int64_t offset) const {
    const __m256i a = two_rows(0, offset);
    const __m256i b = two_rows(1, offset);
    const __m256i c = two_rows(2, offset);
    const __m256i d = two_rows(3, offset);
    const __m256i ab_low = _mm256_unpacklo_epi32(a, b);
    const __m256i cd_low = _mm256_unpacklo_epi32(c, d);
    const __m256i ab_high = _mm256_unpackhi_epi32(a, b);
    const __m256i cd_high = _mm256_unpackhi_epi32(c, d);
    const __m256i present = _mm256_load_si256(reinterpret_cast<const __m256i*>(present_.data()));
    return {{_mm256_and_si256(present, _mm256_unpacklo_epi64(ab_low, cd_low)),
             _mm256_and_si256(present, _mm256_unpackhi_epi64(ab_low, cd_low)),
             _mm256_and_si256(present, _mm256_unpacklo_epi64(ab_high, cd_high)),
             _mm256_and_si256(present, _mm256_unpackhi_epi64(ab_high, cd_high))}};
  }

  // All bytes of the lanes, in a tile's vector.
  NEMO_INLINE_AVX2 void store(std::byte* to, int vector, __m256i value) const {
    std::byte* lanes = to + vector * kVectorBytes + half_ * (kVectorBytes / 2);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(lanes), value);
  }
  NEMO_INLINE_AVX2 void store(std::byte* to, int vector, const Quad& quad) const {
    for (int k = 0; k < 4; ++k) store(to, vector + k, quad.word[k]);
  }
  // The low halves of the lanes.
  NEMO_INLINE_AVX2 void store_halves(std::byte* to, __m256i value) const {
    const __m256i low = _mm256_and_si256(value, _mm256_set1_epi32(0xffff));
    const __m128i halves =
        _mm_packus_epi32(_mm256_castsi256_si128(low), _mm256_extracti128_si256(low, 1));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to + half_ * 2 * kLanes), halves);
  }
  // Two halves in a lane: the low ones of all lanes, then the high ones.
  NEMO_INLINE_AVX2 void store_both_halves(std::byte* to, __m256i value) const {
    store_halves(to, value);
    store_halves(to + kTileHalfBytes, _mm256_srli_epi32(value, 16));
  }
  // The low bytes of the lanes.
  NEMO_INLINE_AVX2 void store_bytes(std::byte* to, __m256i value) const {
    const __m256i low = _mm256_and_si256(value, _mm256_set1_epi32(0xff));
    const __m128i halves =
        _mm_packus_epi32(_mm256_castsi256_si128(low), _mm256_extracti128_si256(low, 1));
    _mm_storel_epi64(reinterpret_cast<__m128i*>(to + half_ * kLanes),
                     _mm_packus_epi16(halves, halves));
  }
  // Bytes 2 k and 2 k + 1 of sixteen: those of the halves of block k.
  NEMO_INLINE_AVX2 void store_two_bytes(std::byte* to, const Quad& sixteen, int k) const {
    const __m256i own = _mm256_srli_epi32(sixteen.word[k / 2], 16 * (k % 2));
    store_bytes(to, own);
    store_bytes(to + kTileRows, _mm256_srli_epi32(own, 8));
  }

 private:
  NEMO_INLINE_AVX2 __m256i two_rows(std::size_t first, std::int64_t offset) const {
    return _mm256_inserti128_si256(_mm256_castsi128_si256(load(first, offset)),
                                   load(first + 4, offset), 1);
  }
  NEMO_INLINE_AVX2 __m128i load(std::size_t r, std::int64_t offset) const {
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(row_[r] + offset));
  }

  alignas(32) std::array<std::int32_t, kLanes> present_{};
  std::array<const std::byte*, kLanes> row_{};
  int half_;
};

}  // namespace nemotron::kernels::avx2
#endif
