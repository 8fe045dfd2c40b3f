// The element types a tensor can be stored in, and the geometry of their blocks.
// Block types are ggml's (layouts in block_formats.h); the values of the enum are our own.
#pragma once

#include <cstdint>
#include <string_view>

namespace nemotron {

enum class TensorType : std::uint8_t {
  kF32,
  kF16,
  kBF16,
  kF8_E4M3,  // the FN variant: no infinities, 448 the largest; not a ggml type
  kQ4_0,
  kQ4_1,
  kQ5_0,
  kQ5_1,
  kQ8_0,
  kQ2_K,
  kQ3_K,
  kQ4_K,
  kQ5_K,
  kQ6_K,
  kIQ4_NL,
  kIQ4_XS,
  kNVFP4,
};
constexpr int kNumTensorTypes = 17;

struct TensorTypeTraits {
  std::string_view name;         // as users know it: "BF16", "Q4_K"
  std::uint32_t block_elements;  // consecutive elements of a row that share a block; 1 = plain type
  std::uint32_t block_bytes;
};

const TensorTypeTraits& traits(TensorType type);

}  // namespace nemotron
