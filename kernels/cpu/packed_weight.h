// How `avx2` and `avx512` keep weights. A tile is sixteen outputs; a lane belongs to an output, so
// that sums over columns never cross lanes. Columns go in blocks of 32, as eight quads of 4: a quad
// of one vector holds, in the 4 bytes of lane r, columns 4 q .. 4 q + 3 of output r.
//
//   Q8_0    8 quads (q + 128), then 16 halves d                                   544 bytes a block
//   Q4_0, IQ4_NL  nibbles, then 16 halves d                                       288
//   Q4_1    nibbles, then 16 halves d, 16 halves m                                320
//   Q5_0, Q5_1    the same as Q4_0 and Q4_1, with single bits behind the nibbles  352, 384
//   NVFP4   per 64 columns, two blocks: nibbles, then 2 * 16 scales               2 * 288
//   BF16    16 pairs of columns, 16 lanes of 2 elements each                      1024
//   F16, F32  32 columns of 16 lanes                                              1024, 2048
//   F8_E4M3 8 quads; of each four lanes first their columns 4 q and 4 q + 1        512
// Per 256 columns a header and eight blocks:
//   Q2_K    16 d, 16 dmin; 2 * 16 scales and minima, pairs of bits                64 + 8 * 160
//   Q3_K    16 d; 2 * 16 scales, pairs of bits, single bits                       32 + 8 * 224
//   Q4_K    16 d, 16 dmin; 16 scales, 16 minima, nibbles                          64 + 8 * 288
//   Q5_K    the same, with single bits behind the nibbles                         64 + 8 * 352
//   Q6_K    16 d; 2 * 16 scales, nibbles, pairs of bits                           32 + 8 * 416
//   IQ4_XS  16 d; 16 scales, nibbles                                              32 + 8 * 272
//
// nibbles: 4 vectors; vector j has quad j in the low and quad j + 4 in the high halves of its
// bytes. Single bits: 1 vector; bit q of a byte belongs to quad q. Pairs of bits: 2 vectors; bits 2
// m and 2 m + 1 of vector i belong to quad 4 i + m.
#pragma once

#include <cstdint>

#include "kernels/common/linear_params.h"
#include "kernels/cpu/prepared_int8.h"

namespace nemotron::kernels {

inline constexpr std::int64_t kVectorBytes = 64;    // of sixteen lanes; of eight, its half
inline constexpr std::int64_t kTileHalfBytes = 32;  // a half for each output of a tile

// What of a quantized type decides its packed form and the code of its product.
enum class PackedForm : std::uint8_t {
  kNone,
  kQ8_0,
  kQ5_0,
  kQ5_1,
  kQ4_0,
  kQ4_1,
  kIQ4_NL,
  kNVFP4,
  kQ2_K,
  kQ3_K,
  kQ4_K,
  kQ5_K,
  kQ6_K,
  kIQ4_XS,
  kBF16,
  kF8,
  kF16,
  kF32
};

// kNone: the type or the number of columns has no packed form.
inline PackedForm packed_form(TensorType type, std::int64_t n_in) {
  switch (type) {
    case TensorType::kQ8_0:
      return PackedForm::kQ8_0;
    case TensorType::kQ5_0:
      return PackedForm::kQ5_0;
    case TensorType::kQ4_0:
      return PackedForm::kQ4_0;
    case TensorType::kIQ4_NL:
      return PackedForm::kIQ4_NL;
    case TensorType::kQ4_K:
      return PackedForm::kQ4_K;
    case TensorType::kQ6_K:
      return PackedForm::kQ6_K;
    case TensorType::kQ4_1:
      return PackedForm::kQ4_1;
    case TensorType::kQ5_1:
      return PackedForm::kQ5_1;
    case TensorType::kNVFP4:
      return PackedForm::kNVFP4;
    case TensorType::kQ2_K:
      return PackedForm::kQ2_K;
    case TensorType::kQ3_K:
      return PackedForm::kQ3_K;
    case TensorType::kQ5_K:
      return PackedForm::kQ5_K;
    case TensorType::kIQ4_XS:
      return PackedForm::kIQ4_XS;
    case TensorType::kBF16:
      return n_in % kBlockColumns == 0 ? PackedForm::kBF16 : PackedForm::kNone;
    case TensorType::kF8_E4M3:
      return n_in % kBlockColumns == 0 ? PackedForm::kF8 : PackedForm::kNone;
    case TensorType::kF16:
      return n_in % kBlockColumns == 0 ? PackedForm::kF16 : PackedForm::kNone;
    case TensorType::kF32:
      return n_in % kBlockColumns == 0 ? PackedForm::kF32 : PackedForm::kNone;
  }
  return PackedForm::kNone;
}

// A group shares a header: 256 columns of a K-quant, one block of the others.
struct PackedLayout {
  std::int64_t blocks_per_group = 1;
  std::int64_t header_bytes = 0;
  std::int64_t block_bytes = 0;

