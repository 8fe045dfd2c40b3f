// The shapes of published faults in readers of safetensors and of JSON headers: lengths, products
// and offsets at the end of the numbers, depth, names that are no names. What is wrong with
// ordinary bad files: safetensors_test.cpp.
#include <catch2/catch.hpp>
#include <cstring>
#include <limits>

#include "safetensors/safetensors.h"

using namespace nemotron;

namespace {

std::string file_of(std::uint64_t stated_length, std::string_view header,
                    std::size_t n_data_bytes) {
  std::string out(sizeof stated_length, '\0');
  std::memcpy(out.data(), &stated_length, sizeof stated_length);
  return out.append(header).append(n_data_bytes, '\0');
}

Result<TensorTable> read(const std::string& bytes) {
  return read_safetensors(
      *memory_source("t.safetensors", std::as_bytes(std::span(bytes.data(), bytes.size()))));
}

// A bad file, by a sentence that names the file and `what`.
void check_refused(const std::string& bytes, std::string_view what) {
  const Status status = read(bytes).status();
  INFO("expected: " << what << "\nmessage:  " << status.message());
  CHECK(status.code() == StatusCode::kBadFile);
  CHECK(status.message().find("t.safetensors") != std::string::npos);
  CHECK(status.message().find(what) != std::string::npos);
}
void check_header_refused(std::string_view header, std::string_view what) {
  check_refused(file_of(header.size(), header, 64), what);
}

std::string tensor(std::string_view shape, std::string_view offsets, std::string_view name = "x") {
  return std::string("\"")
      .append(name)
      .append(R"(":{"dtype":"F32","shape":)")
      .append(shape)
      .append(R"(,"data_offsets":)")
      .append(offsets)
      .append("}");
}
std::string in_braces(std::string_view entries) {
  return std::string("{").append(entries).append("}");
}
std::string header(std::string_view shape, std::string_view offsets) {
  return in_braces(tensor(shape, offsets));
}

}  // namespace

TEST_CASE("the length of the header is compared with the file and the format's limit") {
  constexpr auto kMax = std::numeric_limits<std::uint64_t>::max();
  for (const std::uint64_t length : {kMax, kMax - 7, kMax / 2 + 1, std::uint64_t{1} << 32,
                                     std::uint64_t{100'000'001}, std::uint64_t{3}})
    check_refused(file_of(length, "{}", 0), "announces a header of " + std::to_string(length));
  check_refused(file_of(0, "", 0), "header is not valid JSON");
  // A long header for little: the limit is the format's, the text must be there.
  CHECK(read(file_of(1 << 20, "{}" + std::string((1 << 20) - 2, ' '), 0)).is_ok());
}

TEST_CASE("shapes whose product wraps around, and dimensions of zero") {
  check_header_refused(header("[4294967296,4294967296]", "[0,0]"), "overflows");
  check_header_refused(header("[65536,65536,65536,65536]", "[0,0]"), "overflows");
  check_header_refused(header("[4611686018427387904]", "[0,0]"), "overflows");
  check_header_refused(header("[18446744073709551615,18446744073709551615,0]", "[0,0]"),
                       "overflows");
  check_header_refused(header("[18446744073709551616]", "[0,0]"), "no integer");
  check_header_refused(header("[1e3]", "[0,4000]"), "no integer");
  check_header_refused(header("[-4]", "[0,16]"), "negative");
  check_header_refused(header("[0,5]", "[0,20]"), "of 0 bytes");
  const std::string empty = header("[0,5]", "[0,0]");
  const auto table = read(file_of(empty.size(), empty, 0));
  REQUIRE(table.is_ok());
  CHECK(table.value()[0].n_elements() == 0);
}

TEST_CASE("offsets at the end of the numbers, crossed, shared") {
  check_header_refused(header("[4]", "[18446744073709551600,18446744073709551615]"), "'x'");
  check_header_refused(header("[4]", "[18446744073709551608,8]"), "'x'");  // 16 apart, wrapped
  check_header_refused(header("[4]", "[9223372036854775808,9223372036854775824]"), "begins at");
  check_header_refused(header("[16]", "[64,0]"), "of 64 bytes");
  const std::string half = tensor("[8]", "[0,32]");
  const auto beside = [&](std::string_view offsets) {
    return in_braces(half + "," + tensor("[8]", offsets, "y"));
  };
  check_header_refused(beside("[0,32]"), "begins at byte 0");
  check_header_refused(beside("[28,60]"), "begins at byte 28");
  check_header_refused(beside("[36,68]"), "begins at byte 36");
  CHECK(read(file_of(beside("[32,64]").size(), beside("[32,64]"), 64)).is_ok());
}

TEST_CASE("depth where none is expected costs nothing") {
  for (const char* begin : {"", R"({"x":)", R"({"x":{"shape":)", R"({"x":{"shape":[)",
                            R"({"__metadata__":)", R"({"__metadata__":{"a":)"}) {
    CAPTURE(begin);
    for (const char* open : {"[", R"({"a":)"}) {
      std::string deep = begin;
      for (int i = 0; i < 100000; ++i) deep += open;
      check_header_refused(deep, "header");
    }
  }
}

TEST_CASE("names are text that can be shown, and one name however it is written") {
  for (const char* name : {"a\\u0000b", "\\u001b[31m", "a\\n", "\\u007f", "\\u009b"})
    check_header_refused(in_braces(tensor("[16]", "[0,64]", name)),
                         "control characters in its name");
  for (const char* name : {"\xFF", "\xC3", "\xED\xA0\x80", "\\ud800"})
    check_header_refused(in_braces(tensor("[16]", "[0,64]", name)), "not valid JSON");
  check_header_refused(
      in_braces(tensor("[8]", "[0,32]", "x") + "," + tensor("[8]", "[32,64]", "\\u0078")),
      "'x' is listed twice");
  check_header_refused(R"({"__metadata__":{"a":"b"},"__metadata__":{"dtype":"F32","shape":[0]}})",
                       "header");
}

TEST_CASE("every length of a file but its own is too short or too long") {
  const std::string text = R"({"__metadata__":{"format":"pt"},)" + tensor("[2,3]", "[0,24]") + "," +
                           tensor("[]", "[24,28]", "s") + "}";
  const std::string whole = file_of(text.size(), text, 28);
  REQUIRE(read(whole).is_ok());
  for (std::size_t length = 0; length < whole.size(); ++length) {
    const Status status = read(whole.substr(0, length)).status();
    INFO(length << ": " << status.message());
    REQUIRE(status.code() == StatusCode::kBadFile);
    REQUIRE(status.message().find("t.safetensors") != std::string::npos);
  }
  check_refused(whole + '\0', "1 bytes follow");
}
