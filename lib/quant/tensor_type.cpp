// The geometry of each tensor type, in the order of the enum.
#include "quant/tensor_type.h"

#include <iterator>

#include "quant/block_formats.h"

namespace nemotron {
namespace {
template <typename Block>
constexpr TensorTypeTraits block_traits(std::string_view name) {
  return {name, Block::kElements, sizeof(Block)};
}
}  // namespace

const TensorTypeTraits& traits(TensorType type) {
  static constexpr TensorTypeTraits kTraits[] = {
      {"F32", 1, 4},
      {"F16", 1, 2},
      {"BF16", 1, 2},
      {"F8_E4M3", 1, 1},
      block_traits<BlockQ4_0>("Q4_0"),
      block_traits<BlockQ4_1>("Q4_1"),
      block_traits<BlockQ5_0>("Q5_0"),
      block_traits<BlockQ5_1>("Q5_1"),
      block_traits<BlockQ8_0>("Q8_0"),
      block_traits<BlockQ2_K>("Q2_K"),
      block_traits<BlockQ3_K>("Q3_K"),
      block_traits<BlockQ4_K>("Q4_K"),
      block_traits<BlockQ5_K>("Q5_K"),
      block_traits<BlockQ6_K>("Q6_K"),
      block_traits<BlockIQ4_NL>("IQ4_NL"),
      block_traits<BlockIQ4_XS>("IQ4_XS"),
      block_traits<BlockNVFP4>("NVFP4"),
  };
  static_assert(std::size(kTraits) == kNumTensorTypes);
  return kTraits[static_cast<std::uint8_t>(type)];
}

}  // namespace nemotron
