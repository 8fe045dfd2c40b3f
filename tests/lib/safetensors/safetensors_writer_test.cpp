// What the writer writes, the reader reads.
#include "safetensors/safetensors_writer.h"

#include <catch2/catch.hpp>

#include "io/data_source.h"
#include "io/paths.h"
#include "lib/io/temp_folder.h"
#include "safetensors/safetensors.h"

using namespace nemotron;

namespace {
TensorEntry tensor(std::string name, TensorType type, std::vector<std::uint64_t> shape) {
  TensorEntry entry;
  entry.name = std::move(name);
  entry.type = type;
  entry.n_dims = static_cast<int>(shape.size());
  std::copy(shape.begin(), shape.end(), entry.shape.begin());
  return entry;
}

StatusCode create_code(TensorTable tensors) {
  const TempFolder folder;
  return create_safetensors(folder.file("x"), std::move(tensors)).status().code();
}
}  // namespace

TEST_CASE("tensors come back as they were written") {
  const TempFolder folder;
  const std::string path = folder.file("m.safetensors");
  {
    auto writer = create_safetensors(
        path, {tensor("w", TensorType::kF8_E4M3, {3, 5}), tensor("scale", TensorType::kF32, {}),
               tensor("b\"", TensorType::kBF16, {2, 1, 4})});
    INFO(writer.status().message());
    REQUIRE(writer.is_ok());
    CHECK(writer.value()->finish().code() == StatusCode::kInternal);
    for (std::size_t i = 3; i-- > 0;) {
      const std::vector<std::byte> bytes(writer.value()->parts()[i].size_bytes,
                                         static_cast<std::byte>('a' + i));
      REQUIRE(writer.value()->write(i, 0, bytes).is_ok());
      CHECK(writer.value()->write(i, 1, bytes).code() == StatusCode::kInternal);
    }
    CHECK_FALSE(is_regular_file(path));
    REQUIRE(writer.value()->finish().is_ok());
  }
  const auto source = open_file(path);
  const auto table = read_safetensors(*source.value());
  INFO(table.status().message());
  REQUIRE(table.is_ok());
  REQUIRE(table->size() == 3);
  const std::string expected[] = {"w", "scale", "b\""};
  const std::string shapes[] = {"[3, 5]", "[]", "[2, 1, 4]"};
  for (std::size_t i = 0; i < 3; ++i) {
    const TensorEntry& entry = table.value()[i];
    CHECK(entry.name == expected[i]);
    CHECK(shape_text(entry.dims()) == shapes[i]);
    std::vector<std::byte> found(entry.size_bytes);
    CHECK(source.value()->read_at(entry.offset_bytes, found).is_ok());
    CHECK(found == std::vector<std::byte>(found.size(), static_cast<std::byte>('a' + i)));
  }
  CHECK(table.value()[0].offset_bytes % 8 == 0);
}

TEST_CASE("what safetensors cannot hold is refused") {
  CHECK(create_code({tensor("a", TensorType::kQ8_0, {32})}) == StatusCode::kUnsupportedType);
  CHECK(create_code({tensor("a", TensorType::kF32, {1ull << 33, 1ull << 33})}) ==
        StatusCode::kInvalidArgument);
  CHECK(create_code({tensor("a", TensorType::kF32, {1}), tensor("a", TensorType::kF32, {1})}) ==
        StatusCode::kInvalidArgument);
  CHECK(create_code({tensor("\xff", TensorType::kF32, {1})}) == StatusCode::kInvalidArgument);
  CHECK(create_code({}) == StatusCode::kOk);
}
