// The header, the tensors and what is wrong with bad ones. Truncation and corruption at many places
// of a real file: tests/src/formats/hostile_files_test.cpp.
#include "gguf/gguf.h"

#include <catch2/catch.hpp>

#include "gguf/ggml_types.h"
#include "lib/gguf/gguf_builder.h"

using namespace nemotron;

namespace {
constexpr std::uint32_t kF32 = 0, kQ5_0 = 6, kQ4_K = 12;

Status status_of(const std::string& bytes) {
  const auto source = source_of(bytes);
  return read_gguf(*source).status();
}

bool mentions(const Status& status, std::string_view text) {
  INFO(status.message());
  return status.message().find(text) != std::string::npos &&
         status.message().find("test.gguf") != std::string::npos;
}
}  // namespace

TEST_CASE("tensors are placed, with their shape outermost first") {
  GgufBuilder builder;
  builder.version = GENERATE(2u, 3u);
  builder.text("general.architecture", "x");
  builder.tensor("a", {64, 3}, kF32, 0).tensor("b", {32, 5}, kQ5_0, 768).tensor("c", {}, kF32, 896);
  const std::string bytes = builder.data(900).build();
  const auto source = source_of(bytes);
  CHECK(has_gguf_magic(*source).value());
  const auto file = read_gguf(*source);
  INFO(file.status().message());
  REQUIRE(file.is_ok());
  CHECK(file->version == builder.version);
  REQUIRE(file->tensors.size() == 3);
  const TensorEntry& a = file->tensors[0];
  const std::uint64_t data_start = bytes.size() - 900;
  CHECK(a.name == "a");
  CHECK(a.type == TensorType::kF32);
  CHECK(shape_text(a.dims()) == "[3, 64]");
  CHECK(a.offset_bytes == data_start);
  CHECK(a.size_bytes == 768);
  CHECK(file->tensors[1].offset_bytes == data_start + 768);
  CHECK(file->tensors[1].size_bytes == 110);
  CHECK(file->tensors[2].n_elements() == 1);
}

TEST_CASE("general.alignment moves the data") {
  const std::string bytes = GgufBuilder()
                                .number<std::uint32_t>("general.alignment", GgufType::kUint32, 256)
                                .tensor("a", {4}, kF32, 0)
                                .tensor("b", {4}, kF32, 256)
                                .data(272)
                                .build(256);
  const auto file = read_gguf(*source_of(bytes));
  REQUIRE(file.is_ok());
  CHECK(file->tensors[0].offset_bytes % 256 == 0);
  CHECK(file->tensors[1].offset_bytes == file->tensors[0].offset_bytes + 256);
}

TEST_CASE("bad alignments") {
  const std::uint32_t alignment = GENERATE(0u, 3u, 48u, 0x80000000u);
  CHECK(mentions(
      status_of(GgufBuilder().number("general.alignment", GgufType::kUint32, alignment).build()),
      "alignment"));
  CHECK_FALSE(status_of(GgufBuilder().text("general.alignment", "32").build()).is_ok());
}

TEST_CASE("another magic, version or byte order is no supported format") {
  CHECK(status_of("GGML....").code() == StatusCode::kUnsupportedFormat);
  CHECK(status_of("GG").code() == StatusCode::kBadFile);
  GgufBuilder builder;
  builder.version = 1;
  CHECK(status_of(builder.build()).code() == StatusCode::kUnsupportedFormat);
  CHECK(mentions(status_of(builder.build()), "version 1"));
  builder.version = 4;
  CHECK(mentions(status_of(builder.build()), "version 4"));
  builder.version = 0x03000000u;
  CHECK(status_of(builder.build()).code() == StatusCode::kUnsupportedFormat);
  CHECK(mentions(status_of(builder.build()), "big-endian"));
  CHECK_FALSE(has_gguf_magic(*source_of("GGU")).value());
}

