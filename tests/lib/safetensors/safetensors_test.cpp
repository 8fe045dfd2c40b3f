// The JSON header, and what is wrong with bad ones.
#include "safetensors/safetensors.h"

#include <catch2/catch.hpp>
#include <cstring>

using namespace nemotron;

namespace {
std::string file_of(std::string_view header, std::size_t n_data_bytes) {
  const std::uint64_t length = header.size();
  std::string out(8, '\0');
  std::memcpy(out.data(), &length, 8);
  return out.append(header).append(n_data_bytes, 'd');
}

Result<TensorTable> read(const std::string& bytes) {
  return read_safetensors(
      *memory_source("t.safetensors", std::as_bytes(std::span(bytes.data(), bytes.size()))));
}

Status status_of(std::string_view header, std::size_t n_data_bytes) {
  return read(file_of(header, n_data_bytes)).status();
}

bool mentions(const Status& status, std::string_view text) {
  INFO(status.message());
  return status.message().find(text) != std::string::npos &&
         status.message().find("t.safetensors") != std::string::npos;
}
}  // namespace

TEST_CASE("tensors come in the order of their bytes") {
  const auto table = read(file_of(
      R"({"__metadata__":{"format":"pt"},"b":{"dtype":"BF16","shape":[2,3],"data_offsets":[4,16]},)"
      R"("a":{"shape":[],"data_offsets":[0,4],"dtype":"F32"},)"
      R"("c":{"dtype":"F16","shape":[0],"data_offsets":[16,16]}}   )",
      16));
  INFO(table.status().message());
  REQUIRE(table.is_ok());
  REQUIRE(table->size() == 3);
  const TensorEntry& a = table.value()[0];
  const TensorEntry& b = table.value()[1];
  CHECK(a.name == "a");
  CHECK(a.n_dims == 0);
  CHECK(b.name == "b");
  CHECK(b.type == TensorType::kBF16);
  CHECK(shape_text(b.dims()) == "[2, 3]");
  CHECK(b.size_bytes == 12);
  CHECK(b.offset_bytes == a.offset_bytes + 4);
  CHECK(read(file_of("{}", 0))->empty());
}

TEST_CASE("the header must fit the file") {
  CHECK(mentions(read("1234567").status(), "ends"));
  std::string bytes = file_of("{}", 0);
  bytes[0] = 3;
  CHECK(mentions(read(bytes).status(), "announces"));
  bytes[7] = '\x7f';
  CHECK(mentions(read(bytes).status(), "announces"));
  CHECK_FALSE(looks_like_safetensors(
                  *memory_source("m", std::as_bytes(std::span(bytes.data(), bytes.size()))))
                  .value());
}

TEST_CASE("an unsupported dtype is named with its tensor") {
  const Status status =
      status_of(R"({"x.weight":{"dtype":"F8_E5M2","shape":[4],"data_offsets":[0,4]}})", 4);
  CHECK(status.code() == StatusCode::kUnsupportedType);
  CHECK(mentions(status, "'x.weight' has type F8_E5M2"));
}

TEST_CASE("FP8 has one byte to an element") {
  const auto table =
      read(file_of(R"({"x":{"dtype":"F8_E4M3","shape":[3,5],"data_offsets":[0,15]}})", 15));
  REQUIRE(table.is_ok());
  CHECK(table.value()[0].type == TensorType::kF8_E4M3);
  CHECK(table.value()[0].size_bytes == 15);
}

TEST_CASE("offsets must be the tensors, end to end") {
  const auto one = [](std::string_view offsets, std::size_t n_data_bytes,
                      std::string_view shape = "[4]") {
    std::string header = R"({"x":{"dtype":"F32","shape":)";
    header.append(shape).append(R"(,"data_offsets":)").append(offsets).append("}}");
    return status_of(header, n_data_bytes);
  };
  CHECK(one("[0,16]", 16).is_ok());
  CHECK(mentions(one("[0,16]", 20), "follow"));
  CHECK(mentions(one("[0,16]", 12), "inside the file"));
  CHECK(mentions(one("[4,20]", 20), "begins"));
  CHECK(mentions(one("[0,12]", 16), "of 16 bytes"));
  CHECK(mentions(one("[16,0]", 16), "of 16 bytes"));
  CHECK(mentions(one("[18446744073709551600,18446744073709551616]", 16), "t.safetensors"));
  CHECK(mentions(one("[0,16]", 16, "[4294967296,4294967296]"), "overflow"));
  CHECK(mentions(one("[0,4]", 4, "[1,1,1,1,1]"), "dimensions"));
  CHECK_FALSE(one("[0,16,32]", 16).is_ok());
  CHECK_FALSE(one("[16]", 16).is_ok());
  CHECK_FALSE(one("[-1,15]", 16).is_ok());
  CHECK_FALSE(one("[0,16.0]", 16).is_ok());
  CHECK(mentions(status_of(R"({"x":{"dtype":"F32","shape":[4],"data_offsets":[0,16]},)"
                           R"("y":{"dtype":"F32","shape":[4],"data_offsets":[8,24]}})",
                           24),
                 "begins"));
}

TEST_CASE("a header of another form is an error") {
  const auto header =
      GENERATE("", "[]", "{", "7", "\"x\"", R"({"x":7})", R"({"x":{}})", R"({"x":{"dtype":"F32"}})",
               R"({"x":{"dtype":"F32","shape":[0]}})",
               R"({"x":{"dtype":1,"shape":[0],"data_offsets":[0,0]}})",
               R"({"x":{"dtype":"F32","dtype":"F32","shape":[0],"data_offsets":[0,0]}})",
               R"({"x":{"dtype":"F32","shape":[0],"shape":[0],"data_offsets":[0,0]}})",
               R"({"x":{"dtype":"F32","shape":[[0]],"data_offsets":[0,0]}})",
               R"({"x":{"dtype":"F32","shape":[0],"data_offsets":[0,0],"more":[1]}})",
               R"({"x":{"dtype":"F32","shape":[0],"data_offsets":[0,0],"more":{}}})",
               R"({"__metadata__":[1]})", R"({"__metadata__":"x"})", "{\"\xff\":1}");
  INFO(header);
  const Status status = status_of(header, 0);
  CHECK(status.code() == StatusCode::kBadFile);
  CHECK(mentions(status, "header"));
  CHECK(status_of(std::string(100000, '['), 0).code() == StatusCode::kBadFile);
}

TEST_CASE("a name given twice is an error") {
  CHECK(mentions(status_of(R"({"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},)"
                           R"("x":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})",
                           8),
                 "'x' is listed twice"));
}
