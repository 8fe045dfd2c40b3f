// Bytes equal to llama.cpp's quantizers (tests/data/quant/make_quantize_goldens.py).
#include "quant/quantize.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <cstring>
#include <vector>

#include "io/data_source.h"
#include "quant/dequantize.h"

using namespace nemotron;

namespace {

std::string read_data(const std::string& name) {
  const auto source = open_file(std::string(NEMO_TEST_SOURCE_DIR) + "/data/quant/" + name);
  REQUIRE(source.is_ok());
  return read_all(*source.value(), 1 << 20).value();
}

std::vector<float> read_floats(const std::string& name) {
  const std::string bytes = read_data(name);
  std::vector<float> values(bytes.size() / sizeof(float));
  std::memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}

std::vector<float> input() { return read_floats("quantize_input.f32"); }

std::string quantized(TensorType type, const std::vector<float>& values) {
  const TensorTypeTraits& block = traits(type);
  std::string out(values.size() / block.block_elements * block.block_bytes, '\0');
  quantize(type, values.data(), values.size(), out.data());
  return out;
}

void check_blocks(TensorType type, const std::string& found, const std::string& expected) {
  REQUIRE(found.size() == expected.size());
  const std::size_t block_bytes = traits(type).block_bytes;
  std::size_t n_different = 0;
  std::size_t first = 0;
  for (std::size_t at = found.size(); at > 0; at -= block_bytes) {
    if (std::memcmp(&found[at - block_bytes], &expected[at - block_bytes], block_bytes) == 0)
      continue;
    ++n_different;
    first = at / block_bytes - 1;
  }
  INFO(traits(type).name << ": " << n_different << " blocks differ, the first is " << first);
  CHECK(n_different == 0);
}

std::string quantized_rows(TensorType type, const std::vector<float>& values,
                           const std::vector<float>& importance) {
  const TensorTypeTraits& block = traits(type);
  std::string out(values.size() / block.block_elements * block.block_bytes, '\0');
  quantize_rows(type, values.data(), values.size() / importance.size(), importance.size(),
                importance.data(), out.data());
  return out;
}

double weighted_error(TensorType type, const std::string& blocks, const std::vector<float>& values,
                      const std::vector<float>& importance) {
  std::vector<float> found(values.size());
  dequantize(type, blocks.data(), found.size(), found.data());
  double error = 0;
  for (std::size_t i = 0; i < found.size(); ++i)
    error += importance[i % importance.size()] * std::pow(double{found[i]} - values[i], 2);
  return error;
}

}  // namespace

TEST_CASE("every block type quantizes to the bytes of llama.cpp") {
  const TensorType type =
      GENERATE(TensorType::kQ4_0, TensorType::kQ4_1, TensorType::kQ5_0, TensorType::kQ5_1,
               TensorType::kQ8_0, TensorType::kQ2_K, TensorType::kQ3_K, TensorType::kQ4_K,
               TensorType::kQ5_K, TensorType::kQ6_K, TensorType::kIQ4_NL, TensorType::kIQ4_XS);
  check_blocks(type, quantized(type, input()),
               read_data(std::string(traits(type).name) + ".quantized"));
}

TEST_CASE("with an importance, every block type quantizes to the bytes of llama.cpp") {
  const TensorType type =
      GENERATE(TensorType::kQ4_0, TensorType::kQ4_1, TensorType::kQ5_0, TensorType::kQ5_1,
               TensorType::kQ2_K, TensorType::kQ3_K, TensorType::kQ4_K, TensorType::kQ5_K,
               TensorType::kQ6_K, TensorType::kIQ4_NL, TensorType::kIQ4_XS);
  CHECK(heeds_importance(type));
  check_blocks(type, quantized_rows(type, input(), read_floats("importance.f32")),
               read_data(std::string(traits(type).name) + ".weighted"));
}

