// The sixteen rows of a tile as a file has them, read crosswise: the same bytes of all rows become
// the lanes of a vector. Whole columns are loaded and transposed in registers, since gathers cost
// several times as much.
#pragma once

#if defined(__x86_64__)
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "kernels/common/linear_params.h"
#include "kernels/cpu/avx512/target.h"

namespace nemotron::kernels::avx512 {

// Lane r of word[k]: bytes 4 k to 4 k + 3, of 16, of row r.
struct Quad {
  __m512i word[4];
};

class TileRows {
 public:
  explicit TileRows(const PackTileParams& p)
      : present_(static_cast<__mmask16>((1u << p.n_rows) - 1u)) {
    const std::int64_t bytes = row_bytes(p.type, p.n_in);
    for (std::size_t r = 0; r < row_.size(); ++r)  // a missing row reads the last one
      row_[r] = static_cast<const std::byte*>(p.rows) +
                std::min(static_cast<std::int64_t>(r), p.n_rows - 1) * bytes;
  }

  // The 16 bytes at `offset` of each row; zero for rows that are missing. Words that are not used
  // cost nothing.
  NEMO_INLINE_AVX512 Quad at(std::int64_t offset) const {
    const __m512i a = every_fourth(0, offset);
    const __m512i b = every_fourth(1, offset);
    const __m512i c = every_fourth(2, offset);
    const __m512i d = every_fourth(3, offset);
    const __m512i ab_low = _mm512_unpacklo_epi32(a, b);
    const __m512i cd_low = _mm512_unpacklo_epi32(c, d);
    const __m512i ab_high = _mm512_unpackhi_epi32(a, b);
    const __m512i cd_high = _mm512_unpackhi_epi32(c, d);
    return {{_mm512_maskz_mov_epi32(present_, _mm512_unpacklo_epi64(ab_low, cd_low)),
             _mm512_maskz_mov_epi32(present_, _mm512_unpackhi_epi64(ab_low, cd_low)),
             _mm512_maskz_mov_epi32(present_, _mm512_unpacklo_epi64(ab_high, cd_high)),
             _mm512_maskz_mov_epi32(present_, _mm512_unpackhi_epi64(ab_high, cd_high))}};
  }

 private:
  // Rows first, first + 4, first + 8 and first + 12, 16 bytes each.
  NEMO_INLINE_AVX512 __m512i every_fourth(std::size_t first, std::int64_t offset) const {
    __m512i v = _mm512_castsi128_si512(load(first, offset));
    v = _mm512_inserti32x4(v, load(first + 4, offset), 1);
    v = _mm512_inserti32x4(v, load(first + 8, offset), 2);
    return _mm512_inserti32x4(v, load(first + 12, offset), 3);
  }
  NEMO_INLINE_AVX512 __m128i load(std::size_t r, std::int64_t offset) const {
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(row_[r] + offset));
  }

  std::array<const std::byte*, kTileRows> row_;
  __mmask16 present_;
};

}  // namespace nemotron::kernels::avx512
#endif
