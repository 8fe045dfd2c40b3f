// Floats to blocks: the reference quantizers of the block types, with and without an importance to
// each column. Equal byte for byte to what llama.cpp's quantizer writes (tests/data/quant says
// which version).
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

// Whether quantize_rows() makes use of an importance: the block types do, but for Q8_0.
bool heeds_importance(TensorType type);

// Whole rows of [n_rows, n_columns]; n_columns is a multiple of the type's block_elements.
// `importance`, [n_columns], finite and not negative: how much the square of an error in each
// column matters; a row depends on its own elements alone. nullptr, or a type that heeds none:
// quantize().
void quantize_rows(TensorType type, const float* values, std::size_t n_rows, std::size_t n_columns,
                   const float* importance, void* blocks);

}  // namespace nemotron
