// The int8 products with SDOT. It is written in assembly, since the compiler's own intrinsic wants
// its target in every function around it, but the products are written once for processors with it
// and without.
#if defined(__aarch64__)
#include "kernels/cpu/neon/linear_int8_product.h"

#if defined(NEMO_HAS_SDOT)
#if defined(__ARM_FEATURE_DOTPROD)  // the assembler has been told
#define NEMO_ALLOW_SDOT ""
#else
#define NEMO_ALLOW_SDOT ".arch armv8.2-a+dotprod\n\t"
#endif

namespace nemotron::kernels::neon {

struct DotProduct {
  // Their sums, 8 vectors of codes and what one row needs fit into the 32 registers.
  static constexpr int kMostRows = 8;

  // sum + the four products of lane r of w with word kWord of x, in each lane r.
  template <int kWord>
  NEMO_INLINE_NEON static int32x4_t sdot(int32x4_t sum, int8x16_t w, int8x16_t x) {
    asm(NEMO_ALLOW_SDOT "sdot %0.4s, %1.16b, %2.4b[%3]" : "+w"(sum) : "w"(w), "w"(x), "i"(kWord));
    return sum;
  }
  NEMO_INLINE_NEON static int32x4_t half(int32x4_t sum, const int8x16_t* quad, int8x16_t x) {
    sum = sdot<0>(sum, quad[0], x);
    sum = sdot<1>(sum, quad[1], x);
    sum = sdot<2>(sum, quad[2], x);
    return sdot<3>(sum, quad[3], x);
  }
  NEMO_INLINE_NEON static int32x4_t block(int32x4_t sum, const Codes& codes,
                                          const int8x16_t (&x)[2]) {
    return half(half(sum, codes.quad, x[0]), codes.quad + 4, x[1]);
  }
};

template void linear_int8<DotProduct>(const LinearParams&, std::int64_t, std::int64_t);

}  // namespace nemotron::kernels::neon
#endif
#endif
