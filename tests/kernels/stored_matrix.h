// Matrices of any type with random contents, for the tests of products.
#pragma once

#include <cstring>
#include <optional>
#include <vector>

#include "kernel_test.h"
#include "quant/dequantize.h"
#include "quant/tensor_type.h"

namespace nemotron::test {

inline std::vector<TensorType> all_types() {
  std::vector<TensorType> types;
  for (int i = 0; i < kNumTensorTypes; ++i) types.push_back(static_cast<TensorType>(i));
  return types;
}

// Where the half-precision numbers of a block lie.
inline std::vector<std::size_t> half_offsets(TensorType type) {
  switch (type) {
    case TensorType::kF32:
    case TensorType::kBF16:
    case TensorType::kF8_E4M3:
    case TensorType::kNVFP4:
      return {};
    case TensorType::kF16:
    case TensorType::kQ4_0:
    case TensorType::kQ5_0:
    case TensorType::kQ8_0:
    case TensorType::kIQ4_NL:
    case TensorType::kIQ4_XS:
      return {0};
    case TensorType::kQ4_1:
    case TensorType::kQ5_1:
    case TensorType::kQ4_K:
    case TensorType::kQ5_K:
      return {0, 2};
    case TensorType::kQ2_K:
      return {80, 82};
    case TensorType::kQ3_K:
      return {108};
    case TensorType::kQ6_K:
      return {208};
  }
  return {};
}

struct StoredMatrix {
  // All quants the byte `fill`, where one is given.
  StoredMatrix(TensorType t, std::int64_t rows, std::int64_t columns, Random& random,
               std::optional<unsigned char> fill = {})
      : type(t), n_rows(rows), n_columns(columns) {
    const TensorTypeTraits& type_traits = traits(type);
    row_bytes = columns / type_traits.block_elements * type_traits.block_bytes;
    bytes.resize(static_cast<std::size_t>(rows * row_bytes));
    for (auto& byte : bytes) byte = fill.value_or(static_cast<unsigned char>(random.bits()));
    tame_exponents(random);
    floats.resize(static_cast<std::size_t>(rows * columns));
    for (std::int64_t i = 0; i < rows; ++i)
      dequantize(type, bytes.data() + i * row_bytes, static_cast<std::size_t>(columns),
                 floats.data() + i * columns);
  }

  // Random bits make any quants; the floats among them must be finite and of similar size.
  void tame_exponents(Random& random) {
    const auto put_half = [&](std::size_t offset) {
      const std::uint16_t half = static_cast<std::uint16_t>(0x2400 | (random.bits() & 0x83ff));
      std::memcpy(&bytes[offset], &half, sizeof half);
    };
    const std::size_t step = traits(type).block_bytes;
    for (std::size_t at = 0; at < bytes.size(); at += step) {
      switch (type) {
        case TensorType::kF32: {
          const float value = random.real();
          std::memcpy(&bytes[at], &value, sizeof value);
          break;
        }
        case TensorType::kBF16: {
          const auto bits = static_cast<std::uint16_t>(0x3e00 | (random.bits() & 0x81ff));
          std::memcpy(&bytes[at], &bits, sizeof bits);
          break;
        }
        case TensorType::kF8_E4M3:  // not NaN
          bytes[at] &= 0xbf;
          break;
        case TensorType::kNVFP4:
          for (std::size_t k = 0; k < 4; ++k) bytes[at + k] &= 0x3f;
          if (random.bits() % 4 == 0) bytes[at + random.bits() % 4] = 0x7f;  // means 0
          break;
        default:
          for (const std::size_t offset : half_offsets(type)) put_half(at + offset);
      }
    }
  }

  TensorType type;
  std::int64_t n_rows;
  std::int64_t n_columns;
  std::int64_t row_bytes = 0;
  std::vector<unsigned char> bytes;
  std::vector<float> floats;
};

}  // namespace nemotron::test
