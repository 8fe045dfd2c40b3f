// Four lanes at a time: exp and silu with the bits of kernels/common/math.h, and loads of stored
// values. NEON is part of every 64-bit ARM processor: no function needs a target attribute.
#pragma once

#include <arm_neon.h>

#include <cstdint>
#include <cstring>

#include "base/float_types.h"

// For what must not survive as a function of its own: it is part of a loop.
#define NEMO_INLINE_NEON __attribute__((always_inline)) inline

namespace nemotron::kernels::neon {

inline constexpr std::int64_t kLanes = 4;

// Four stored values as floats.
NEMO_INLINE_NEON float32x4_t load_lanes(const float* from) { return vld1q_f32(from); }
NEMO_INLINE_NEON float32x4_t load_lanes(const bf16_bits* from) {
  return vreinterpretq_f32_u32(vshll_n_u16(vld1_u16(from), 16));
}
NEMO_INLINE_NEON float32x4_t load_lanes(const std::int8_t* from) {
  std::int32_t four;
  std::memcpy(&four, from, sizeof four);
  const int16x8_t wide = vmovl_s8(vreinterpret_s8_s32(vdup_n_s32(four)));
  return vcvtq_f32_s32(vmovl_s16(vget_low_s16(wide)));
}

NEMO_INLINE_NEON float32x4_t exp2_int(int32x4_t n) {
  return vreinterpretq_f32_s32(vshlq_n_s32(vaddq_s32(n, vdupq_n_s32(127)), 23));
}

// The same operations in the same order as exp_f32().
NEMO_INLINE_NEON float32x4_t exp_ps(float32x4_t x) {
  x = vminq_f32(vmaxq_f32(x, vdupq_n_f32(-104.0f)), vdupq_n_f32(89.0f));  // NaN stays
  const float32x4_t round = vdupq_n_f32(12582912.0f);
  const float32x4_t shifted = vaddq_f32(vmulq_n_f32(x, 1.44269504088896341f), round);
  const float32x4_t n = vsubq_f32(shifted, round);
  const float32x4_t r =
      vaddq_f32(vsubq_f32(x, vmulq_n_f32(n, 0.693359375f)), vmulq_n_f32(n, 2.12194440e-4f));
  float32x4_t p = vdupq_n_f32(1.9875691500e-4f);
  for (const float c :
       {1.3981999507e-3f, 8.3334519073e-3f, 4.1665795894e-2f, 1.6666665459e-1f, 5.0000001201e-1f})
    p = vaddq_f32(vmulq_f32(p, r), vdupq_n_f32(c));
  const float32x4_t y = vaddq_f32(vaddq_f32(vmulq_f32(p, vmulq_f32(r, r)), r), vdupq_n_f32(1.0f));
  const int32x4_t whole = vsubq_s32(vreinterpretq_s32_f32(shifted), vreinterpretq_s32_f32(round));
  const int32x4_t half = vshrq_n_s32(whole, 1);
  return vmulq_f32(vmulq_f32(y, exp2_int(half)), exp2_int(vsubq_s32(whole, half)));
}

NEMO_INLINE_NEON float32x4_t silu_ps(float32x4_t x) {
  return vdivq_f32(x, vaddq_f32(vdupq_n_f32(1.0f), exp_ps(vnegq_f32(x))));
}

}  // namespace nemotron::kernels::neon
