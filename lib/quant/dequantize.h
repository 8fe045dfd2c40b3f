// The scalar reference of every block type: what a stored element means, as a float.
// Bit-equal to the `gguf` Python package, which multiplies in float32 in the order written here.
#pragma once

#include <cstddef>
#include <cstdint>

#include "quant/tensor_type.h"

namespace nemotron {

// Writes `n_elements` floats; n_elements is a multiple of the type's block_elements.
void dequantize(TensorType type, const void* blocks, std::size_t n_elements, float* out);

}  // namespace nemotron
