// Sixteen lanes at a time: exp and silu with the bits of kernels/common/math.h, tails, and sums
// with one order.
#pragma once

#include <cstdint>

#include "kernels/cpu/avx512/target.h"

namespace nemotron::kernels::avx512 {

inline constexpr std::int64_t kLanes = 16;

// The lanes of a vector that begins at element i of n: all sixteen, or the rest.
NEMO_INLINE_AVX512 __mmask16 lanes_from(std::int64_t i, std::int64_t n) {
  return n - i >= kLanes ? __mmask16{0xffff} : static_cast<__mmask16>((1u << (n - i)) - 1u);
}

// bf16 to floats; to the nearest bf16, ties to even. (One that would be subnormal becomes zero.)
NEMO_INLINE_AVX512 __m512 widen(__m256i bf16) {
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(bf16), 16));
}
NEMO_INLINE_AVX512 __m256i narrow(__m512 x) { return (__m256i)_mm512_cvtneps_pbh(x); }

NEMO_INLINE_AVX512 __m512 exp2_int(__m512i n) {
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_add_epi32(n, _mm512_set1_epi32(127)), 23));
}

// The same operations in the same order as exp_f32().
NEMO_INLINE_AVX512 __m512 exp_ps(__m512 x) {
  x = _mm512_max_ps(_mm512_set1_ps(-104.0f), x);  // the second operand is returned for NaN
  x = _mm512_min_ps(_mm512_set1_ps(89.0f), x);
  const __m512 round = _mm512_set1_ps(12582912.0f);
  const __m512 shifted =
      _mm512_add_ps(_mm512_mul_ps(x, _mm512_set1_ps(1.44269504088896341f)), round);
  const __m512 n = _mm512_sub_ps(shifted, round);
  const __m512 r = _mm512_add_ps(_mm512_sub_ps(x, _mm512_mul_ps(n, _mm512_set1_ps(0.693359375f))),
                                 _mm512_mul_ps(n, _mm512_set1_ps(2.12194440e-4f)));
  __m512 p = _mm512_set1_ps(1.9875691500e-4f);
  for (const float c :
       {1.3981999507e-3f, 8.3334519073e-3f, 4.1665795894e-2f, 1.6666665459e-1f, 5.0000001201e-1f})
    p = _mm512_add_ps(_mm512_mul_ps(p, r), _mm512_set1_ps(c));
  const __m512 y =
      _mm512_add_ps(_mm512_add_ps(_mm512_mul_ps(p, _mm512_mul_ps(r, r)), r), _mm512_set1_ps(1.0f));
  const __m512i whole = _mm512_sub_epi32(_mm512_castps_si512(shifted), _mm512_castps_si512(round));
  const __m512i half = _mm512_srai_epi32(whole, 1);
  return _mm512_mul_ps(_mm512_mul_ps(y, exp2_int(half)), exp2_int(_mm512_sub_epi32(whole, half)));
}

NEMO_INLINE_AVX512 __m512 silu_ps(__m512 x) {
  const __m512 minus_x = _mm512_xor_ps(x, _mm512_set1_ps(-0.0f));
  return _mm512_div_ps(x, _mm512_add_ps(_mm512_set1_ps(1.0f), exp_ps(minus_x)));
}

// ((l0 + l8) + (l4 + l12)) + ..., a tree that halves the vector four times.
NEMO_INLINE_AVX512 float sum_lanes(__m512 v) {
  const __m256 eight = _mm256_add_ps(_mm512_castps512_ps256(v), _mm512_extractf32x8_ps(v, 1));
  const __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
  const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}

}  // namespace nemotron::kernels::avx512
