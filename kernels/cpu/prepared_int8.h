// The input of products of quantized weights: what the SIMD levels prepare alike.
#pragma once

#include <bit>
#include <cstdint>

namespace nemotron::kernels {

inline constexpr std::int64_t kBlockColumns = 32;

// How codes u and factors a to d of a block give its part of the sum over w x, x being scale * q:
//   kOffset   w = a (u - offset)                         a * scale * (u.q - offset * sum q)
//   kMinimum  w = a u - b                                (a * u.q - b * sum q) * scale
//   kHalves   w = (a | b) (u - offset), by half a block  (a * first half + b * second) * scale
//   kHalvesMinimum  w = (a | b) u - (c | d)   (a * first + b * second - c * sum - d * sum) * scale
enum class CodeMode : std::uint8_t { kOffset, kMinimum, kHalves, kHalvesMinimum };

struct CodeMeaning {
  CodeMode mode = CodeMode::kOffset;
  int offset = 0;
};

// q rounded to the nearest of x / scale, scale = max|x| / 127 per row and block; between -127 and
// 127. Arrays are [n_blocks][n_rows], so that the rows of a block are neighbours.
struct PreparedInt8 {
  // Of q over each half of a block. kOffset, kHalves: times -offset, with kOffset both in a;
  // kMinimum, kHalvesMinimum: the bits of floats, with kMinimum both in a.
  struct Sums {
    std::int32_t a, b;
  };
  struct Rows {  // neighbouring ones at a block
    const std::int8_t* q;
    const float* scale;
    const Sums* sums;
  };
  static constexpr float kTooSmall = 1e-30f;  // its inverse would overflow: such a block is zero

  std::int8_t* q = nullptr;  // [n_blocks][n_rows][32]
  float* scale = nullptr;
  Sums* sums = nullptr;
  std::int64_t n_rows = 0;

  static std::int64_t size_bytes(std::int64_t n_rows, std::int64_t n_in) {
    return n_in / kBlockColumns * n_rows * (kBlockColumns + 12);
  }
  PreparedInt8(void* memory, std::int64_t rows, std::int64_t n_in) : n_rows(rows) {
    const std::int64_t n = n_in / kBlockColumns * n_rows;
    q = static_cast<std::int8_t*>(memory);
    scale = reinterpret_cast<float*>(q + n * kBlockColumns);
    sums = reinterpret_cast<Sums*>(scale + n);
  }

  Rows rows_at(std::int64_t block, std::int64_t first_row) const {
    const std::int64_t i = block * n_rows + first_row;
    return {q + i * kBlockColumns, scale + i, sums + i};
  }
};

inline PreparedInt8::Sums sums_for(CodeMeaning codes, std::int32_t first, std::int32_t second) {
  const auto float_bits = [](std::int32_t sum) {
    return std::bit_cast<std::int32_t>(static_cast<float>(sum));
  };
  switch (codes.mode) {
    case CodeMode::kOffset:
      return {-codes.offset * (first + second), 0};
    case CodeMode::kMinimum:
      return {float_bits(first + second), 0};
    case CodeMode::kHalves:
      return {-codes.offset * first, -codes.offset * second};
    case CodeMode::kHalvesMinimum:
      return {float_bits(first), float_bits(second)};
  }
  return {};
}

}  // namespace nemotron::kernels
