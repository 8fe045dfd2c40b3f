// Quants are uniform. Where their range is off centre by half a step (-16..15), the sign of each
// block's scale is random too, so that the mean is 0: squared ReLU is never negative, and a common
// offset of all weights would add up over its outputs.
#include "convert/random_weights.h"

#include <array>
#include <cmath>
#include <cstring>
#include <string_view>

#include "base/float_types.h"
#include "quant/block_formats.h"

namespace nemotron {
namespace {

// The output function of SplitMix64 (Steele, Lea, Flood 2014): a bijection that mixes well.
constexpr std::uint64_t mix(std::uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

class CounterRandom {
 public:
  CounterRandom(std::uint64_t seed, std::string_view tensor_name) : key_(mix(seed + kStep)) {
    for (const char c : tensor_name) key_ = mix((key_ ^ static_cast<unsigned char>(c)) + kStep);
  }

  std::uint64_t bits(std::uint64_t counter) const { return mix(key_ + counter * kStep); }
  // In [0, 1).
  double uniform(std::uint64_t counter) const {
    return static_cast<double>(bits(counter) >> 11) * 0x1p-53;
  }

 private:
  static constexpr std::uint64_t kStep = 0x9e3779b97f4a7c15u;
  std::uint64_t key_;
};

void fill_bits(const CounterRandom& random, std::uint64_t offset_bytes, std::span<std::byte> out) {
  std::uint64_t counter = offset_bytes / 8;
  std::size_t i = 0;
  for (; i + 8 <= out.size(); i += 8) {
    const std::uint64_t bits = random.bits(counter++);
    std::memcpy(out.data() + i, &bits, 8);
  }
  const std::uint64_t bits = random.bits(counter);
  std::memcpy(out.data() + i, &bits, out.size() - i);
}

// Standard deviations of uniform integers: of n values sqrt((n^2 - 1) / 12), with the half step of
// a range that is off centre.
double deviation(int n_values, bool is_off_centre) {
  const double n = n_values;
  return std::sqrt((n * n - 1) / 12 + (is_off_centre ? 0.25 : 0.0));
}

f16_bits with_random_sign(float value, f16_bits random) {
  return static_cast<f16_bits>(float_to_f16(value) | (random & 0x8000u));
}

// Each: the scales of a block whose bits are random.
void set_scales(BlockQ4_0& block, double std) {
  block.d = with_random_sign(static_cast<float>(std / deviation(16, true)), block.d);
}
void set_scales(BlockQ5_0& block, double std) {
  block.d = with_random_sign(static_cast<float>(std / deviation(32, true)), block.d);
}
void set_scales(BlockQ8_0& block, double std) {
  block.d = with_random_sign(static_cast<float>(std / deviation(256, true)), block.d);
}
void set_scales(BlockQ4_K& block, double std) {
  const double step = std / deviation(16, false);
  block.d = float_to_f16(static_cast<float>(step / 32));
  block.dmin = float_to_f16(static_cast<float>(7.5 * step / 32));
  // The six-bit scales and minima, all 32, packed: low parts first, then the mixed bytes.
  std::memset(block.scales, 0xa0, 8);
  std::memset(block.scales + 8, 0x00, 4);
}
void set_scales(BlockQ6_K& block, double std) {
  constexpr int kSubScale = 16;
  std::memset(block.scales, kSubScale, sizeof block.scales);
  block.d = with_random_sign(static_cast<float>(std / deviation(64, true) / kSubScale), block.d);
}

template <typename Block>
void set_all_scales(double std, std::span<std::byte> out) {
  for (std::size_t i = 0; i + sizeof(Block) <= out.size(); i += sizeof(Block)) {
    Block block;
    std::memcpy(&block, out.data() + i, sizeof block);
    set_scales(block, std);
    std::memcpy(out.data() + i, &block, sizeof block);
  }
}

// Random bits to uniform bf16 in (-sqrt(3) std, sqrt(3) std).
void to_uniform_bf16(double std, std::span<std::byte> out) {
  const auto step = static_cast<float>(std * std::sqrt(3.0) / 32768);
  for (std::size_t i = 0; i + 2 <= out.size(); i += 2) {
    std::int16_t number;
    std::memcpy(&number, out.data() + i, 2);
    const bf16_bits bits = float_to_bf16((static_cast<float>(number) + 0.5f) * step);
    std::memcpy(out.data() + i, &bits, 2);
  }
}

constexpr double kMaxE4M3 = 448;

// Random bytes to E4M3 numbers that are uniform in -448..448 but for their rounding.
void to_uniform_f8(std::span<std::byte> out) {
  static constexpr auto kUniform = [] {
    std::array<f8_e4m3_bits, 256> table{};
    for (int i = 0; i < 256; ++i)
      table[static_cast<std::size_t>(i)] =
          float_to_f8_e4m3((static_cast<float>(i) - 127.5f) * 3.5f);
    return table;
  }();
  for (std::byte& byte : out)
    byte = static_cast<std::byte>(kUniform[static_cast<std::size_t>(byte)]);
}

double weight_deviation(const ModelConfig& config, TensorRole role) {
  if (role == TensorRole::token_embedding) return 1.0;
  return 1.0 / std::sqrt(static_cast<double>(tensor_shape(config, role).back()));
}

// An element of a small tensor, from a number u in [0, 1).
double small_value(TensorRole role, bool stores_A_log, double u) {
  switch (role) {
    case TensorRole::A: {
      const double A_log = 2.77 * u;
      return stores_A_log ? A_log : -std::exp(A_log);
    }
    case TensorRole::dt_bias:  // the inverse of softplus
      return std::log(std::expm1(0.001 + 0.099 * u));
    case TensorRole::conv_weight:
    case TensorRole::conv_bias:
      return u - 0.5;
    default:
      return 1.0;
  }
}

void fill_small(const CounterRandom& random, const PlannedTensor& tensor,
                std::uint64_t offset_bytes, std::span<std::byte> out) {
  const bool is_bf16 = tensor.entry.type == TensorType::kBF16;  // safetensors, so A_log
  const std::size_t n_bytes = is_bf16 ? 2 : 4;
  for (std::size_t i = 0; i < out.size(); i += n_bytes) {
    const double u = random.uniform((offset_bytes + i) / n_bytes);
    const auto value = static_cast<float>(small_value(tensor.slot.role, is_bf16, u));
    const bf16_bits half = float_to_bf16(value);
    std::memcpy(out.data() + i, is_bf16 ? static_cast<const void*>(&half) : &value, n_bytes);
  }
}

}  // namespace

float random_weight_scale(const ModelConfig& config, TensorRole role) {
  const double uniform_deviation = kMaxE4M3 / std::sqrt(3.0);
  return static_cast<float>(weight_deviation(config, role) / uniform_deviation);
}

// The largest inputs expected, over 448: of normed values 6, of gated ones 8, of squared ReLU 32.
float random_input_scale(TensorRole role) {
  const double largest = role == TensorRole::down_proj ? 32 : role == TensorRole::out_proj ? 8 : 6;
  return static_cast<float>(largest / kMaxE4M3);
}

bool can_be_random(TensorType type) {
  switch (type) {
    case TensorType::kF32:
    case TensorType::kBF16:
    case TensorType::kF8_E4M3:
    case TensorType::kQ4_0:
    case TensorType::kQ5_0:
    case TensorType::kQ8_0:
    case TensorType::kQ4_K:
    case TensorType::kQ6_K:
      return true;
    default:
      return false;
  }
}

void fill_random(const ModelConfig& config, const PlannedTensor& tensor, std::uint64_t seed,
                 std::uint64_t offset_bytes, std::span<std::byte> out) {
  const TensorRole role = tensor.slot.role;
  if (tensor.part != PlannedTensor::Part::weight) {
    const float scale = tensor.part == PlannedTensor::Part::weight_scale
                            ? random_weight_scale(config, role)
                            : random_input_scale(role);
    std::memcpy(out.data(), &scale, sizeof scale);
    return;
  }
  const CounterRandom random(seed, tensor.entry.name);
  if (!is_matrix(role)) return fill_small(random, tensor, offset_bytes, out);
  fill_bits(random, offset_bytes, out);
  const double std = weight_deviation(config, role);
  switch (tensor.entry.type) {
    case TensorType::kBF16:
      return to_uniform_bf16(std, out);
    case TensorType::kF8_E4M3:
      return to_uniform_f8(out);
    case TensorType::kQ4_0:
      return set_all_scales<BlockQ4_0>(std, out);
    case TensorType::kQ5_0:
      return set_all_scales<BlockQ5_0>(std, out);
    case TensorType::kQ8_0:
      return set_all_scales<BlockQ8_0>(std, out);
    case TensorType::kQ4_K:
      return set_all_scales<BlockQ4_K>(std, out);
    case TensorType::kQ6_K:
      return set_all_scales<BlockQ6_K>(std, out);
    default:
      return;  // can_be_random says no
  }
}

}  // namespace nemotron
