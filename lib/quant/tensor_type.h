// The element types a tensor can be stored in, and the geometry of their blocks.
// Block types are ggml's (layouts in block_formats.h); the values of the enum are our own.
#pragma once

#include <cstdint>
#include <string_view>

namespace nemotron {

enum class TensorType : std::uint8_t { kF32, kF16, kBF16, kQ8_0, kQ5_0, kQ4_K, kQ6_K };
constexpr int kNumTensorTypes = 7;

struct TensorTypeTraits {
  std::string_view name;         // as users know it: "BF16", "Q4_K"
  std::uint32_t block_elements;  // consecutive elements of a row that share a block; 1 = plain type
  std::uint32_t block_bytes;
};

const TensorTypeTraits& traits(TensorType type);

}  // namespace nemotron
