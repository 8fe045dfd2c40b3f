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

std::vector<float> input() {
  const std::string bytes = read_data("quantize_input.f32");
  std::vector<float> values(bytes.size() / sizeof(float));
  std::memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}

std::string quantized(TensorType type, const std::vector<float>& values) {
  const TensorTypeTraits& block = traits(type);
  std::string out(values.size() / block.block_elements * block.block_bytes, '\0');
  quantize(type, values.data(), values.size(), out.data());
  return out;
}

}  // namespace

TEST_CASE("every block type quantizes to the bytes of llama.cpp") {
  const TensorType type =
      GENERATE(TensorType::kQ4_0, TensorType::kQ4_1, TensorType::kQ5_0, TensorType::kQ5_1,
               TensorType::kQ8_0, TensorType::kQ2_K, TensorType::kQ3_K, TensorType::kQ4_K,
               TensorType::kQ5_K, TensorType::kQ6_K, TensorType::kIQ4_NL, TensorType::kIQ4_XS);
  const std::string name(traits(type).name);
  const std::string expected = read_data(name + ".quantized");
  const std::string found = quantized(type, input());
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
  INFO(name << ": " << n_different << " blocks differ, the first is " << first);
  CHECK(n_different == 0);
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
