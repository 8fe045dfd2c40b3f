// How keys and values are rounded to the type they are stored in. The CPU's levels and the GPU
// store by these functions, so that they read the same bytes.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <limits>

#include "base/float_types.h"
#include "kernels/common/attention_params.h"

namespace nemotron::kernels {

// The second argument chooses the type.
constexpr float stored(float value, float) { return value; }
constexpr bf16_bits stored(float value, bf16_bits) { return float_to_bf16(value); }

// The scale of a group of kKvScaleChannels in q8: it maps the largest magnitude to 127. What is not
// finite in the group makes it NaN or infinite.
constexpr bf16_bits kv_q8_scale(const float* x) {
  std::uint32_t largest = 0;  // magnitudes are ordered as their bits, NaN above all
  for (std::int64_t c = 0; c < kKvScaleChannels; ++c)
    largest = std::max(largest, std::bit_cast<std::uint32_t>(x[c]) & 0x7fffffffu);
  return float_to_bf16(std::bit_cast<float>(largest) / 127.0f);
}

// The integer for `x` with a scale as stored: the nearest multiple, ties to even; 0 where the scale
// is zero or not finite.
constexpr std::int8_t kv_q8_value(float x, float scale) {
  if (!(scale > 0.0f && scale <= std::numeric_limits<float>::max())) return 0;
  constexpr float kRound = 12582912.0f;  // 1.5 * 2^23: a sum near it has no place for fractions
  const float multiple = std::clamp(x / scale, -127.0f, 127.0f);
  return static_cast<std::int8_t>((multiple + kRound) - kRound);
}

}  // namespace nemotron::kernels
