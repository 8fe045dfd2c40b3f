// One block to floats, an overload per layout: private to lib/quant.
#pragma once

#include "quant/block_formats.h"

namespace nemotron {

// Writes Block::kElements floats.
void dequantize_block(const BlockQ4_0& block, float* out);
void dequantize_block(const BlockQ4_1& block, float* out);
void dequantize_block(const BlockQ5_0& block, float* out);
void dequantize_block(const BlockQ5_1& block, float* out);
void dequantize_block(const BlockQ8_0& block, float* out);
void dequantize_block(const BlockIQ4_NL& block, float* out);
void dequantize_block(const BlockNVFP4& block, float* out);

void dequantize_block(const BlockQ2_K& block, float* out);
void dequantize_block(const BlockQ3_K& block, float* out);
void dequantize_block(const BlockQ4_K& block, float* out);
void dequantize_block(const BlockQ5_K& block, float* out);
void dequantize_block(const BlockQ6_K& block, float* out);
void dequantize_block(const BlockIQ4_XS& block, float* out);

}  // namespace nemotron
