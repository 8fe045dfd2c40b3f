// Dot products with AVX2 alone: vpmaddubsw adds two products in 16 bits, where as many sums are
// added as fit, and vpmaddwd goes on in 32 bits. Nothing saturates, so the sums are exact.
#if defined(__x86_64__)
#include "kernels/cpu/avx2/linear_int8.h"

#include <algorithm>
#include <cstring>

#include "kernels/cpu/avx2/unpack.h"

#define NEMO_TARGET_INT8 NEMO_TARGET_AVX2
#define NEMO_INLINE_INT8 NEMO_INLINE_AVX2

namespace nemotron::kernels::avx2 {

namespace {

constexpr int kLargestInput = 127;

// The four columns of quad k, in all lanes.
NEMO_INLINE_AVX2 __m256i four_columns(const std::int8_t* q, int k) {
  std::int32_t four;
  std::memcpy(&four, q + 4 * k, sizeof four);
  return _mm256_set1_epi32(four);
}

// Quads whose sums fit into 16 bits together: a power of two, 8 at most.
constexpr int quads_in_16_bits(int largest_code) {
  int n = 8;
  while (n > 1 && n * 2 * largest_code * kLargestInput > 32767) n /= 2;
  return n;
}

template <class Unpack, int kFirst, int kLast>
NEMO_INLINE_AVX2 __m256i dot(__m256i sum, const Codes& codes, const std::int8_t* q) {
  const __m256i ones = _mm256_set1_epi16(1);
  constexpr int kTogether = std::min(kLast - kFirst, quads_in_16_bits(Unpack::kLargestCode));
  if constexpr (Unpack::kLargestCode <= 127) {
#pragma GCC unroll 8
    for (int k = kFirst; k < kLast; k += kTogether) {
      __m256i pairs = _mm256_maddubs_epi16(codes.quad[k], four_columns(q, k));
#pragma GCC unroll 8
      for (int i = k + 1; i < k + kTogether; ++i)
        pairs = _mm256_add_epi16(pairs, _mm256_maddubs_epi16(codes.quad[i], four_columns(q, i)));
      sum = _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, ones));
    }
    return sum;
  } else {
    // These codes are w + 128, and `sum` is -128 times the sum over q: what remains is w q, taken
    // as |w| times q with the sign of w.
    static_assert(Unpack::kMode == CodeMode::kOffset);
    const __m256i offset = _mm256_set1_epi8(static_cast<char>(0x80));
    __m256i signed_sum = _mm256_setzero_si256();
#pragma GCC unroll 8
    for (int k = kFirst; k < kLast; ++k) {
      const __m256i w = _mm256_xor_si256(codes.quad[k], offset);
      const __m256i pairs =
          _mm256_maddubs_epi16(_mm256_abs_epi8(w), _mm256_sign_epi8(four_columns(q, k), w));
      signed_sum = _mm256_add_epi32(signed_sum, _mm256_madd_epi16(pairs, ones));
    }
    return signed_sum;
  }
}

}  // namespace

}  // namespace nemotron::kernels::avx2

#include "kernels/cpu/avx2/int8_products.h"

namespace nemotron::kernels::avx2 {

void linear_int8(const LinearParams& p, PackedForm form, std::int64_t first, std::int64_t last) {
  product_of(form, p, first, last);
}

}  // namespace nemotron::kernels::avx2
#endif
