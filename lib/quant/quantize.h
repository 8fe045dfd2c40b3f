// Floats to blocks: the reference quantizers of the block types, without importance weights. Equal
// byte for byte to what llama.cpp's quantizer writes (tests/data/quant says which version).
#pragma once

#include <cstddef>

#include "quant/tensor_type.h"

namespace nemotron {

// Whether quantize() makes this type: all but NVFP4.
bool can_quantize(TensorType type);

// Writes n_elements / block_elements blocks; n_elements is a multiple of the type's block_elements.
// The values must be finite. A block depends on its own elements alone. F8_E4M3 saturates, and has
// no scale: the caller divides by it.
void quantize(TensorType type, const float* values, std::size_t n_elements, void* blocks);

}  // namespace nemotron
