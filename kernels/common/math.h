// exp, log1p, silu and softplus in f32, from additions, multiplications and bit operations only, so
// that every compiler and C library gives the same bits. Branch-free, so that loops vectorise.
// Polynomials: Cephes expf and logf (S. Moshier), about 1 ulp in the range used here.
#pragma once

#include <bit>
#include <cstdint>

namespace nemotron::kernels {

// 2^n for n in [-126, 127]; any n gives some float and no undefined behaviour.
constexpr float exp2_int(std::uint32_t n) { return std::bit_cast<float>((n + 127u) << 23); }

// exp(x); 0 below about -104, infinity above about 88.7, NaN for NaN.
constexpr float exp_f32(float x) {
  x = x < -104.0f ? -104.0f : x;
  x = x > 89.0f ? 89.0f : x;
  constexpr float kLog2e = 1.44269504088896341f;
  constexpr float kRound = 12582912.0f;  // 1.5 * 2^23: adding it rounds to an integer
  const float shifted = x * kLog2e + kRound;
  const float n = shifted - kRound;
  const float r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
  float p = 1.9875691500e-4f;
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  const float y = p * (r * r) + r + 1.0f;
  // Two factors, because n reaches from -150 to 128.
  const std::uint32_t whole =
      std::bit_cast<std::uint32_t>(shifted) - std::bit_cast<std::uint32_t>(kRound);
  const std::uint32_t half = static_cast<std::uint32_t>(static_cast<std::int32_t>(whole) >> 1);
  return y * exp2_int(half) * exp2_int(whole - half);
}

// log(1 + t) for t in [0, 1].
constexpr float log1p_unit_f32(float t) {
  const float u = 1.0f + t;  // in [1, 2]
  // log(u) by Cephes logf on m in [sqrt(1/2), sqrt(2)), u = m * 2^e with e in {0, 1}
  const bool above = u > 1.41421356237f;
  const float m = (above ? 0.5f * u : u) - 1.0f;
  const float e = above ? 1.0f : 0.0f;
  float p = 7.0376836292e-2f;
  p = p * m - 1.1514610310e-1f;
  p = p * m + 1.1676998740e-1f;
  p = p * m - 1.2420140846e-1f;
  p = p * m + 1.4249322787e-1f;
  p = p * m - 1.6668057665e-1f;
  p = p * m + 2.0000714765e-1f;
  p = p * m - 2.4999993993e-1f;
  p = p * m + 3.3333331174e-1f;
  const float z = m * m;
  float log_u = p * m * z - 2.12194440e-4f * e - 0.5f * z;
  log_u = m + log_u + 0.693359375f * e;
  // Where 1 + t rounds, log(u) is that of the rounded u: scale by t / (u - 1) (Kahan).
  const float rounded = u - 1.0f;
  return rounded == 0.0f ? t : log_u * (t / rounded);
}

constexpr float silu_f32(float x) { return x / (1.0f + exp_f32(-x)); }

// log(1 + exp(x)), as max(x, 0) + log1p(exp(-|x|)).
constexpr float softplus_f32(float x) {
  const float magnitude = x < 0.0f ? -x : x;
  return (x > 0.0f ? x : 0.0f) + log1p_unit_f32(exp_f32(-magnitude));
}

}  // namespace nemotron::kernels
