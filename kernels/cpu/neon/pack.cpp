// Rows of a file to packed tiles: the codes of four rows become bytes, the same columns of all four
// one vector, and those are put together as the product wants them.
#if defined(__aarch64__)
#include <algorithm>
#include <cstddef>
#include <cstring>

#include "kernels/cpu/neon/neon_kernels.h"
#include "kernels/cpu/neon/read_block.h"
#include "kernels/cpu/neon/vector_math.h"
#include "kernels/cpu/ref/ref_kernels.h"

namespace nemotron::kernels::neon {

namespace {

// Vector q: quad q of the four outputs.
struct Quads {
  uint8x16_t quad[8];
};

Quads transposed(const CodeBytes (&codes)[kStripOutputs]) {
  Quads out;
  for (int half = 0; half < 2; ++half) {
    uint32x4x4_t rows;
    for (int r = 0; r < kStripOutputs; ++r)
      rows.val[r] = vreinterpretq_u32_u8(vld1q_u8(codes[r] + half * kVectorBytes));
    std::uint32_t words[16];
    vst4q_u32(words, rows);  // interleaves: word i of all rows, then word i + 1
    for (int q = 0; q < 4; ++q)
      out.quad[4 * half + q] = vreinterpretq_u8_u32(vld1q_u32(words + 4 * q));
  }
  return out;
}

void store(std::byte* to, int vector, uint8x16_t value) {
  vst1q_u8(reinterpret_cast<std::uint8_t*>(to) + vector * kVectorBytes, value);
}

uint8x16_t bits_of(uint8x16_t codes, int first, int mask) {
  return vandq_u8(vshlq_u8(codes, vdupq_n_s8(static_cast<std::int8_t>(-first))),
                  vdupq_n_u8(static_cast<std::uint8_t>(mask)));
}

uint8x16_t moved_up(uint8x16_t bits, int n) {
  return vshlq_u8(bits, vdupq_n_s8(static_cast<std::int8_t>(n)));
}

void store_nibbles(const Quads& q, std::byte* to) {
  for (int j = 0; j < 4; ++j)
    store(to, j, vorrq_u8(bits_of(q.quad[j], 0, 15), moved_up(q.quad[j + 4], 4)));
}

// Bit `bit` of the codes.
void store_single_bits(const Quads& q, int bit, std::byte* to) {
  uint8x16_t all = vdupq_n_u8(0);
  for (int i = 0; i < 8; ++i) all = vorrq_u8(all, moved_up(bits_of(q.quad[i], bit, 1), i));
  store(to, 0, all);
}

// Bits `bit` and `bit` + 1 of the codes.
void store_bit_pairs(const Quads& q, int bit, std::byte* to) {
  for (int i = 0; i < 2; ++i) {
    uint8x16_t all = vdupq_n_u8(0);
    for (int m = 0; m < 4; ++m)
      all = vorrq_u8(all, moved_up(bits_of(q.quad[4 * i + m], bit, 3), 2 * m));
    store(to, i, all);
  }
}

void store_codes(Width width, const Quads& q, std::byte* to) {
  switch (width) {
    case Width::kBytes:
      for (int i = 0; i < 8; ++i) store(to, i, q.quad[i]);
      break;
    case Width::kNibbles:
      store_nibbles(q, to);
      break;
    case Width::kFive:
      store_nibbles(q, to);
      store_single_bits(q, 4, to + 4 * kVectorBytes);
      break;
    case Width::kSix:
      store_nibbles(q, to);
      store_bit_pairs(q, 4, to + 4 * kVectorBytes);
      break;
    case Width::kPairs:
      store_bit_pairs(q, 0, to);
      break;
    case Width::kThree:
      store_bit_pairs(q, 0, to);
      store_single_bits(q, 2, to + 2 * kVectorBytes);
      break;
  }
}

// n_rows of four rows, row_bytes apart, as a strip; what is missing of them is zero.
template <class Block>
void pack_strip(const PackedForm& form, const std::byte* rows, std::int64_t row_bytes,
                std::int64_t n_rows, std::int64_t n_in, std::byte* strip) {
  for (std::int64_t i = 0; i < n_in / Block::kElements; ++i, strip += form.group_bytes()) {
    Block blocks[kStripOutputs] = {};
    for (std::int64_t r = 0; r < n_rows; ++r)
      std::memcpy(&blocks[r], rows + r * row_bytes + i * static_cast<std::int64_t>(sizeof(Block)),
                  sizeof(Block));
    for (int r = 0; r < kStripOutputs; ++r) put_header(blocks[r], strip, r);
    std::byte* to = strip + form.header_bytes();
    for (int k = 0; k < form.blocks_per_group; ++k, to += form.block_bytes()) {
      CodeBytes codes[kStripOutputs];
      for (int r = 0; r < kStripOutputs; ++r) read_codes(blocks[r], k, codes[r]);
      store_codes(form.width, transposed(codes), to);
      for (int r = 0; r < kStripOutputs; ++r) put_factors(blocks[r], k, to + form.code_bytes(), r);
    }
  }
}

template <class Block>
void pack_strips(const PackTileParams& p) {
  const PackedForm form = packed_form(p.type);
  const std::int64_t bytes = row_bytes(p.type, p.n_in);
  const auto* rows = static_cast<const std::byte*>(p.rows);
  auto* strip = static_cast<std::byte*>(p.tile);
  for (std::int64_t first = 0; first < kTileRows; first += kStripOutputs) {
    const std::int64_t n_rows = std::clamp<std::int64_t>(p.n_rows - first, 0, kStripOutputs);
    pack_strip<Block>(form, rows + first * bytes, bytes, n_rows, p.n_in, strip);
    strip += form.strip_bytes(p.n_in);
  }
}

}  // namespace

void pack_tile(const PackTileParams& p) {
  switch (p.type) {
    case TensorType::kQ8_0:
      return pack_strips<BlockQ8_0>(p);
    case TensorType::kQ4_0:
      return pack_strips<BlockQ4_0>(p);
    case TensorType::kQ4_1:
      return pack_strips<BlockQ4_1>(p);
    case TensorType::kQ5_0:
      return pack_strips<BlockQ5_0>(p);
    case TensorType::kQ5_1:
      return pack_strips<BlockQ5_1>(p);
    case TensorType::kIQ4_NL:
      return pack_strips<BlockIQ4_NL>(p);
    case TensorType::kNVFP4:
      return pack_strips<BlockNVFP4>(p);
    case TensorType::kQ2_K:
      return pack_strips<BlockQ2_K>(p);
    case TensorType::kQ3_K:
      return pack_strips<BlockQ3_K>(p);
    case TensorType::kQ4_K:
      return pack_strips<BlockQ4_K>(p);
    case TensorType::kQ5_K:
      return pack_strips<BlockQ5_K>(p);
    case TensorType::kQ6_K:
      return pack_strips<BlockQ6_K>(p);
    case TensorType::kIQ4_XS:
      return pack_strips<BlockIQ4_XS>(p);
    default:
      return ref::pack_tile(p);
  }
}

}  // namespace nemotron::kernels::neon
#endif
