// A block of a strip: its codes as signed bytes, and its factors as floats. Products are written
// once over these.
#pragma once

#include <cstddef>

#include "kernels/cpu/neon/packed_weight.h"
#include "kernels/cpu/neon/vector_math.h"

namespace nemotron::kernels::neon {

// quad[q]: lane r, byte b is the code of output r, column 4 q + b.
struct Codes {
  int8x16_t quad[8];
};

NEMO_INLINE_NEON uint8x16_t load(const std::byte* from, int vector) {
  return vld1q_u8(reinterpret_cast<const std::uint8_t*>(from) + vector * kVectorBytes);
}

// v >> n, also for n = 0, which the instruction does not have.
template <int kShift>
NEMO_INLINE_NEON uint8x16_t shifted(uint8x16_t v) {
  if constexpr (kShift == 0) {
    return v;
  } else {
    return vshrq_n_u8(v, kShift);
  }
}

// The bits under kMask of: `low` below bit kBit, and from there on `upper` from its bit kShift on.
template <int kBit, int kShift, int kMask>
NEMO_INLINE_NEON uint8x16_t joined(uint8x16_t low, uint8x16_t upper) {
  return vandq_u8(vsliq_n_u8(low, shifted<kShift>(upper), kBit), vdupq_n_u8(kMask));
}

// Quads 4 kHalf to 4 kHalf + 3.
template <PackedForm kForm, int kHalf>
NEMO_INLINE_NEON void unpack_half(const std::byte* from, uint8x16_t (&quad)[8]) {
  constexpr int kFirst = 4 * kHalf;
  if constexpr (kForm.width == Width::kBytes) {
#pragma GCC unroll 4
    for (int j = kFirst; j < kFirst + 4; ++j) quad[j] = load(from, j);
  } else if constexpr (kForm.width == Width::kPairs || kForm.width == Width::kThree) {
    const uint8x16_t pairs = load(from, kHalf);
    quad[kFirst] = pairs;
    quad[kFirst + 1] = shifted<2>(pairs);
    quad[kFirst + 2] = shifted<4>(pairs);
    quad[kFirst + 3] = shifted<6>(pairs);
  } else {
#pragma GCC unroll 4
    for (int j = 0; j < 4; ++j) quad[kFirst + j] = shifted<4 * kHalf>(load(from, j));
  }
}

// Masks what unpack_half() left, with what lies in vectors of its own above it.
template <PackedForm kForm, int kHalf>
NEMO_INLINE_NEON void complete_half(const std::byte* from, uint8x16_t (&quad)[8]) {
  uint8x16_t* q = quad + 4 * kHalf;
  if constexpr (kForm.width == Width::kNibbles) {
    if constexpr (kHalf == 0) {
#pragma GCC unroll 4
      for (int j = 0; j < 4; ++j) q[j] = vandq_u8(q[j], vdupq_n_u8(0x0f));
    }
  } else if constexpr (kForm.width == Width::kPairs) {
#pragma GCC unroll 4
    for (int j = 0; j < 4; ++j) q[j] = vandq_u8(q[j], vdupq_n_u8(0x03));
  } else if constexpr (kForm.width == Width::kSix) {
    const uint8x16_t pairs = load(from, 4 + kHalf);
    q[0] = joined<4, 0, 0x3f>(q[0], pairs);
    q[1] = joined<4, 2, 0x3f>(q[1], pairs);
    q[2] = joined<4, 4, 0x3f>(q[2], pairs);
    q[3] = joined<4, 6, 0x3f>(q[3], pairs);
  } else if constexpr (kForm.width != Width::kBytes) {
    constexpr int kBit = kForm.width == Width::kFive ? 4 : 2;
    constexpr int kMask = (2 << kBit) - 1;
    const uint8x16_t bits = load(from, kBit);  // behind four or two vectors
    q[0] = joined<kBit, 4 * kHalf, kMask>(q[0], bits);
    q[1] = joined<kBit, 4 * kHalf + 1, kMask>(q[1], bits);
    q[2] = joined<kBit, 4 * kHalf + 2, kMask>(q[2], bits);
    q[3] = joined<kBit, 4 * kHalf + 3, kMask>(q[3], bits);
  }
}

template <PackedForm kForm>
NEMO_INLINE_NEON Codes unpack_codes(const std::byte* block) {
  uint8x16_t quad[8];
  unpack_half<kForm, 0>(block, quad);
  unpack_half<kForm, 1>(block, quad);
  complete_half<kForm, 0>(block, quad);
  complete_half<kForm, 1>(block, quad);
  Codes codes;
#pragma GCC unroll 8
  for (int q = 0; q < 8; ++q) {
    if constexpr (kForm.values != nullptr) {
      codes.quad[q] = vqtbl1q_s8(vld1q_s8(kForm.values), quad[q]);
    } else {
      codes.quad[q] = vreinterpretq_s8_u8(quad[q]);
    }
  }
  return codes;
}

struct Factors {
  float32x4_t a;
  float32x4_t b = {};
  float32x4_t c = {};
  float32x4_t d = {};
};

NEMO_INLINE_NEON float32x4_t load_halves(const std::byte* from) {
  const auto* halves = reinterpret_cast<const std::uint8_t*>(from);
  return vcvt_f32_f16(vreinterpret_f16_u8(vld1_u8(halves)));
}

// Eight bytes as two vectors of floats.
struct TwoVectors {
  float32x4_t first;
  float32x4_t second;
};
NEMO_INLINE_NEON TwoVectors floats_from(uint8x8_t bytes) {
  const uint16x8_t wide = vmovl_u8(bytes);
  return {vcvtq_f32_u32(vmovl_u16(vget_low_u16(wide))), vcvtq_f32_u32(vmovl_high_u16(wide))};
}
NEMO_INLINE_NEON TwoVectors floats_from(int8x8_t bytes) {
  const int16x8_t wide = vmovl_s8(bytes);
  return {vcvtq_f32_s32(vmovl_s16(vget_low_s16(wide))), vcvtq_f32_s32(vmovl_high_s16(wide))};
}

// d and dmin of a group's header, where it has them.
struct Header {
  float32x4_t d = {};
  float32x4_t dmin = {};
};

template <PackedForm kForm>
NEMO_INLINE_NEON Header load_header(const std::byte* group) {
  Header header;
  if constexpr (kForm.header_bytes() >= 8) header.d = load_halves(group);
  if constexpr (kForm.header_bytes() >= 16) header.dmin = load_halves(group + 8);
  return header;
}

template <PackedForm kForm>
NEMO_INLINE_NEON Factors load_factors(const std::byte* block, const Header& h) {
  const std::byte* from = block + kForm.code_bytes();
  if constexpr (kForm.scales == Scales::kHalf) {
    return {load_halves(from)};
  } else if constexpr (kForm.scales == Scales::kHalfMin) {
    return {load_halves(from), vnegq_f32(load_halves(from + 8))};
  } else if constexpr (kForm.scales == Scales::kSigned) {
    return {vmulq_f32(h.d, load_lanes(reinterpret_cast<const std::int8_t*>(from)))};
  } else {
    const uint8x8_t bytes = vld1_u8(reinterpret_cast<const std::uint8_t*>(from));
    if constexpr (kForm.scales == Scales::kScaleMin) {
      const TwoVectors scales = floats_from(bytes);
      return {vmulq_f32(h.d, scales.first), vmulq_f32(h.dmin, scales.second)};
    } else if constexpr (kForm.scales == Scales::kPair) {
      const TwoVectors scales = floats_from(vreinterpret_s8_u8(bytes));
      return {vmulq_f32(h.d, scales.first), vmulq_f32(h.d, scales.second)};
    } else if constexpr (kForm.scales == Scales::kPairMin) {
      const TwoVectors scales = floats_from(vand_u8(bytes, vdup_n_u8(15)));
      const TwoVectors mins = floats_from(vshr_n_u8(bytes, 4));
      return {vmulq_f32(h.d, scales.first), vmulq_f32(h.d, scales.second),
              vmulq_f32(h.dmin, mins.first), vmulq_f32(h.dmin, mins.second)};
    } else {  // seven places up, an E4M3 scale is the half of 2^-8 its value; codes are doubled
      const float16x8_t halves = vreinterpretq_f16_u16(vshll_n_u8(bytes, 7));
      return {vmulq_n_f32(vcvt_f32_f16(vget_low_f16(halves)), 128.0f),
              vmulq_n_f32(vcvt_high_f32_f16(halves), 128.0f)};
    }
  }
}

}  // namespace nemotron::kernels::neon
