// What the writer writes, the reader reads.
#include "gguf/gguf_writer.h"

#include <catch2/catch.hpp>

#include "gguf/gguf.h"
#include "io/data_source.h"
#include "io/paths.h"
#include "lib/gguf/gguf_builder.h"
#include "lib/io/temp_folder.h"

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

std::vector<std::byte> filled(std::uint64_t n_bytes, int seed) {
  std::vector<std::byte> bytes(n_bytes);
  for (std::size_t i = 0; i < bytes.size(); ++i)
    bytes[i] = static_cast<std::byte>(i * 7 + static_cast<std::size_t>(seed));
  return bytes;
}

StatusCode create_code(TensorTable tensors) {
  const TempFolder folder;
  return create_gguf(folder.file("x.gguf"), GgufMetadata(), std::move(tensors)).status().code();
}

}  // namespace

TEST_CASE("metadata and tensors come back as they were written") {
  const TempFolder folder;
  const std::string path = folder.file("x.gguf");
  GgufMetadata metadata;
  metadata.set_string("general.architecture", "wrong");
  metadata.set_uint32("u", 0xfffffff0u);
  metadata.set_float32("f", 1e-5f);
  metadata.set_bool("yes", true);
  const std::int32_t numbers[] = {-1, 0, 7};
  metadata.set_int32s("numbers", numbers);
  const std::string words[] = {"", "a", "\xc3\xa9t\xc3\xa9"};
  metadata.set_strings("words", words);
  metadata.set_string("general.architecture", "x");
  {
    auto writer =
        create_gguf(path, metadata,
                    {tensor("a", TensorType::kQ5_0, {3, 64}), tensor("b", TensorType::kF32, {5}),
                     tensor("c", TensorType::kNVFP4, {2, 64})});
    INFO(writer.status().message());
    REQUIRE(writer.is_ok());
    for (std::size_t i = 3; i-- > 0;) {  // in any order, in pieces
      const auto bytes = filled(writer.value()->parts()[i].size_bytes, static_cast<int>(i));
      const std::span<const std::byte> all(bytes);
      REQUIRE(writer.value()->write(i, 8, all.subspan(8)).is_ok());
      CHECK(writer.value()->finish().code() == StatusCode::kInternal);
      REQUIRE(writer.value()->write(i, 0, all.first(8)).is_ok());
    }
    CHECK_FALSE(is_regular_file(path));
    REQUIRE(writer.value()->finish().is_ok());
  }
  const auto source = open_file(path);
  const auto file = read_gguf(*source.value());
  INFO(file.status().message());
  REQUIRE(file.is_ok());
  CHECK(file->get_string("general.architecture").value() == "x");
  CHECK(file->get_uint("u").value() == 0xfffffff0u);
  CHECK(file->get_float("f").value() == double{1e-5f});
  CHECK(file->get_bool("yes").value());
  CHECK(file->get_ints("numbers").value() == std::vector<std::int64_t>{-1, 0, 7});
  CHECK(file->get_strings("words").value() == std::vector<std::string>(words, words + 3));
  REQUIRE(file->tensors.size() == 3);
  CHECK(shape_text(file->tensors[0].dims()) == "[3, 64]");
  CHECK(file->tensors[2].type == TensorType::kNVFP4);
  for (std::size_t i = 0; i < 3; ++i) {
    std::vector<std::byte> found(file->tensors[i].size_bytes);
    CHECK(source.value()->read_at(file->tensors[i].offset_bytes, found).is_ok());
    CHECK(found == filled(found.size(), static_cast<int>(i)));
  }
}

TEST_CASE("metadata that was read is written as it was") {
  GgufBuilder builder;
  builder.number<std::uint8_t>("u8", GgufType::kUint8, 200)
      .number<double>("f64", GgufType::kFloat64, 0.1)
      .text("s", "text")
      .array<std::int16_t>("i16s", GgufType::kInt16, {-5, 9})
      .texts("words", {"a", "", "bcd"});
  const auto read = read_gguf(*source_of(builder.build()));
  REQUIRE(read.is_ok());
  GgufMetadata metadata;
  for (const auto& [key, value] : read->metadata) metadata.set_value(key, value);
  const TempFolder folder;
  auto writer = create_gguf(folder.file("x"), metadata, {});
  REQUIRE(writer.is_ok());
  REQUIRE(writer.value()->finish().is_ok());
  const auto again = read_gguf(*open_file(folder.file("x")).value());
  REQUIRE(again.is_ok());
  CHECK(again->metadata.size() == 5);
  CHECK(again->find("u8")->type() == GgufType::kUint8);
  CHECK(again->get_uint("u8").value() == 200);
  CHECK(again->get_float("f64").value() == 0.1);
  CHECK(again->get_string("s").value() == "text");
  CHECK(again->get_ints("i16s").value() == std::vector<std::int64_t>{-5, 9});
  CHECK(again->get_strings("words").value() == std::vector<std::string>{"a", "", "bcd"});
}

TEST_CASE("what GGUF cannot hold is refused") {
  CHECK(create_code({tensor("a", TensorType::kF8_E4M3, {4})}) == StatusCode::kUnsupportedType);
  CHECK(create_code({tensor("a", TensorType::kQ4_K, {4, 32})}) == StatusCode::kInvalidArgument);
  CHECK(create_code({tensor("a", TensorType::kF32, {1ull << 33, 1ull << 33})}) ==
        StatusCode::kInvalidArgument);
  CHECK(create_code({tensor("a", TensorType::kF32, {1ull << 60})}) == StatusCode::kInvalidArgument);
  CHECK(create_code({tensor("a", TensorType::kF32, {1}), tensor("a", TensorType::kF32, {1})}) ==
        StatusCode::kInvalidArgument);
  CHECK(create_code({tensor(std::string(64, 'n'), TensorType::kF32, {1})}) ==
        StatusCode::kInvalidArgument);
  CHECK(create_code({tensor("a", TensorType::kF32, {1})}) == StatusCode::kOk);
}
