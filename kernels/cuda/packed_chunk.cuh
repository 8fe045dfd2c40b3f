// A chunk of packed weights (packed_layout.h) in the registers of a warp, and its fragments for
// tensor cores: integers, which bf16 holds exactly, so that scales can be applied to sums.
#pragma once

#include "kernels/cuda/mma.cuh"
#include "kernels/cuda/packed_layout.h"
#include "quant/block_formats.h"

namespace nemotron::kernels::cuda {

enum class Memory : std::uint8_t { kGlobal, kShared };

// From global memory not to be kept in the first cache: weights are read once.
template <Memory memory>
__device__ inline Words<4> code_words(const std::uint8_t* from) {
#if defined(__CUDACC__)
  if constexpr (memory == Memory::kShared) return load_words<4>(from);
  Words<4> out;
  asm("ld.global.nc.L1::no_allocate.v4.u32 {%0,%1,%2,%3}, [%4];"
      : "=r"(out.word[0]), "=r"(out.word[1]), "=r"(out.word[2]), "=r"(out.word[3])
      : "l"(from));
  return out;
#else
  return load_words<4>(from);
#endif
}

__device__ inline float half_value(std::uint32_t bits) {
#if defined(__CUDACC__)
  float value;
  asm("cvt.f32.f16 %0, %1;" : "=f"(value) : "h"(static_cast<unsigned short>(bits)));
  return value;
#else
  return f16_to_float(static_cast<f16_bits>(bits));
#endif
}

// Pairs of bf16 of four codes that lie in the low bits of four bytes.
struct FourValues {
  std::uint32_t pairs[2];
};

__device__ inline FourValues spread(std::uint32_t bytes) {  // to the low bits of 16 each
  return {{permute_bytes(bytes, 0, 0x4140), permute_bytes(bytes, 0, 0x4342)}};
}

inline constexpr std::uint32_t kPairOfOnes = 0x3f803f80;
inline constexpr std::uint32_t kPairOf128 = 0x43004300;  // whose last bit of mantissa is worth 1

// Unsigned codes below 128, less an offset.
__device__ inline FourValues integers(FourValues codes, int offset) {
  const std::uint32_t minus = 0xc300c300u + static_cast<std::uint32_t>(offset) * 0x00010001u;
  for (std::uint32_t& pair : codes.pairs)
    pair = fma_bf16_pair(pair | kPairOf128, kPairOfOnes, minus);
  return codes;
}

__device__ inline FourValues signed_bytes(std::uint32_t bytes) {
  FourValues out = spread(bytes);
  for (std::uint32_t& pair : out.pairs) pair = pair_of_integers(pair);
  return out;
}

// E4M3: its exponent and mantissa are put where bf16 has them, and the bias is made up for.
__device__ inline FourValues e4m3_values(std::uint32_t bytes) {
  constexpr std::uint32_t kTwoTo120 = 0x7b807b80;
  FourValues out = spread(bytes);
  for (std::uint32_t& pair : out.pairs)
    pair = fma_bf16_pair((pair & 0x00800080u) << 8 | (pair & 0x007f007fu) << 4, kTwoTo120,
                         0x80008000u);
  return out;
}

// E2M1 times two, in the same way.
__device__ inline FourValues fp4_values(FourValues codes) {
  constexpr std::uint32_t kTwoTo127 = 0x7f007f00;
  for (std::uint32_t& pair : codes.pairs)
    pair = fma_bf16_pair((pair & 0x00080008u) << 12 | (pair & 0x00070007u) << 6, kTwoTo127,
                         0x80008000u);
  return codes;
}

constexpr std::uint32_t iq4_word(int first) {
  std::uint32_t word = 0;
  for (int i = 0; i < 4; ++i)
    word |= static_cast<std::uint32_t>(static_cast<std::uint8_t>(kIQ4Values[first + i])) << (8 * i);
  return word;
}

// kIQ4Values of four codes, one in each byte: both halves of the table, then a choice.
__device__ inline FourValues iq4_values(std::uint32_t codes) {
  constexpr std::uint32_t k0 = iq4_word(0), k1 = iq4_word(4), k2 = iq4_word(8), k3 = iq4_word(12);
  codes = (codes | codes >> 4) & 0x00ff00ffu;
  codes = (codes | codes >> 8) & 0xffffu;  // four nibbles
  const std::uint32_t low = permute_bytes(k0, k1, codes & 0x7777u);
  const std::uint32_t high = permute_bytes(k2, k3, codes & 0x7777u);
  return signed_bytes(permute_bytes(low, high, 0x3210u | (codes & 0x8888u) >> 1));
}

template <TensorType type>
class PackedChunk {
 public:
  static constexpr PackedForm kForm = packed_form(type);
  static constexpr TensorType kType = type;
  // Of 32 columns: words of a row of x that a lane wants, and fragments.
  static constexpr int kRowWords = 4;
  static constexpr int kFragments = 2;
  // Whether sums of a group begin at zero: to be multiplied with a scale.
  static constexpr bool kFromZero = kForm.scales != ScaleForm::kNone;
  static constexpr bool kHasMins = kForm.scales == ScaleForm::kHalvesMins ||
                                   kForm.scales == ScaleForm::kBytesMins32 ||
                                   kForm.scales == ScaleForm::kNibbles16;
  // Sixteens of columns that share a scale.
  static constexpr int kGroup = kForm.scales == ScaleForm::kBytes16 ||
                                        kForm.scales == ScaleForm::kNibbles16 ||
                                        kForm.scales == ScaleForm::kFp4
                                    ? 1
                                    : 2;

