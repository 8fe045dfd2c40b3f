// Metadata of every type, and typed access to it.
#include "gguf/gguf_value.h"

#include <catch2/catch.hpp>

#include "gguf/gguf.h"
#include "lib/gguf/gguf_builder.h"

using namespace nemotron;

namespace {
GgufFile parse(const GgufBuilder& builder) {
  const std::string bytes = builder.build();
  auto file = read_gguf(*source_of(bytes));
  INFO(file.status().message());
  REQUIRE(file.is_ok());
  return std::move(file).value();
}
}  // namespace

TEST_CASE("an integer is read from any stored width") {
  const GgufFile file = parse(GgufBuilder()
                                  .number<std::uint8_t>("u8", GgufType::kUint8, 200)
                                  .number<std::int8_t>("i8", GgufType::kInt8, -5)
                                  .number<std::uint16_t>("u16", GgufType::kUint16, 60000)
                                  .number<std::int16_t>("i16", GgufType::kInt16, 7)
                                  .number<std::uint32_t>("u32", GgufType::kUint32, 4000000000u)
                                  .number<std::int32_t>("i32", GgufType::kInt32, 9)
                                  .number<std::uint64_t>("u64", GgufType::kUint64, UINT64_MAX)
                                  .number<std::int64_t>("i64", GgufType::kInt64, -1));
  CHECK(file.get_uint("u8").value() == 200);
  CHECK(file.get_uint("u16").value() == 60000);
  CHECK(file.get_uint("i16").value() == 7);
  CHECK(file.get_uint("u32").value() == 4000000000u);
  CHECK(file.get_uint("i32").value() == 9);
  CHECK(file.get_uint("u64").value() == UINT64_MAX);
  CHECK(file.get_uint("i8").status().message() == "metadata 'i8' is negative: -5");
  CHECK_FALSE(file.get_uint("i64").is_ok());
  CHECK(file.find("i8")->to_int("i8").value() == -5);
  CHECK(file.find("i64")->to_int("i64").value() == -1);
  CHECK_FALSE(file.find("u64")->to_int("u64").is_ok());
}

TEST_CASE("floats, booleans and strings are of their own kind") {
  const GgufFile file = parse(GgufBuilder()
                                  .number<float>("f", GgufType::kFloat32, 0.5f)
                                  .number<double>("d", GgufType::kFloat64, 1e-5)
                                  .number<std::uint8_t>("t", GgufType::kBool, 1)
                                  .number<std::uint32_t>("n", GgufType::kUint32, 1)
                                  .text("s", "hello")
                                  .text("empty", ""));
  CHECK(file.get_float("f").value() == 0.5);
  CHECK(file.get_float("d").value() == 1e-5);
  CHECK(file.get_bool("t").value());
  CHECK(file.get_string("s").value() == "hello");
  CHECK(file.get_string("empty").value().empty());
  CHECK_FALSE(file.get_float("n").is_ok());
  CHECK_FALSE(file.get_bool("n").is_ok());
  CHECK(file.get_uint("s").status().message() ==
        "metadata 's' should be an integer and is a string");
  CHECK(file.get_string("n").status().code() == StatusCode::kBadFile);
  CHECK(file.get_uint("none").status().message() == "metadata 'none' is missing");
}

TEST_CASE("arrays, and scalars read as arrays") {
  const GgufFile file = parse(GgufBuilder()
                                  .array<std::int32_t>("ints", GgufType::kInt32, {3, -1, 7})
                                  .array<std::uint64_t>("none", GgufType::kUint64, {})
                                  .texts("words", {"a", "", "long enough not to be short"})
                                  .number<std::uint32_t>("one", GgufType::kUint32, 5));
  CHECK(file.get_ints("ints").value() == std::vector<std::int64_t>{3, -1, 7});
  CHECK(file.get_ints("none").value().empty());
  CHECK(file.get_ints("one").value() == std::vector<std::int64_t>{5});
  CHECK(file.get_strings("words").value() ==
        std::vector<std::string>{"a", "", "long enough not to be short"});
  CHECK(file.get_uint("ints").status().message() ==
        "metadata 'ints' should be a single value and is an array of int32");
  CHECK_FALSE(file.get_ints("words").is_ok());
  CHECK_FALSE(file.find("ints")->to_int("ints", 3).is_ok());
  CHECK_FALSE(file.find("words")->to_string("words", 3).is_ok());
}

TEST_CASE("arrays of arrays are passed over, to a limited depth") {
  const auto nested = [](int depth) {  // arrays of one array each, around an empty one
    ByteString value;
    for (int i = 1; i < depth; ++i) value.number<std::uint32_t>(9).number<std::uint64_t>(1);
    return value.number<std::uint32_t>(8).number<std::uint64_t>(0).bytes();
  };
  const auto read = [&](int depth) {
    const std::string bytes =
        GgufBuilder().raw("deep", 9, nested(depth)).text("after", "x").build();
    return read_gguf(*source_of(bytes));
  };
  const auto file = read(4);
  REQUIRE(file.is_ok());
  CHECK(file->get_string("after").value() == "x");
  CHECK_FALSE(file->get_ints("deep").is_ok());
  CHECK_FALSE(read(5).is_ok());
  CHECK_FALSE(read(100000).is_ok());
}

TEST_CASE("an unknown value type is an error naming key and number") {
  const std::string bytes = GgufBuilder().raw("odd", 13, "12345678").build();
  const auto file = read_gguf(*source_of(bytes));
  CHECK(file.status().code() == StatusCode::kBadFile);
  CHECK(file.status().message().find("'odd' has the unknown type 13") != std::string::npos);
}
