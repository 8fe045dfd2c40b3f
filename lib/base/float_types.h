// bf16, IEEE half and FP8 E4M3 as bits, and their exact conversion to float. Nothing here depends
// on the ISA: integer operations and one exact multiplication, so every level and every file sees
// the same value.
#pragma once

#include <bit>
#include <cstdint>

namespace nemotron {

using bf16_bits = std::uint16_t;
using f16_bits = std::uint16_t;
using f8_e4m3_bits = std::uint8_t;

constexpr float bf16_to_float(bf16_bits bits) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
}

// Round to nearest, ties to even; NaN stays NaN (made quiet).
constexpr bf16_bits float_to_bf16(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  if ((bits & 0x7fffffffu) > 0x7f800000u) return static_cast<bf16_bits>((bits >> 16) | 0x40u);
  return static_cast<bf16_bits>((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}

constexpr float f16_to_float(f16_bits half) {
  const std::uint32_t sign = static_cast<std::uint32_t>(half & 0x8000u) << 16;
  const std::uint32_t magnitude = half & 0x7fffu;
  if (magnitude >= 0x7c00u)  // infinity and NaN
    return std::bit_cast<float>(sign | 0x7f800000u | ((magnitude & 0x3ffu) << 13));
  if (magnitude < 0x0400u) {  // zero and subnormals: magnitude * 2^-24, exact
    const float scaled = static_cast<float>(magnitude) * 0x1p-24f;
    return std::bit_cast<float>(std::bit_cast<std::uint32_t>(scaled) | sign);
  }
  return std::bit_cast<float>(sign | ((magnitude << 13) + 0x38000000u));
}

// E4M3 in its FN variant: bias 7, subnormals m * 2^-9, no infinities; 0x7f and 0xff are NaN.
constexpr float f8_e4m3_to_float(f8_e4m3_bits bits) {
  const std::uint32_t sign = static_cast<std::uint32_t>(bits & 0x80u) << 24;
  const std::uint32_t magnitude = bits & 0x7fu;
  if (magnitude == 0x7fu) return std::bit_cast<float>(sign | 0x7fc00000u);
  if (magnitude < 8) {
    const float scaled = static_cast<float>(magnitude) * 0x1p-9f;
    return std::bit_cast<float>(std::bit_cast<std::uint32_t>(scaled) | sign);
  }
  return std::bit_cast<float>(sign | ((magnitude << 20) + (120u << 23)));
}

// Round to nearest, ties to even; too large becomes infinite; NaN stays NaN (made quiet).
constexpr f16_bits float_to_f16(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t sign = (bits >> 16) & 0x8000u;
  const std::uint32_t magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u)
    return static_cast<f16_bits>(sign | 0x7e00u | ((magnitude >> 13) & 0x3ffu));
  if (magnitude >= 0x477ff000u) return static_cast<f16_bits>(sign | 0x7c00u);  // from 65520 up
  if (magnitude < 0x38800000u) {  // below 2^-14: a multiple of 2^-24
    // Adding 0.5 leaves the multiple, rounded by the addition, in the low bits.
    const float sum = std::bit_cast<float>(magnitude) + 0.5f;
    return static_cast<f16_bits>(sign | (std::bit_cast<std::uint32_t>(sum) - 0x3f000000u));
  }
  const std::uint32_t rounded = magnitude - 0x38000000u + 0xfffu + ((magnitude >> 13) & 1u);
  return static_cast<f16_bits>(sign | (rounded >> 13));
}

// Round to nearest, ties to even; too large becomes 448, as FP8 models are made; NaN stays NaN.
constexpr f8_e4m3_bits float_to_f8_e4m3(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t sign = (bits >> 24) & 0x80u;
  const std::uint32_t magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u) return static_cast<f8_e4m3_bits>(sign | 0x7fu);
  if (magnitude >= 0x43e00000u) return static_cast<f8_e4m3_bits>(sign | 0x7eu);  // from 448 up
  if (magnitude < 0x3c800000u) {  // below 2^-6: a multiple of 2^-9
    const float sum = std::bit_cast<float>(magnitude) + 0x1p14f;
    return static_cast<f8_e4m3_bits>(sign | (std::bit_cast<std::uint32_t>(sum) - 0x46800000u));
  }
  const std::uint32_t rounded = magnitude - (120u << 23) + 0x7ffffu + ((magnitude >> 20) & 1u);
  return static_cast<f8_e4m3_bits>(sign | (rounded >> 20));
}

// The E4M3 number nearest to `value`, as a float.
constexpr float round_to_f8_e4m3(float value) { return f8_e4m3_to_float(float_to_f8_e4m3(value)); }

}  // namespace nemotron
