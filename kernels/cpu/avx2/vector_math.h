// Eight lanes at a time: exp and silu with the bits of kernels/common/math.h, tails, and sums with
// one order. Functions carry the level's target as an attribute.
#pragma once

#include <cstdint>

#include "base/float_types.h"
#include "kernels/cpu/intrinsics.h"

#define NEMO_TARGET_AVX2 __attribute__((target("avx2,fma,f16c")))
// For what must not survive as a function of its own: it is part of a loop.
#define NEMO_INLINE_AVX2 NEMO_TARGET_AVX2 __attribute__((always_inline)) inline

namespace nemotron::kernels::avx2 {

inline constexpr std::int64_t kLanes = 8;

// The lanes of a vector that begins at element i of n: all eight, or the rest.
NEMO_INLINE_AVX2 __m256i lanes_from(std::int64_t i, std::int64_t n) {
  const int left = n - i >= kLanes ? static_cast<int>(kLanes) : static_cast<int>(n - i);
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(left), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

// Eight stored values as floats.
NEMO_INLINE_AVX2 __m256 load_lanes(const float* from) { return _mm256_loadu_ps(from); }
NEMO_INLINE_AVX2 __m256 load_lanes(const bf16_bits* from) {
  const __m128i halves = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
  return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(halves), 16));
}

NEMO_INLINE_AVX2 __m256 load_lanes(const std::int8_t* from) {
  return _mm256_cvtepi32_ps(
      _mm256_cvtepi8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(from))));
}

// ((l0 + l4) + (l2 + l6)) + ((l1 + l5) + (l3 + l7))
NEMO_INLINE_AVX2 float sum_lanes(__m256 v) {
  const __m128 four = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
  const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}

NEMO_INLINE_AVX2 float max_lanes(__m256 v) {
  const __m128 four = _mm_max_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
  const __m128 two = _mm_max_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_max_ss(two, _mm_movehdup_ps(two)));
}

NEMO_INLINE_AVX2 __m256 exp2_int(__m256i n) {
  return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(n, _mm256_set1_epi32(127)), 23));
}

// The same operations in the same order as exp_f32().
NEMO_INLINE_AVX2 __m256 exp_ps(__m256 x) {
  x = _mm256_max_ps(_mm256_set1_ps(-104.0f), x);  // the second operand is returned for NaN
  x = _mm256_min_ps(_mm256_set1_ps(89.0f), x);
  const __m256 round = _mm256_set1_ps(12582912.0f);
  const __m256 shifted =
      _mm256_add_ps(_mm256_mul_ps(x, _mm256_set1_ps(1.44269504088896341f)), round);
  const __m256 n = _mm256_sub_ps(shifted, round);
  const __m256 r = _mm256_add_ps(_mm256_sub_ps(x, _mm256_mul_ps(n, _mm256_set1_ps(0.693359375f))),
                                 _mm256_mul_ps(n, _mm256_set1_ps(2.12194440e-4f)));
  __m256 p = _mm256_set1_ps(1.9875691500e-4f);
  for (const float c :
       {1.3981999507e-3f, 8.3334519073e-3f, 4.1665795894e-2f, 1.6666665459e-1f, 5.0000001201e-1f})
    p = _mm256_add_ps(_mm256_mul_ps(p, r), _mm256_set1_ps(c));
  const __m256 y =
      _mm256_add_ps(_mm256_add_ps(_mm256_mul_ps(p, _mm256_mul_ps(r, r)), r), _mm256_set1_ps(1.0f));
  const __m256i whole = _mm256_sub_epi32(_mm256_castps_si256(shifted), _mm256_castps_si256(round));
  const __m256i half = _mm256_srai_epi32(whole, 1);
  return _mm256_mul_ps(_mm256_mul_ps(y, exp2_int(half)), exp2_int(_mm256_sub_epi32(whole, half)));
}

NEMO_INLINE_AVX2 __m256 silu_ps(__m256 x) {
  const __m256 minus_x = _mm256_xor_ps(x, _mm256_set1_ps(-0.0f));
  return _mm256_div_ps(x, _mm256_add_ps(_mm256_set1_ps(1.0f), exp_ps(minus_x)));
}

}  // namespace nemotron::kernels::avx2
