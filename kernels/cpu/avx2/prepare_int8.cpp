// Activations to int8, with the bytes that `avx512` gives them.
#if defined(__x86_64__)
#include <cstring>

#include "kernels/cpu/avx2/linear_int8.h"
#include "kernels/cpu/avx2/vector_math.h"

namespace nemotron::kernels::avx2 {

namespace {

constexpr int kVectors = static_cast<int>(kBlockColumns / kLanes);

NEMO_INLINE_AVX2 std::int32_t sum_of(__m256i first, __m256i second) {
  const __m256i eight = _mm256_add_epi32(first, second);
  const __m128i four =
      _mm_add_epi32(_mm256_castsi256_si128(eight), _mm256_extracti128_si256(eight, 1));
  const __m128i two = _mm_add_epi32(four, _mm_shuffle_epi32(four, 0x4e));
  return _mm_cvtsi128_si32(_mm_add_epi32(two, _mm_shuffle_epi32(two, 0xb1)));
}

// max |x| of 32 values; NaN if one is NaN (its bits are the largest).
NEMO_INLINE_AVX2 float max_magnitude(const __m256 (&x)[kVectors]) {
  const __m256i magnitude = _mm256_set1_epi32(0x7fffffff);
  __m256i eight = _mm256_setzero_si256();
#pragma GCC unroll 4
  for (int v = 0; v < kVectors; ++v)
    eight = _mm256_max_epu32(eight, _mm256_and_si256(_mm256_castps_si256(x[v]), magnitude));
  const __m128i four =
      _mm_max_epu32(_mm256_castsi256_si128(eight), _mm256_extracti128_si256(eight, 1));
  const __m128i two = _mm_max_epu32(four, _mm_shuffle_epi32(four, 0x4e));
  return _mm_cvtss_f32(_mm_castsi128_ps(_mm_max_epu32(two, _mm_shuffle_epi32(two, 0xb1))));
}

// To nearest even. NaN becomes -127, so that the sums stay small; its block's scale is NaN anyway.
NEMO_INLINE_AVX2 __m256i rounded(__m256 x) {
  return _mm256_max_epi32(_mm256_cvtps_epi32(x), _mm256_set1_epi32(-127));
}

NEMO_INLINE_AVX2 void store_bytes(std::int8_t* to, const __m256i (&q)[kVectors]) {
  // Packing goes by halves of a vector: its words are columns 0, 8, 16, 24, 4, 12, 20 and 28.
  const __m256i bytes =
      _mm256_packs_epi16(_mm256_packs_epi32(q[0], q[1]), _mm256_packs_epi32(q[2], q[3]));
  const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), _mm256_permutevar8x32_epi32(bytes, order));
}

}  // namespace

NEMO_TARGET_AVX2 void prepare_int8(const PrepareParams& p, PackedForm form, std::int64_t first,
                                   std::int64_t last) {
  const PreparedInt8 out(p.prepared, p.n_rows, p.n_in);
  const CodeMeaning codes = code_meaning(form);
  for (std::int64_t b = first; b < last; ++b) {
    for (std::int64_t r = 0; r < p.n_rows; ++r) {
      __m256 x[kVectors];
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v)
        x[v] = _mm256_loadu_ps(p.x + r * p.n_in + b * kBlockColumns + v * kLanes);
      const float max = max_magnitude(x);
      const bool is_zero = max < PreparedInt8::kTooSmall;
      const __m256 inverse = _mm256_set1_ps(is_zero ? 0.0f : 127.0f / max);
      __m256i q[kVectors];
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v) q[v] = rounded(_mm256_mul_ps(x[v], inverse));
      const std::int64_t i = b * p.n_rows + r;
      store_bytes(out.q + i * kBlockColumns, q);
      out.scale[i] = is_zero ? 0.0f : max / 127.0f;
      out.sums[i] = sums_for(codes, sum_of(q[0], q[1]), sum_of(q[2], q[3]));
    }
  }
}

}  // namespace nemotron::kernels::avx2
#endif