  constexpr std::int64_t group_bytes() const {
    return header_bytes + blocks_per_group * block_bytes;
  }
  constexpr std::int64_t tile_bytes(std::int64_t n_in) const {
    return n_in / (kBlockColumns * blocks_per_group) * group_bytes();
  }
};

constexpr PackedLayout packed_layout(PackedForm form) {
  switch (form) {
    case PackedForm::kQ8_0:
      return {1, 0, 8 * kVectorBytes + 32};
    case PackedForm::kQ5_0:
      return {1, 0, 5 * kVectorBytes + 32};
    case PackedForm::kQ5_1:
      return {1, 0, 5 * kVectorBytes + 64};
    case PackedForm::kQ4_0:
    case PackedForm::kIQ4_NL:
      return {1, 0, 4 * kVectorBytes + 32};
    case PackedForm::kQ4_1:
      return {1, 0, 4 * kVectorBytes + 64};
    case PackedForm::kNVFP4:
      return {2, 0, 4 * kVectorBytes + 32};
    case PackedForm::kQ2_K:
      return {8, 64, 2 * kVectorBytes + 32};
    case PackedForm::kQ3_K:
      return {8, 32, 3 * kVectorBytes + 32};
    case PackedForm::kQ4_K:
      return {8, 64, 4 * kVectorBytes + 32};
    case PackedForm::kQ5_K:
      return {8, 64, 5 * kVectorBytes + 32};
    case PackedForm::kIQ4_XS:
      return {8, 32, 4 * kVectorBytes + 16};
    case PackedForm::kQ6_K:
      return {8, 32, 6 * kVectorBytes + 32};
    case PackedForm::kBF16:
      return {1, 0, 16 * kVectorBytes};
    case PackedForm::kF8:
      return {1, 0, 8 * kVectorBytes};
    case PackedForm::kF16:
      return {1, 0, 16 * kVectorBytes};
    case PackedForm::kF32:
      return {1, 0, 32 * kVectorBytes};
    case PackedForm::kNone:
      break;
  }
  return {};
}

// kNone keeps the rows as in a file.
inline std::int64_t tile_bytes_as(PackedForm form, TensorType type, std::int64_t n_in) {
  return form == PackedForm::kNone ? kTileRows * row_bytes(type, n_in)
                                   : packed_layout(form).tile_bytes(n_in);
}

// Of the forms that meet int8.
constexpr CodeMeaning code_meaning(PackedForm form) {
  switch (form) {
    case PackedForm::kQ8_0:
    case PackedForm::kIQ4_NL:
    case PackedForm::kIQ4_XS:
      return {CodeMode::kOffset, 128};
    case PackedForm::kQ5_0:
      return {CodeMode::kOffset, 16};
    case PackedForm::kQ4_0:
      return {CodeMode::kOffset, 8};
    case PackedForm::kQ4_1:
    case PackedForm::kQ5_1:
    case PackedForm::kQ4_K:
    case PackedForm::kQ5_K:
      return {CodeMode::kMinimum, 0};
    case PackedForm::kQ3_K:
      return {CodeMode::kHalves, 4};
    case PackedForm::kQ6_K:
      return {CodeMode::kHalves, 32};
    case PackedForm::kNVFP4:
      return {CodeMode::kHalves, 12};
    case PackedForm::kQ2_K:
      return {CodeMode::kHalvesMinimum, 0};
    default:
      return {};
  }
}

// How inputs meet it.
constexpr Arithmetic arithmetic_of(PackedForm form) {
  switch (form) {
    case PackedForm::kBF16:
    case PackedForm::kF8:
      return Arithmetic::kBF16;
    case PackedForm::kF16:
    case PackedForm::kF32:
    case PackedForm::kNone:
      return Arithmetic::kF32;
    default:
      return Arithmetic::kInt8;
  }
}

}  // namespace nemotron::kernels