  template <Memory memory>
  __device__ void load(const std::uint8_t* chunk, int lane) {
    constexpr int kPlanes = code_planes(kForm.code_bits);
    for (int plane = 0; plane < kPlanes; ++plane)
      codes_[plane] = code_words<memory>(chunk + 512 * plane + 16 * lane);
    shift_ = 4 * (lane % 4);
    load_rows<high_words(kForm.code_bits)>(chunk + high_offset(type), lane, high_);
    load_rows<scale_words(kForm.scales)>(chunk + scales_offset(type), lane, scales_);
  }

  // The first 32 columns or the others (block 1), which are then told as columns 0 to 31: for loops
  // over blocks, since a register cannot be indexed.
  template <Memory memory>
  __device__ void load_block(const std::uint8_t* chunk, int lane, int block) {
    constexpr int kPlanes = (code_planes(kForm.code_bits) + 1) / 2;
    constexpr int kHighWords = high_words(kForm.code_bits) / 2;
    const int first_plane = kForm.code_bits < 8 ? 0 : kPlanes * block;
    for (int plane = 0; plane < kPlanes; ++plane)
      codes_[plane] = code_words<memory>(chunk + 512 * (first_plane + plane) + 16 * lane);
    if (kForm.code_bits < 8 && block == 1) {
      codes_[0].word[0] = codes_[0].word[1];
      codes_[0].word[2] = codes_[0].word[3];
    }
    shift_ = 4 * (lane % 4);
    load_rows<kHighWords, 2 * kHighWords>(chunk + high_offset(type) + 4 * kHighWords * block, lane,
                                          high_);
    load_rows<scale_words(kForm.scales)>(chunk + scales_offset(type), lane, scales_);
    for (auto& row : scales_) {
      if (!kHasScaleWord) row[0] >>= 16 * block;
      row[1] >>= (kHasScaleWord && kGroup == 2 ? 8 : 16) * block;
    }
  }

  // Of columns 16 h to 16 h + 15.
  __device__ void fragment(int h, std::uint32_t (&a)[4]) const {
    NEMO_UNROLL_ALL
    for (int r = 0; r < 2; ++r) {  // row g + 8 r
      const FourValues values = four_values(r, h);
      a[r] = values.pairs[0];
      a[2 + r] = values.pairs[1];
    }
  }

  // d += A B.
  __device__ static void multiply(float (&d)[4], const std::uint32_t (&a)[4],
                                  const std::uint32_t (&b)[2]) {
    mma_bf16(d, a, b);
  }

