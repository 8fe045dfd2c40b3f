// From levels that a search has found to the bytes of a block: private to lib/quant.
#pragma once

#include <cstdint>
#include <cstring>

#include "quant/block_formats.h"

namespace nemotron {

// What a block of 256 elements says of its sub-blocks, 16 of 16 elements or 8 of 32.
struct SubBlocks {
  float d = 0.0f;
  float dmin = 0.0f;
  std::uint8_t scales[16] = {};  // as stored: Q3_K's are 32 more, Q6_K's are signed
  std::uint8_t mins[16] = {};
};

// `q`, [256] and never negative, is rounded anew but for sub-blocks whose scale is zero.
void store_block(const float* x, const SubBlocks& sub, std::uint8_t* q, BlockQ2_K& block);
void store_block(const float* x, const SubBlocks& sub, std::uint8_t* q, BlockQ3_K& block);
void store_block(const float* x, const SubBlocks& sub, std::uint8_t* q, BlockQ4_K& block);
void store_block(const float* x, const SubBlocks& sub, std::uint8_t* q, BlockQ5_K& block);
void store_block(const float* x, const SubBlocks& sub, std::uint8_t* q, BlockQ6_K& block);

// The low nibbles of 32 elements: of the first half low, of the second high.
inline void pack_nibbles_of_32(const std::uint8_t* q, std::uint8_t* qs) {
  for (int j = 0; j < 16; ++j)
    qs[j] = static_cast<std::uint8_t>((q[j] & 15) | (q[j + 16] & 15) << 4);
}

inline void pack_fifth_bits_of_32(const std::uint8_t* q, std::uint8_t* qh) {
  std::uint32_t bits = 0;
  for (int j = 0; j < 32; ++j) bits |= static_cast<std::uint32_t>(q[j] >> 4) << j;
  std::memcpy(qh, &bits, sizeof bits);
}

}  // namespace nemotron