// Normal weights, and columns of which some see ten thousand times the energy of others.
TEST_CASE("an importance lowers the error that it weighs") {
  std::vector<float> values = input();
  values.resize(1024);
  std::vector<float> importance(512);
  for (std::size_t i = 0; i < importance.size(); ++i)
    importance[i] = std::pow(10.0f, static_cast<float>(i * 7 % 5));
  for (int i = 0; i < kNumTensorTypes; ++i) {
    const auto type = static_cast<TensorType>(i);
    if (!heeds_importance(type)) continue;
    const double without = weighted_error(type, quantized(type, values), values, importance);
    const double with =
        weighted_error(type, quantized_rows(type, values, importance), values, importance);
    INFO(traits(type).name << ": " << with / without);
    CHECK(with < 0.9 * without);
  }
}

TEST_CASE("types that heed no importance quantize as without") {
  const std::vector<float> importance = read_floats("importance.f32");
  for (const TensorType type : {TensorType::kF16, TensorType::kBF16, TensorType::kQ8_0}) {
    CHECK_FALSE(heeds_importance(type));
    CHECK(quantized_rows(type, input(), importance) == quantized(type, input()));
  }
  std::string found(input().size() / 32 * 18, '\0');
  quantize_rows(TensorType::kQ4_0, input().data(), input().size() / 512, 512, nullptr,
                found.data());
  CHECK(found == quantized(TensorType::kQ4_0, input()));
}

TEST_CASE("plain types round, and E4M3 saturates") {
  const std::vector<float> values = {1.0f, -0.1f, 1e6f, 3.14159f};
  std::vector<float> found(4);
  for (const TensorType type : {TensorType::kF32, TensorType::kF16, TensorType::kBF16}) {
    dequantize(type, quantized(type, values).data(), 4, found.data());
    CHECK(found[1] == Approx(-0.1).epsilon(0.004));
    CHECK(found[3] == Approx(3.14159).epsilon(0.004));
    CHECK(std::isinf(found[2]) == (type == TensorType::kF16));
  }
  dequantize(TensorType::kF8_E4M3, quantized(TensorType::kF8_E4M3, values).data(), 4, found.data());
  CHECK(found == std::vector<float>{1.0f, -0.1015625f, 448.0f, 3.25f});
  CHECK_FALSE(can_quantize(TensorType::kNVFP4));
}

TEST_CASE("what was quantized is near") {
  std::vector<float> values = input();
  values.resize(256);  // normal, standard deviation 1
  const std::pair<TensorType, double> limits[] = {
      {TensorType::kQ2_K, 0.4},   {TensorType::kQ3_K, 0.2},   {TensorType::kQ4_0, 0.12},
      {TensorType::kIQ4_XS, 0.1}, {TensorType::kQ4_K, 0.09},  {TensorType::kQ5_K, 0.05},
      {TensorType::kQ6_K, 0.025}, {TensorType::kQ8_0, 0.008},
  };
  for (const auto& [type, limit] : limits) {
    std::vector<float> found(values.size());
    dequantize(type, quantized(type, values).data(), found.size(), found.data());
    double error = 0, norm = 0;
    for (std::size_t i = 0; i < found.size(); ++i) {
      error += std::pow(double{found[i]} - values[i], 2);
      norm += std::pow(double{values[i]}, 2);
    }
    INFO(traits(type).name << ": " << std::sqrt(error / norm));
    CHECK(std::sqrt(error / norm) < limit);
  }
}

// Where the inverse of a scale overflows, the reference is undefined; here nothing is.
TEST_CASE("numbers too small for any scale become zero") {
  std::vector<float> values(256);
  for (std::size_t i = 0; i < values.size(); ++i)
    values[i] = 1e-39f * static_cast<float>(static_cast<int>(i % 17) - 8);
  for (int i = 0; i < kNumTensorTypes; ++i) {
    const auto type = static_cast<TensorType>(i);
    if (traits(type).block_elements == 1 || !can_quantize(type)) continue;
    std::vector<float> found(values.size(), 1.0f);
    dequantize(type, quantized(type, values).data(), found.size(), found.data());
    INFO(traits(type).name);
    CHECK(found == std::vector<float>(values.size(), 0.0f));
  }
}
