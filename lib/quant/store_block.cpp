// The second half of quantizing 256 elements: scales as the block stores them are given, the
// elements are rounded anew against what will be read, and all is packed.
#include "quant/store_block.h"

#include <cstring>

#include "quant/quantize_block.h"

namespace nemotron {
namespace {

constexpr int kStoredElements = 256;

// The sub-block's elements anew, for the scale and minimum as they will be read. A scale of zero
// leaves q as the fit made it.
template <int kCount>
void round_again(const float* x, float scale, float min, int max_q, std::uint8_t* q) {
  if (scale == 0.0f) return;
  for (int i = 0; i < kCount; ++i)
    q[i] = static_cast<std::uint8_t>(nearest_int((x[i] + min) / scale, 0, max_q));
}

template <int kHalf>
void round_again(const float* x, float scale, std::uint8_t* q) {
  if (scale == 0.0f) return;
  for (int i = 0; i < 16; ++i)
    q[i] = static_cast<std::uint8_t>(nearest_int(x[i] / scale, -kHalf, kHalf - 1) + kHalf);
}

// The packing that Q4_K and Q5_K share: see q4_k_scale_min.
void pack_scale_min(int k, std::uint8_t scale, std::uint8_t min, std::uint8_t* scales) {
  if (k < 4) {
    scales[k] = scale;
    scales[k + 4] = min;
    return;
  }
  scales[k + 4] = static_cast<std::uint8_t>((scale & 15) | (min & 15) << 4);
  scales[k - 4] = static_cast<std::uint8_t>(scales[k - 4] | (scale >> 4) << 6);
  scales[k] = static_cast<std::uint8_t>(scales[k] | (min >> 4) << 6);
}

// The low nibbles of q, each 64 elements in 32 bytes.
void pack_nibbles(const std::uint8_t* q, std::uint8_t* qs) {
  for (int k = 0; k < kStoredElements / 64; ++k)
    for (int j = 0; j < 32; ++j)
      qs[32 * k + j] =
          static_cast<std::uint8_t>((q[64 * k + j] & 15) | (q[64 * k + 32 + j] & 15) << 4);
}

// The low two bits of q, each 128 elements in 32 bytes.
void pack_pairs(const std::uint8_t* q, std::uint8_t* qs) {
  for (int half = 0; half < 2; ++half)
    for (int j = 0; j < 32; ++j) {
      const std::uint8_t* from = q + 128 * half + j;
      qs[32 * half + j] = static_cast<std::uint8_t>((from[0] & 3) | (from[32] & 3) << 2 |
                                                    (from[64] & 3) << 4 | (from[96] & 3) << 6);
    }
}

// What Q4_K and Q5_K share: scales, minima and q (in 0..max_q) of 8 sub-blocks of 32.
template <typename Block>
void store_8_of_32(const float* x, const SubBlocks& sub, int max_q, std::uint8_t* q, Block& block) {
  block.d = float_to_f16(sub.d);
  block.dmin = float_to_f16(sub.dmin);
  // A negative scale became a large byte: 63, then.
  for (int k = 0; k < 8; ++k)
    pack_scale_min(k, std::min<std::uint8_t>(sub.scales[k], 63),
                   std::min<std::uint8_t>(sub.mins[k], 63), block.scales);
  for (int k = 0; k < 8; ++k) {
    const ScaleMin read = q4_k_scale_min(block.scales, k);
    round_again<32>(x + 32 * k, f16_to_float(block.d) * static_cast<float>(read.scale),
                    f16_to_float(block.dmin) * static_cast<float>(read.min), max_q, q + 32 * k);
  }
  pack_nibbles(q, block.qs);
}

}  // namespace

void store_block(const float* x, const SubBlocks& sub, std::uint8_t* q, BlockQ2_K& block) {
  block.d = float_to_f16(sub.d);
  block.dmin = float_to_f16(sub.dmin);
  for (int k = 0; k < 16; ++k) {
    block.scales[k] = static_cast<std::uint8_t>(sub.scales[k] | sub.mins[k] << 4);
    round_again<16>(x + 16 * k, f16_to_float(block.d) * static_cast<float>(block.scales[k] & 15),
                    f16_to_float(block.dmin) * static_cast<float>(block.scales[k] >> 4), 3,
                    q + 16 * k);
  }
  pack_pairs(q, block.qs);
}

void store_block(const float* x, const SubBlocks& sub, std::uint8_t* q, BlockQ3_K& block) {
  block.d = float_to_f16(sub.d);
  std::memset(block.scales, 0, sizeof block.scales);
  for (int k = 0; k < 16; ++k) {
    std::uint8_t& low = block.scales[k % 8];
    low = static_cast<std::uint8_t>(low | (sub.scales[k] & 15) << (4 * (k / 8)));
    std::uint8_t& high = block.scales[8 + k % 4];
    high = static_cast<std::uint8_t>(high | (sub.scales[k] >> 4) << (2 * (k / 4)));
  }
  for (int k = 0; k < 16; ++k)
    round_again<4>(x + 16 * k,
                   f16_to_float(block.d) * static_cast<float>(q3_k_scale(block.scales, k) - 32),
                   q + 16 * k);
  std::memset(block.hmask, 0, sizeof block.hmask);
  for (int i = 0; i < kStoredElements; ++i)
    block.hmask[i % 32] = static_cast<std::uint8_t>(block.hmask[i % 32] | (q[i] >> 2) << (i / 32));
  pack_pairs(q, block.qs);
}

void store_block(const float* x, const SubBlocks& sub, std::uint8_t* q, BlockQ4_K& block) {
  store_8_of_32(x, sub, 15, q, block);
}

void store_block(const float* x, const SubBlocks& sub, std::uint8_t* q, BlockQ5_K& block) {
  store_8_of_32(x, sub, 31, q, block);
  std::memset(block.qh, 0, sizeof block.qh);
  for (int i = 0; i < kStoredElements; ++i)
    block.qh[i % 32] = static_cast<std::uint8_t>(block.qh[i % 32] | (q[i] >> 4) << (i / 32));
}

void store_block(const float* x, const SubBlocks& sub, std::uint8_t* q, BlockQ6_K& block) {
  block.d = float_to_f16(sub.d);
  for (int k = 0; k < 16; ++k) {
    block.scales[k] = static_cast<std::int8_t>(sub.scales[k]);
    round_again<32>(x + 16 * k, f16_to_float(block.d) * static_cast<float>(block.scales[k]),
                    q + 16 * k);
  }
  for (int half = 0; half < 2; ++half) {
    for (int j = 0; j < 32; ++j) {
      const std::uint8_t* from = q + 128 * half + j;  // four elements, 32 apart
      std::uint8_t* ql = block.ql + 64 * half + j;
      ql[0] = static_cast<std::uint8_t>((from[0] & 15) | (from[64] & 15) << 4);
      ql[32] = static_cast<std::uint8_t>((from[32] & 15) | (from[96] & 15) << 4);
      block.qh[32 * half + j] = static_cast<std::uint8_t>(
          from[0] >> 4 | (from[32] >> 4) << 2 | (from[64] >> 4) << 4 | (from[96] >> 4) << 6);
    }
  }
}

}  // namespace nemotron
