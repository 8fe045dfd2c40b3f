// How the level keeps quantized weights. A tile is four strips of four outputs, one after another;
// a lane of 32 bits belongs to an output, so that sums over columns never cross lanes. Columns go
// in blocks of 32, as eight quads of 4: a quad of one vector holds, in the 4 bytes of lane r,
// columns 4 q .. 4 q + 3 of output r.
//
// A strip is a sequence of groups: a header where the type has one scale for many blocks, then
// blocks. A block is its codes (Width), then what else its factors are made of (Scales).
#pragma once

#include <cstdint>

#include "kernels/common/linear_params.h"
#include "kernels/cpu/prepared_int8.h"
#include "quant/block_formats.h"

namespace nemotron::kernels::neon {

inline constexpr std::int64_t kStripOutputs = 4;
inline constexpr std::int64_t kVectorBytes = 16;

// Nibbles: 4 vectors; vector j has quad j in the low and quad j + 4 in the high halves of its
// bytes. Single bits: 1 vector; bit q of a byte belongs to quad q. Pairs of bits: 2 vectors; bits 2
// m and 2 m + 1 of vector i belong to quad 4 i + m.
enum class Width : std::uint8_t {
  kBytes,  // 8 vectors, signed
  kNibbles,
  kFive,  // nibbles, then single bits above them
  kSix,   // nibbles, then pairs of bits above them
  kPairs,
  kThree  // pairs of bits, then single bits above them
};

// Each item is one per output of the strip.
enum class Scales : std::uint8_t {
  kHalf,      // half d
  kHalfMin,   // half d, half m
  kScaleMin,  // header: half d, half dmin; byte scale, byte minimum
  kPair,      // header: half d; signed byte scale of each half of the block
  kPairMin,   // header: half d, half dmin; byte for each half: scale in the low nibble, minimum
  kSigned,    // header: half d; signed byte scale
  kE4M3       // unsigned E4M3 scale of each half, 0x7f being zero
};

// The packed form of a quantized type.
struct PackedForm {
  Width width = Width::kBytes;
  Scales scales = Scales::kHalf;
  CodeMeaning meaning;
  const std::int8_t* values = nullptr;  // sixteen, from which a nibble chooses
  std::int64_t blocks_per_group = 0;    // 0: the type has no packed form

  constexpr std::int64_t code_bytes() const {
    constexpr int kVectors[] = {8, 4, 5, 6, 2, 3};
    return kVectors[static_cast<int>(width)] * kVectorBytes;
  }
  constexpr std::int64_t header_bytes() const {
    constexpr int kBytes[] = {0, 0, 16, 8, 16, 8, 0};
    return kBytes[static_cast<int>(scales)];
  }
  constexpr std::int64_t block_bytes() const {
    constexpr int kBytes[] = {8, 16, 8, 8, 8, 4, 8};
    return code_bytes() + kBytes[static_cast<int>(scales)];
  }
  constexpr std::int64_t group_bytes() const {
    return header_bytes() + blocks_per_group * block_bytes();
  }
  constexpr std::int64_t strip_bytes(std::int64_t n_in) const {
    return n_in / (kBlockColumns * blocks_per_group) * group_bytes();
  }
};

constexpr PackedForm packed_form(TensorType type) {
  switch (type) {
    case TensorType::kQ8_0:
      return {Width::kBytes, Scales::kHalf, {CodeMode::kOffset, 0}, nullptr, 1};
    case TensorType::kQ4_0:
      return {Width::kNibbles, Scales::kHalf, {CodeMode::kOffset, 8}, nullptr, 1};
    case TensorType::kQ4_1:
      return {Width::kNibbles, Scales::kHalfMin, {CodeMode::kMinimum, 0}, nullptr, 1};
    case TensorType::kQ5_0:
      return {Width::kFive, Scales::kHalf, {CodeMode::kOffset, 16}, nullptr, 1};
    case TensorType::kQ5_1:
      return {Width::kFive, Scales::kHalfMin, {CodeMode::kMinimum, 0}, nullptr, 1};
    case TensorType::kIQ4_NL:
      return {Width::kNibbles, Scales::kHalf, {CodeMode::kOffset, 0}, kIQ4Values, 1};
    case TensorType::kNVFP4:
      return {Width::kNibbles, Scales::kE4M3, {CodeMode::kHalves, 0}, kFp4DoubledValues, 2};
    case TensorType::kQ2_K:
      return {Width::kPairs, Scales::kPairMin, {CodeMode::kHalvesMinimum, 0}, nullptr, 8};
    case TensorType::kQ3_K:
      return {Width::kThree, Scales::kPair, {CodeMode::kHalves, 4}, nullptr, 8};
    case TensorType::kQ4_K:
      return {Width::kNibbles, Scales::kScaleMin, {CodeMode::kMinimum, 0}, nullptr, 8};
    case TensorType::kQ5_K:
      return {Width::kFive, Scales::kScaleMin, {CodeMode::kMinimum, 0}, nullptr, 8};
    case TensorType::kQ6_K:
      return {Width::kSix, Scales::kPair, {CodeMode::kHalves, 32}, nullptr, 8};
    case TensorType::kIQ4_XS:
      return {Width::kNibbles, Scales::kSigned, {CodeMode::kOffset, 0}, kIQ4Values, 8};
    default:
      return {};
  }
}

constexpr bool is_packed(TensorType type) { return packed_form(type).blocks_per_group != 0; }

}  // namespace nemotron::kernels::neon