TEST_CASE("counts are compared with the file before anything is made of them") {
  const std::int64_t count = GENERATE(std::int64_t{1} << 24, std::int64_t{1} << 60, INT64_MAX);
  GgufBuilder entries, tensors;
  entries.stated_entries = count;
  tensors.stated_tensors = count;
  CHECK(mentions(status_of(entries.build()), "announces"));
  CHECK(mentions(status_of(tensors.build()), "announces"));
  ByteString huge_array;
  huge_array.number(static_cast<std::uint32_t>(
      GENERATE(GgufType::kString, GgufType::kUint8, GgufType::kFloat64, GgufType::kArray)));
  huge_array.number(count);
  CHECK(mentions(status_of(GgufBuilder().raw("k", 9, huge_array.bytes()).build()), "'k'"));
  ByteString huge_text;
  huge_text.number(count);
  CHECK_FALSE(status_of(GgufBuilder().raw("k", 8, huge_text.bytes()).build()).is_ok());
}

TEST_CASE("unknown and missing tensor types") {
  const Status iq1 = status_of(GgufBuilder().tensor("blk.0.x", {256}, 19, 0).data(50).build());
  CHECK(iq1.code() == StatusCode::kUnsupportedType);
  CHECK(mentions(iq1, "'blk.0.x' has type 19 (IQ1_S)"));
  const Status unknown = status_of(GgufBuilder().tensor("x", {256}, 12345, 0).build());
  CHECK(unknown.code() == StatusCode::kUnsupportedType);
  CHECK(mentions(unknown, "12345 (unknown)"));
}

TEST_CASE("type numbers are ggml's, and their names ours") {
  for (int i = 0; i < kNumTensorTypes; ++i) {
    const auto type = static_cast<TensorType>(i);
    const auto number = ggml_type_of(type);
    INFO(traits(type).name);
    REQUIRE(number.has_value() == (type != TensorType::kF8_E4M3));
    if (!number.has_value()) continue;
    CHECK(tensor_type_of_ggml(*number) == type);
    CHECK(ggml_type_name(*number) == traits(type).name);
  }
  CHECK_FALSE(tensor_type_of_ggml(4).has_value());
  CHECK_FALSE(tensor_type_of_ggml(0xffffffffu).has_value());
}

TEST_CASE("tensors that do not lie in the file, aligned and apart") {
  const auto one = [](std::initializer_list<std::uint64_t> ne, std::uint32_t type,
                      std::uint64_t offset) {
    return status_of(GgufBuilder().tensor("x", ne, type, offset).data(256).build());
  };
  CHECK(one({64}, kF32, 0).is_ok());
  CHECK(mentions(one({65}, kF32, 0), "inside the file"));
  CHECK(mentions(one({64}, kF32, 32), "inside the file"));
  CHECK(mentions(one({1}, kF32, 16), "aligned"));
  CHECK(mentions(one({1}, kF32, UINT64_MAX - 31), "inside the file"));
  CHECK(mentions(one({std::uint64_t{1} << 40, std::uint64_t{1} << 40}, kF32, 0), "overflow"));
  CHECK(mentions(one({UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX}, kF32, 0), "overflow"));
  CHECK(mentions(one({255}, kQ4_K, 0), "whole blocks"));
  CHECK(mentions(one({1, 1, 1, 1, 1}, kF32, 0), "dimensions"));
  CHECK(mentions(
      status_of(
          GgufBuilder().tensor("x", {16}, kF32, 0).tensor("y", {16}, kF32, 32).data(256).build()),
      "overlap"));
}

TEST_CASE("names given twice, and names too long") {
  CHECK(mentions(status_of(GgufBuilder().text("k", "a").text("k", "b").build()), "'k'"));
  CHECK(mentions(
      status_of(
          GgufBuilder().tensor("x", {8}, kF32, 0).tensor("x", {8}, kF32, 32).data(64).build()),
      "'x' is listed twice"));
  CHECK_FALSE(status_of(GgufBuilder().text(std::string(70000, 'k'), "").build()).is_ok());
  CHECK_FALSE(
      status_of(GgufBuilder().tensor(std::string(300, 't'), {1}, kF32, 0).data(4).build()).is_ok());
}
