// The tensor cores' products as host code: fragments go where the tables of the PTX manual ("matrix
// fragments for mma.m16n8k16 with floating point type", "for mma.m16n8k32") have them. The order of
// a device's sums is its own; here each is made in double and rounded once.
#pragma once

#include <cmath>
#include <cstdint>

#include "base/float_types.h"

namespace simt {

// `words` of each lane of the warp, which all take part; valid until the next but one exchange.
inline constexpr int kMostSharedWords = 8;
const std::uint32_t (*share_words(const std::uint32_t* words, int n))[kMostSharedWords];
unsigned lane_index();

// The half of a pair.
inline float bf16_half(std::uint32_t pair, int i) {
  return nemotron::bf16_to_float(static_cast<nemotron::bf16_bits>(pair >> (16 * i)));
}
inline std::uint32_t bf16_pair(float low, float high) {
  return std::uint32_t{nemotron::float_to_bf16(low)} | std::uint32_t{nemotron::float_to_bf16(high)}
                                                           << 16;
}
// Exact in double where a, b and c are small multiples of one power of two, as they are here.
inline std::uint32_t fma_bf16_pair(std::uint32_t a, std::uint32_t b, std::uint32_t c) {
  float out[2];
  for (int i = 0; i < 2; ++i) out[i] = std::fma(bf16_half(a, i), bf16_half(b, i), bf16_half(c, i));
  return bf16_pair(out[0], out[1]);
}

inline std::uint32_t permute_bytes(std::uint32_t low, std::uint32_t high, std::uint32_t selector) {
  const std::uint64_t bytes = std::uint64_t{high} << 32 | low;
  std::uint32_t out = 0;
  for (int i = 0; i < 4; ++i)
    out |= static_cast<std::uint32_t>(bytes >> (8 * (selector >> (4 * i) & 7)) & 0xff) << (8 * i);
  return out;
}

// Of elements that lie so many in a word: a register has four lanes' words of columns of A, or of
// rows of B, and there are two of them along k.
template <unsigned kInWord>
void multiply_fragments(float (&d)[4], const std::uint32_t (&a)[4], const std::uint32_t (&b)[2],
                        float (*element)(std::uint32_t word, int i)) {
  constexpr unsigned kInRegister = 4 * kInWord;
  const std::uint32_t mine[6] = {a[0], a[1], a[2], a[3], b[0], b[1]};
  const auto* lanes = share_words(mine, 6);
  const unsigned g = lane_index() / 4;
  const unsigned t = lane_index() % 4;
  for (unsigned i = 0; i < 4; ++i) {
    const unsigned row = g + (i < 2 ? 0 : 8);
    const unsigned column = 2 * t + i % 2;
    double sum = 0.0;
    for (unsigned k = 0; k < 2 * kInRegister; ++k) {
      const unsigned lane = k % kInRegister / kInWord, along = k / kInRegister;
      const int place = static_cast<int>(k % kInWord);
      const float left = element(lanes[4 * (row % 8) + lane][row / 8 + 2 * along], place);
      const float right = element(lanes[4 * column + lane][4 + along], place);
      sum += double{left} * right;
    }
    d[i] = static_cast<float>(d[i] + sum);
  }
}

inline void mma_bf16(float (&d)[4], const std::uint32_t (&a)[4], const std::uint32_t (&b)[2]) {
  multiply_fragments<2>(d, a, b, bf16_half);
}

inline float e4m3_byte(std::uint32_t word, int i) {
  return nemotron::f8_e4m3_to_float(static_cast<nemotron::f8_e4m3_bits>(word >> (8 * i)));
}
inline void mma_e4m3(float (&d)[4], const std::uint32_t (&a)[4], const std::uint32_t (&b)[2]) {
  multiply_fragments<4>(d, a, b, e4m3_byte);
}

}  // namespace simt
