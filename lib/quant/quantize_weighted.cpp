// Quantizing with an importance to each column: the error of an element counts by the importance of
// its column and, more gently than without, by its own size.
#include <cmath>
#include <cstring>

#include "quant/quantize.h"
#include "quant/quantize_block.h"
#include "quant/quantize_fit.h"
#include "quant/store_block.h"

namespace nemotron {
namespace {

constexpr Search kSearch = {-0.9f, 0.05f, 36, false};

float mean_square(const float* x, std::size_t n) {
  float sum = 0.0f;
  for (std::size_t i = 0; i < n; ++i) sum += x[i] * x[i];
  return sum / static_cast<float>(n);
}

// The weight of an element grows with its size from what `square` says up.
template <int kCount>
void weigh(const float* x, const float* importance, float square, float* weights) {
  for (int i = 0; i < kCount; ++i) weights[i] = importance[i] * std::sqrt(square + x[i] * x[i]);
}

template <int kCount>
float sum(const float* x) {
  float total = 0.0f;
  for (int i = 0; i < kCount; ++i) total += x[i];
  return total;
}

template <int kHalf>
f16_bits quantize_signed(const float* x, const float* weights, std::uint8_t* q) {
  return float_to_f16(fit_scale<kHalf, 32>(x, weights, q));
}

f16_bits quantize_range(const float* x, const float* weights, int max_q, std::uint8_t* q,
                        f16_bits& m) {
  const AffineFit fit = fit_affine<32>(x, weights, max_q, kSearch, q);
  m = float_to_f16(-fit.min);
  return float_to_f16(fit.scale);
}

// Sub-blocks of kCount with a minimum; q in 0..max_q.
template <int kCount>
SubBlocks fit_affine_block(const float* x, const float* weights, int max_q, int max_level,
                           std::uint8_t* q) {
  constexpr int kSubBlocks = 256 / kCount;
  float scales[kSubBlocks], mins[kSubBlocks], sums[kSubBlocks];
  for (int k = 0; k < kSubBlocks; ++k) {
    const int at = kCount * k;
    sums[k] = sum<kCount>(weights + at);
    const AffineFit fit = fit_affine<kCount>(x + at, weights + at, max_q, kSearch, q + at);
    scales[k] = fit.scale;
    mins[k] = fit.min;
  }
  SubBlocks sub;
  sub.d = fit_levels<kSubBlocks>(scales, sums, max_level, sub.scales);
  sub.dmin = fit_levels<kSubBlocks>(mins, sums, max_level, sub.mins);
  return sub;
}

// From what size on an element's own counts: the mean square of its row or of its block.
enum class Size : std::uint8_t { of_row, of_block, twice_of_block };

template <typename Block, Size kSize>
void quantize_row(const float* x, const float* importance, std::size_t n_columns,
                  unsigned char* bytes) {
  constexpr int kCount = static_cast<int>(Block::kElements);
  const float of_row = kSize == Size::of_row ? mean_square(x, n_columns) : 0.0f;
  for (std::size_t i = 0; i < n_columns; i += kCount, bytes += sizeof(Block)) {
    float square = of_row;
    if (kSize != Size::of_row) square = mean_square(x + i, kCount);
    if (kSize == Size::twice_of_block) square *= 2.0f;
    float weights[kCount];
    weigh<kCount>(x + i, importance + i, square, weights);
    Block block;
    quantize_block_weighted(x + i, weights, block);
    std::memcpy(bytes, &block, sizeof block);
  }
}

// Here the importance is the whole weight.
void quantize_row_q6_k(const float* x, const float* importance, std::size_t n_columns,
                       unsigned char* bytes) {
  for (std::size_t i = 0; i < n_columns; i += BlockQ6_K::kElements, bytes += sizeof(BlockQ6_K)) {
    BlockQ6_K block;
    quantize_block_weighted(x + i, importance + i, block);
    std::memcpy(bytes, &block, sizeof block);
  }
}

using QuantizeRow = void (*)(const float* x, const float* importance, std::size_t n_columns,
                             unsigned char* bytes);

QuantizeRow row_quantizer(TensorType type) {
  switch (type) {
    case TensorType::kQ4_0:
      return quantize_row<BlockQ4_0, Size::of_row>;
    case TensorType::kQ4_1:
      return quantize_row<BlockQ4_1, Size::of_row>;
    case TensorType::kQ5_0:
      return quantize_row<BlockQ5_0, Size::of_row>;
    case TensorType::kQ5_1:
      return quantize_row<BlockQ5_1, Size::of_row>;
    case TensorType::kQ2_K:
      return quantize_row<BlockQ2_K, Size::of_block>;
    case TensorType::kQ3_K:
      return quantize_row<BlockQ3_K, Size::twice_of_block>;
    case TensorType::kQ4_K:
      return quantize_row<BlockQ4_K, Size::twice_of_block>;
    case TensorType::kQ5_K:
      return quantize_row<BlockQ5_K, Size::twice_of_block>;
    case TensorType::kIQ4_NL:
      return quantize_row<BlockIQ4_NL, Size::twice_of_block>;
    case TensorType::kIQ4_XS:
      return quantize_row<BlockIQ4_XS, Size::twice_of_block>;
    case TensorType::kQ6_K:
      return quantize_row_q6_k;
    default:
      return nullptr;
  }
}

}  // namespace

void quantize_block_weighted(const float* x, const float* weights, BlockQ4_0& block) {
  std::uint8_t q[32];
  block.d = quantize_signed<8>(x, weights, q);
  pack_nibbles_of_32(q, block.qs);
}

void quantize_block_weighted(const float* x, const float* weights, BlockQ5_0& block) {
  std::uint8_t q[32];
  block.d = quantize_signed<16>(x, weights, q);
  pack_nibbles_of_32(q, block.qs);
  pack_fifth_bits_of_32(q, block.qh);
}

void quantize_block_weighted(const float* x, const float* weights, BlockQ4_1& block) {
  std::uint8_t q[32];
  block.d = quantize_range(x, weights, 15, q, block.m);
  pack_nibbles_of_32(q, block.qs);
}

void quantize_block_weighted(const float* x, const float* weights, BlockQ5_1& block) {
  std::uint8_t q[32];
  block.d = quantize_range(x, weights, 31, q, block.m);
  pack_nibbles_of_32(q, block.qs);
  pack_fifth_bits_of_32(q, block.qh);
}

void quantize_block_weighted(const float* x, const float* weights, BlockQ2_K& block) {
  std::uint8_t q[256];
  store_block(x, fit_affine_block<16>(x, weights, 3, 15, q), q, block);
}

void quantize_block_weighted(const float* x, const float* weights, BlockQ3_K& block) {
  std::uint8_t q[256];
  float scales[16], sums[16];
  for (int k = 0; k < 16; ++k) {
    sums[k] = sum<16>(weights + 16 * k);
    scales[k] = fit_scale<4, 16>(x + 16 * k, weights + 16 * k, q + 16 * k);
  }
  SubBlocks sub;
  sub.d = fit_scale<32, 16>(scales, sums, sub.scales);
  store_block(x, sub, q, block);
}

void quantize_block_weighted(const float* x, const float* weights, BlockQ4_K& block) {
  std::uint8_t q[256];
  store_block(x, fit_affine_block<32>(x, weights, 15, 63, q), q, block);
}

void quantize_block_weighted(const float* x, const float* weights, BlockQ5_K& block) {
  std::uint8_t q[256];
  store_block(x, fit_affine_block<32>(x, weights, 31, 63, q), q, block);
}

bool heeds_importance(TensorType type) { return row_quantizer(type) != nullptr; }

void quantize_rows(TensorType type, const float* values, std::size_t n_rows, std::size_t n_columns,
                   const float* importance, void* blocks) {
  const QuantizeRow quantize_one = importance != nullptr ? row_quantizer(type) : nullptr;
  if (quantize_one == nullptr) return quantize(type, values, n_rows * n_columns, blocks);
  const TensorTypeTraits& block = traits(type);
  const std::size_t row_bytes = n_columns / block.block_elements * block.block_bytes;
  auto* bytes = static_cast<unsigned char*>(blocks);
  for (std::size_t row = 0; row < n_rows; ++row)
    quantize_one(values + row * n_columns, importance, n_columns, bytes + row * row_bytes);
}

}  // namespace nemotron
