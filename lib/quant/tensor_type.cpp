// The geometry of each tensor type, in the order of the enum.
#include "quant/tensor_type.h"

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
      block_traits<BlockQ8_0>("Q8_0"),
      block_traits<BlockQ5_0>("Q5_0"),
      block_traits<BlockQ4_K>("Q4_K"),
      block_traits<BlockQ6_K>("Q6_K"),
  };
  return kTraits[static_cast<std::uint8_t>(type)];
}

}  // namespace nemotron