  // Of row g + 8 r and columns 16 h to 16 h + 15.
  __device__ float scale(int r, int h) const {
    const std::uint32_t first = scales_[r][0];
    if constexpr (kForm.scales == ScaleForm::kHalves || kForm.scales == ScaleForm::kHalvesMins)
      return half_value(first >> (16 * (h / 2)));
    if constexpr (kForm.scales == ScaleForm::kFp4)
      return nvfp4_half_scale(static_cast<std::uint8_t>(first >> (8 * h)));
    return half_value(first) * byte_scale(scales_[r][1], h);
  }
  // What is taken from an element, times `scale` or not.
  __device__ float min(int r, int h) const {
    const std::uint32_t second = scales_[r][1];
    if constexpr (kForm.scales == ScaleForm::kHalvesMins)
      return -half_value(second >> (16 * (h / 2)));
    const float d = half_value(scales_[r][0] >> 16);
    if constexpr (kForm.scales == ScaleForm::kNibbles16)
      return d * static_cast<float>(second >> (8 * h + 4) & 15);
    return d * static_cast<float>(second >> (16 + 8 * (h / 2)) & 255);
  }

 private:
  static constexpr int kHigh = high_words(kForm.code_bits) > 0 ? high_words(kForm.code_bits) : 1;

  // Whether a row's first word of scales is d and dmin, for all columns.
  static constexpr bool kHasScaleWord =
      kForm.scales == ScaleForm::kBytes32 || kForm.scales == ScaleForm::kBytesMins32 ||
      kForm.scales == ScaleForm::kBytes16 || kForm.scales == ScaleForm::kNibbles16;

  template <int n, int stride = n, int m>
  __device__ static void load_rows(const std::uint8_t* from, int lane, std::uint32_t (&to)[2][m]) {
    for (int r = 0; r < 2; ++r) {
      const auto* words =
          reinterpret_cast<const std::uint32_t*>(from) + (lane / 4 + 8 * r) * stride;
      for (int i = 0; i < n; ++i) to[r][i] = words[i];
    }
  }

  __device__ static float byte_scale(std::uint32_t bytes, int h) {
    if constexpr (kForm.scales == ScaleForm::kNibbles16)
      return static_cast<float>(bytes >> (8 * h) & 15);
    if constexpr (kForm.scales == ScaleForm::kBytesMins32)
      return static_cast<float>(bytes >> (8 * (h / 2)) & 255);
    const int i = kForm.scales == ScaleForm::kBytes16 ? h : h / 2;
    return static_cast<float>(static_cast<std::int8_t>(bytes >> (8 * i) & 255));
  }

  __device__ FourValues four_values(int r, int h) const {
    if constexpr (kForm.code_bits == 16) {
      return {{codes_[h].word[r], codes_[h].word[2 + r]}};  // as mma_bf16 wants all four
    } else if constexpr (kForm.code_bits == 8) {
      const std::uint32_t word = codes_[h / 2].word[2 * r + h % 2];
      return kForm.is_table ? e4m3_values(word) : signed_bytes(word);
    } else {
      const std::uint32_t word = codes_[0].word[2 * r + h / 2];
      const std::uint32_t nibbles = (h % 2 == 0 ? word : word >> 4) & 0x0f0f0f0fu;
      if constexpr (type == TensorType::kNVFP4) return fp4_values(spread(nibbles));
      if constexpr (kForm.is_table) return iq4_values(nibbles);
      return integers(with_high_bits(spread(nibbles), r, h), kForm.offset);
    }
  }

  __device__ FourValues with_high_bits(FourValues codes, int r, int h) const {
    if constexpr (kForm.code_bits == 5) {
      const std::uint32_t bits = high_[r][h / 2] >> (16 * (h % 2) + shift_);
      codes.pairs[0] |= (bits & 1) << 4 | (bits & 2) << 19;
      codes.pairs[1] |= (bits & 4) << 2 | (bits & 8) << 17;
    }
    if constexpr (kForm.code_bits == 6) {
      const std::uint32_t bits = high_[r][h] >> (2 * shift_);
      codes.pairs[0] |= (bits & 3) << 4 | (bits & 12) << 18;
      codes.pairs[1] |= (bits & 48) | (bits & 192) << 14;
    }
    return codes;
  }

  Words<4> codes_[code_planes(kForm.code_bits)];
  std::uint32_t high_[2][kHigh];
  std::uint32_t scales_[2][2];
  int shift_ = 0;  // 4 (lane % 4)
};

}  // namespace nemotron::kernels::cuda
