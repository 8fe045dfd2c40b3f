// The int8 products of processors without the dot product instructions: products of bytes in 16
// bits, of which two are added there (at most 2 * 128 * 127), then pairs of them in 32.
#if defined(__aarch64__)
#include "kernels/cpu/neon/linear_int8_product.h"

namespace nemotron::kernels::neon {

struct Widening {
  static constexpr int kMostRows = 4;  // as each row needs more registers

  // Two lanes for each output: of outputs 0 and 1, and of 2 and 3.
  struct Sums {
    int32x4_t low = vdupq_n_s32(0);
    int32x4_t high = vdupq_n_s32(0);

    // Two quads with words kWord and kWord + 1 of x.
    template <int kWord>
    NEMO_INLINE_NEON void add(const int8x16_t* quad, int8x16_t x) {
      const int32x4_t words = vreinterpretq_s32_s8(x);
      const int8x16_t first = vreinterpretq_s8_s32(vdupq_laneq_s32(words, kWord));
      const int8x16_t second = vreinterpretq_s8_s32(vdupq_laneq_s32(words, kWord + 1));
      const int16x8_t p = vmull_s8(vget_low_s8(quad[kWord]), vget_low_s8(first));
      const int16x8_t q = vmull_high_s8(quad[kWord], first);
      low = vpadalq_s16(low, vmlal_s8(p, vget_low_s8(quad[kWord + 1]), vget_low_s8(second)));
      high = vpadalq_s16(high, vmlal_high_s8(q, quad[kWord + 1], second));
    }
    NEMO_INLINE_NEON void add_half(const int8x16_t* quad, int8x16_t x) {
      add<0>(quad, x);
      add<2>(quad, x);
    }
    NEMO_INLINE_NEON int32x4_t plus(int32x4_t start) const {
      return vaddq_s32(start, vpaddq_s32(low, high));
    }
  };

  NEMO_INLINE_NEON static int32x4_t half(int32x4_t start, const int8x16_t* quad, int8x16_t x) {
    Sums sums;
    sums.add_half(quad, x);
    return sums.plus(start);
  }
  NEMO_INLINE_NEON static int32x4_t block(int32x4_t start, const Codes& codes,
                                          const int8x16_t (&x)[2]) {
    Sums sums;
    sums.add_half(codes.quad, x[0]);
    sums.add_half(codes.quad + 4, x[1]);
    return sums.plus(start);
  }
};

template void linear_int8<Widening>(const LinearParams&, std::int64_t, std::int64_t);

}  // namespace nemotron::kernels::neon
#endif
