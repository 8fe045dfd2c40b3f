// Random weights in the form in which they are stored: random quants under constant scales, so that
// nothing has to be quantized. Bytes are a function of (seed, tensor, place in the tensor) alone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "convert/tensor_plan.h"
#include "model/config.h"

namespace nemotron {

// The scales of an FP8 matrix whose bytes fill_random makes.
float random_weight_scale(const ModelConfig& config, TensorRole role);
float random_input_scale(TensorRole role);

// Whether fill_random can make tensors of this type.
bool can_be_random(TensorType type);

// Bytes [offset_bytes, offset_bytes + out.size()) of the tensor: whole blocks, and offset_bytes a
// multiple of 64 (of blocks, too). Matrices have mean 0 and the standard deviation 1 /
// sqrt(inputs), so that activations keep their size through the layers; norms and D are 1; A is -1
// to -16, and softplus(dt_bias) 0.001 to 0.1, as trained models begin.
void fill_random(const ModelConfig& config, const PlannedTensor& tensor, std::uint64_t seed,
                 std::uint64_t offset_bytes, std::span<std::byte> out);

}  // namespace nemotron
