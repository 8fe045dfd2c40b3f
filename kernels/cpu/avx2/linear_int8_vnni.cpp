// Dot products with AVX-VNNI: vpdpbusd, four products in 32 bits.
#if defined(__x86_64__)
#include <cstring>

#include "kernels/cpu/avx2/linear_int8.h"
#include "kernels/cpu/avx2/unpack.h"

#define NEMO_TARGET_INT8 __attribute__((target("avx2,fma,f16c,avxvnni")))
#define NEMO_INLINE_INT8 NEMO_TARGET_INT8 __attribute__((always_inline)) inline

namespace nemotron::kernels::avx2 {

namespace {

template <class Unpack, int kFirst, int kLast>
NEMO_INLINE_INT8 __m256i dot(__m256i sum, const Codes& codes, const std::int8_t* q) {
#pragma GCC unroll 8
  for (int k = kFirst; k < kLast; ++k) {
    std::int32_t four;
    std::memcpy(&four, q + 4 * k, sizeof four);
    sum = _mm256_dpbusd_avx_epi32(sum, codes.quad[k], _mm256_set1_epi32(four));
  }
  return sum;
}

}  // namespace

}  // namespace nemotron::kernels::avx2

#include "kernels/cpu/avx2/int8_products.h"

namespace nemotron::kernels::avx2 {

void linear_int8_vnni(const LinearParams& p, PackedForm form, std::int64_t first,
                      std::int64_t last) {
  product_of(form, p, first, last);
}

}  // namespace nemotron::kernels::avx2
#endif
