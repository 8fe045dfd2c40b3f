// Bit equality with the `gguf` package (tests/data/quant). Where it makes a NaN, ours is a NaN too;
// which one is the processor's choice.
#include "quant/dequantize.h"

#include <bit>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "io/data_source.h"
#include "quant/block_formats.h"

using namespace nemotron;

namespace {
std::string read_data(const std::string& name) {
  const auto source = open_file(std::string(NEMO_TEST_SOURCE_DIR) + "/data/quant/" + name);
  REQUIRE(source.is_ok());
  return read_all(*source.value(), 1 << 20).value();
}

bool same(float found, float expected) {
  if (std::isnan(expected)) return std::isnan(found);
  return std::bit_cast<std::uint32_t>(found) == std::bit_cast<std::uint32_t>(expected);
}
}  // namespace

TEST_CASE("every type dequantises to the bits of the gguf package") {
  const auto type = static_cast<TensorType>(GENERATE(range(0, kNumTensorTypes)));
  const std::string name(traits(type).name);
  CAPTURE(name);
  const std::string blocks = read_data(name + ".blocks");
  const std::string golden = read_data(name + ".f32");
  std::vector<float> expected(golden.size() / sizeof(float));
  std::memcpy(expected.data(), golden.data(), golden.size());
  REQUIRE(blocks.size() % traits(type).block_bytes == 0);
  REQUIRE(expected.size() ==
          blocks.size() / traits(type).block_bytes * traits(type).block_elements);
  REQUIRE(expected.size() >= 256);

  // Also from an odd address: a tensor in a caller's memory may lie anywhere.
  const std::size_t misalignment = GENERATE(0, 1);
  std::vector<char> shifted(blocks.size() + misalignment);
  std::memcpy(shifted.data() + misalignment, blocks.data(), blocks.size());
  std::vector<float> found(expected.size());
  dequantize(type, shifted.data() + misalignment, found.size(), found.data());
  std::size_t n_different = 0;
  for (std::size_t i = 0; i < found.size(); ++i) {
    if (same(found[i], expected[i])) continue;
    INFO("element " << i << ": expected " << expected[i] << ", found " << found[i]);
    CHECK(++n_different == 0);
    break;
  }
}

TEST_CASE("the goldens hold the hard cases") {
  const std::string golden = read_data("Q4_K.f32");
  std::vector<float> values(golden.size() / sizeof(float));
  std::memcpy(values.data(), golden.data(), golden.size());
  bool has_nan = false, has_infinity = false, has_tiny = false;
  for (const float value : values) {
    has_nan = has_nan || std::isnan(value);
    has_infinity = has_infinity || std::isinf(value);
    has_tiny = has_tiny || (value != 0 && std::fabs(value) < 1e-5f);
  }
  CHECK(has_nan);
  CHECK(has_infinity);
  CHECK(has_tiny);
}

TEST_CASE("no elements, nothing written") {
  float out = 5.0f;
  dequantize(TensorType::kQ4_K, nullptr, 0, &out);
  CHECK(out == 5.0f);
}

TEST_CASE("the scales of a Q4_K block unpack in both halves") {
  std::uint8_t scales[12];
  for (int i = 0; i < 12; ++i) scales[i] = static_cast<std::uint8_t>(0x11 * (i + 3));
  CHECK(q4_k_scale_min(scales, 0).scale == (0x33 & 63));
  CHECK(q4_k_scale_min(scales, 3).min == (0xaa & 63));
  CHECK(q4_k_scale_min(scales, 4).scale == ((0xbb & 15) | ((0x33 >> 6) << 4)));
  CHECK(q4_k_scale_min(scales, 7).min == ((0xee >> 4) | ((0xaa >> 6) << 4)));
}
