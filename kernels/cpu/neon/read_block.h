// A block of a file's row as the level packs it: the codes of 32 columns, a byte each, and what
// their factors are made of. An overload per layout; what an element means is in
// lib/quant/dequantize_*.cpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "kernels/cpu/neon/packed_weight.h"

namespace nemotron::kernels::neon {

using CodeBytes = std::uint8_t[kBlockColumns];

// Puts `value` where the items of the strip's outputs lie, at the place of one output.
template <typename Value>
void put(std::byte* items, int output, Value value) {
  std::memcpy(items + output * static_cast<int>(sizeof value), &value, sizeof value);
}

// Codes of sub-block k (0 where a block has 32 columns).
inline void read_nibbles(const std::uint8_t* qs, CodeBytes& out) {
  for (int j = 0; j < 16; ++j) {
    out[j] = qs[j] & 15;
    out[j + 16] = qs[j] >> 4;
  }
}
inline void add_fifth_bits(const std::uint8_t* qh, CodeBytes& out) {
  for (int j = 0; j < 32; ++j)
    out[j] = static_cast<std::uint8_t>(out[j] | ((qh[j / 8] >> (j % 8)) & 1) << 4);
}
inline void read_codes(const BlockQ8_0& block, int, CodeBytes& out) {
  std::memcpy(out, block.qs, sizeof out);
}
inline void read_codes(const BlockQ4_0& block, int, CodeBytes& out) { read_nibbles(block.qs, out); }
inline void read_codes(const BlockQ4_1& block, int, CodeBytes& out) { read_nibbles(block.qs, out); }
inline void read_codes(const BlockIQ4_NL& block, int, CodeBytes& out) {
  read_nibbles(block.qs, out);
}
inline void read_codes(const BlockQ5_0& block, int, CodeBytes& out) {
  read_nibbles(block.qs, out);
  add_fifth_bits(block.qh, out);
}
inline void read_codes(const BlockQ5_1& block, int, CodeBytes& out) {
  read_nibbles(block.qs, out);
  add_fifth_bits(block.qh, out);
}
inline void read_codes(const BlockNVFP4& block, int k, CodeBytes& out) {
  for (int half = 0; half < 2; ++half) {
    const std::uint8_t* qs = block.qs + 16 * k + 8 * half;
    for (int j = 0; j < 8; ++j) {
      out[16 * half + j] = qs[j] & 15;
      out[16 * half + j + 8] = qs[j] >> 4;
    }
  }
}
inline void read_codes(const BlockQ2_K& block, int k, CodeBytes& out) {
  for (int j = 0; j < 32; ++j) out[j] = (block.qs[32 * (k / 4) + j] >> (2 * (k % 4))) & 3;
}
inline void read_codes(const BlockQ3_K& block, int k, CodeBytes& out) {
  for (int j = 0; j < 32; ++j) {
    const int low = (block.qs[32 * (k / 4) + j] >> (2 * (k % 4))) & 3;
    out[j] = static_cast<std::uint8_t>(low | ((block.hmask[j] >> k) & 1) << 2);
  }
}
inline void read_codes(const BlockQ4_K& block, int k, CodeBytes& out) {
  for (int j = 0; j < 32; ++j) out[j] = (block.qs[32 * (k / 2) + j] >> (4 * (k % 2))) & 15;
}
inline void read_codes(const BlockQ5_K& block, int k, CodeBytes& out) {
  for (int j = 0; j < 32; ++j) {
    const int low = (block.qs[32 * (k / 2) + j] >> (4 * (k % 2))) & 15;
    out[j] = static_cast<std::uint8_t>(low | ((block.qh[j] >> k) & 1) << 4);
  }
}
inline void read_codes(const BlockQ6_K& block, int k, CodeBytes& out) {
  const int half = k / 4;
  const int quarter = k % 4;
  for (int j = 0; j < 32; ++j) {
    const int low = (block.ql[64 * half + 32 * (quarter % 2) + j] >> (4 * (quarter / 2))) & 15;
    const int high = (block.qh[32 * half + j] >> (2 * quarter)) & 3;
    out[j] = static_cast<std::uint8_t>(low | high << 4);
  }
}
inline void read_codes(const BlockIQ4_XS& block, int k, CodeBytes& out) {
  read_nibbles(block.qs + 16 * k, out);
}

// What lies in a group's header, at the place of one output.
template <class Block>
void put_header(const Block&, std::byte*, int) {}
template <class Block>
requires requires(const Block& block) { block.dmin; }
void put_header(const Block& block, std::byte* header, int output) {
  put(header, output, block.d);
  put(header + 8, output, block.dmin);
}
inline void put_header(const BlockQ3_K& block, std::byte* header, int output) {
  put(header, output, block.d);
}
inline void put_header(const BlockQ6_K& block, std::byte* header, int output) {
  put(header, output, block.d);
}
inline void put_header(const BlockIQ4_XS& block, std::byte* header, int output) {
  put(header, output, block.d);
}

// What lies behind the codes of sub-block k, at the place of one output.
template <class Block>  // one half
void put_factors(const Block& block, int, std::byte* to, int output) {
  put(to, output, block.d);
}
template <class Block>
requires requires(const Block& block) { block.m; }
void put_factors(const Block& block, int, std::byte* to, int output) {
  put(to, output, block.d);
  put(to + 8, output, block.m);
}
inline void put_scale_min(const std::uint8_t* scales, int k, std::byte* to, int output) {
  const ScaleMin sub = q4_k_scale_min(scales, k);
  put(to, output, sub.scale);
  put(to + 4, output, sub.min);
}
inline void put_factors(const BlockQ4_K& block, int k, std::byte* to, int output) {
  put_scale_min(block.scales, k, to, output);
}
inline void put_factors(const BlockQ5_K& block, int k, std::byte* to, int output) {
  put_scale_min(block.scales, k, to, output);
}
inline void put_factors(const BlockNVFP4& block, int k, std::byte* to, int output) {
  for (int half = 0; half < 2; ++half) {
    const std::uint8_t bits = block.d[2 * k + half];
    put(to + 4 * half, output, static_cast<std::uint8_t>(bits == 0x7f ? 0 : bits & 0x7f));
  }
}
inline void put_factors(const BlockQ2_K& block, int k, std::byte* to, int output) {
  for (int half = 0; half < 2; ++half) put(to + 4 * half, output, block.scales[2 * k + half]);
}
inline void put_factors(const BlockQ3_K& block, int k, std::byte* to, int output) {
  for (int half = 0; half < 2; ++half)
    put(to + 4 * half, output,
        static_cast<std::int8_t>(q3_k_scale(block.scales, 2 * k + half) - 32));
}
inline void put_factors(const BlockQ6_K& block, int k, std::byte* to, int output) {
  for (int half = 0; half < 2; ++half) put(to + 4 * half, output, block.scales[2 * k + half]);
}
inline void put_factors(const BlockIQ4_XS& block, int k, std::byte* to, int output) {
  const int low = (block.scales_l[k / 2] >> (4 * (k % 2))) & 15;
  const int high = (block.scales_h >> (2 * k)) & 3;
  put(to, output, static_cast<std::int8_t>((low | high << 4) - 32));
}

}  // namespace nemotron::kernels::neon
