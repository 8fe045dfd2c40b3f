// Shapes to bytes.
#include "quant/tensor_table.h"

#include <catch2/catch.hpp>

using namespace nemotron;

namespace {
Result<std::uint64_t> size_of(TensorType type, std::vector<std::uint64_t> shape) {
  return tensor_size_bytes(type, shape);
}
}  // namespace

TEST_CASE("bytes of a tensor") {
  CHECK(size_of(TensorType::kF32, {3, 5}).value() == 60);
  CHECK(size_of(TensorType::kF32, {}).value() == 4);
  CHECK(size_of(TensorType::kF32, {7, 0}).value() == 0);
  CHECK(size_of(TensorType::kBF16, {17504, 3136}).value() == 2ull * 17504 * 3136);
  CHECK(size_of(TensorType::kQ5_0, {131072, 3136}).value() == 131072ull * 98 * 22);
  CHECK(size_of(TensorType::kQ6_K, {3136, 12544}).value() == 3136ull * 49 * 210);
}

TEST_CASE("a row must be whole blocks") {
  CHECK(size_of(TensorType::kQ4_K, {256, 3136}).status().code() == StatusCode::kBadFile);
  CHECK(size_of(TensorType::kQ8_0, {31}).status().code() == StatusCode::kBadFile);
  CHECK(size_of(TensorType::kQ8_0, {}).status().code() == StatusCode::kBadFile);
}

TEST_CASE("products that overflow are errors") {
  constexpr std::uint64_t kHuge = std::uint64_t{1} << 32;
  CHECK_FALSE(size_of(TensorType::kF32, {kHuge, kHuge}).is_ok());
  CHECK_FALSE(size_of(TensorType::kF32, {kHuge, kHuge / 4}).is_ok());
  CHECK_FALSE(size_of(TensorType::kQ4_K, {kHuge, kHuge}).is_ok());
  CHECK_FALSE(size_of(TensorType::kF32, {UINT64_MAX}).is_ok());
  CHECK_FALSE(size_of(TensorType::kF32, {kHuge, kHuge, 0}).is_ok());
}

TEST_CASE("shapes as text") {
  const std::uint64_t shape[] = {17504, 3136};
  CHECK(shape_text(shape) == "[17504, 3136]");
  CHECK(shape_text({}) == "[]");
}
