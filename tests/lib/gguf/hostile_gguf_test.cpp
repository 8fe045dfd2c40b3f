// The shapes of published faults in GGUF readers, one by one: lengths and products that wrap
// around, dimensions beyond the array, padding beyond the file, names that are no names. What is
// wrong with ordinary bad files: gguf_test.cpp. The same over whole models: tests/src/formats,
// tests/fuzz.
#include <catch2/catch.hpp>
#include <limits>

#include "gguf/gguf.h"
#include "lib/gguf/gguf_builder.h"

using namespace nemotron;

namespace {

constexpr std::uint32_t kF32 = 0, kQ4_0 = 2, kQ8_0 = 8;
constexpr std::uint64_t kMax = std::numeric_limits<std::uint64_t>::max();

Status status_of(const std::string& bytes) { return read_gguf(*source_of(bytes)).status(); }

// A bad file, by a sentence that names the file and `what`.
void check_refused(const std::string& bytes, std::string_view what) {
  const Status status = status_of(bytes);
  INFO("expected: " << what << "\nmessage:  " << status.message());
  CHECK(status.code() == StatusCode::kBadFile);
  CHECK(status.message().find("test.gguf") != std::string::npos);
  CHECK(status.message().find(what) != std::string::npos);
}

// A header that announces one tensor or one entry, and the bytes that follow it.
std::string with_tensor(const ByteString& info) {
  return ByteString().raw("GGUF").number(3u).number(1ull).number(0ull).raw(info.bytes()).bytes() +
         std::string(64, '\0');
}
std::string with_entry(const ByteString& entry) {
  return ByteString().raw("GGUF").number(3u).number(0ull).number(1ull).raw(entry.bytes()).bytes() +
         std::string(64, '\0');
}

std::string one_tensor(std::initializer_list<std::uint64_t> ne, std::uint32_t type = kF32,
                       std::uint64_t offset = 0) {
  return GgufBuilder().tensor("x", ne, type, offset).data(256).build();
}

}  // namespace

TEST_CASE("a length near the end of the numbers is compared, not added") {
  const std::uint64_t length =
      GENERATE(kMax - 0, kMax - 7, kMax - 23, kMax / 2 + 1, std::uint64_t{1} << 32);
  CAPTURE(length);
  check_refused(with_entry(ByteString().number(length).raw("key")), "metadata key");
  check_refused(with_tensor(ByteString().number(length).raw("name")), "tensor name");
  // A string, alone and behind others in an array.
  check_refused(with_entry(ByteString().text("k").number(8u).number(length).raw("text")),
                "bytes expected");
  const ByteString texts = ByteString().number(8u).number(3ull).text("a").text("b").number(length);
  check_refused(GgufBuilder().raw("k", 9, texts.bytes()).build(), "bytes expected");
  // Strings of an inner array, which are passed over.
  const ByteString inner =
      ByteString().number(9u).number(1ull).number(8u).number(2ull).text("a").number(length);
  check_refused(GgufBuilder().raw("k", 9, inner.bytes()).build(), "bytes expected");
}

TEST_CASE("a count whose bytes wrap around to few") {
  // 8 * (2^61 + 1) is 8 in 64 bits, 4 * (2^62 + 1) is 4.
  const auto [type, count] =
      GENERATE(table<GgufType, std::uint64_t>({{GgufType::kFloat64, (std::uint64_t{1} << 61) + 1},
                                               {GgufType::kUint32, (std::uint64_t{1} << 62) + 1},
                                               {GgufType::kString, (std::uint64_t{1} << 61) + 1},
                                               {GgufType::kArray, kMax / 12 + 2}}));
  ByteString array;
  array.number(static_cast<std::uint32_t>(type)).number(count).raw(std::string(64, '\0'));
  check_refused(GgufBuilder().raw("k", 9, array.bytes()).build(), "elements in the array 'k'");
  ByteString inner;
  inner.number(9u).number(1ull).raw(array.bytes());
  check_refused(GgufBuilder().raw("k", 9, inner.bytes()).build(), "elements in the array 'k'");
}

TEST_CASE("numbers of dimensions from one too many to all ones") {
  const std::uint32_t n_dims = GENERATE(5u, 6u, 255u, 1u << 16, 1u << 31, 0xffffffffu);
  ByteString info = ByteString().text("x").number(n_dims);
  for (int i = 0; i < 6; ++i) info.number(1ull);
  check_refused(with_tensor(info), "tensor 'x' has " + std::to_string(n_dims) + " dimensions");
}

TEST_CASE("products of dimensions that wrap around") {
  constexpr std::uint64_t k16 = 1 << 16, k32 = std::uint64_t{1} << 32, k63 = k32 << 31;
  check_refused(one_tensor({k32, k32}), "tensor 'x': the shape");           // 2^64: 0
  check_refused(one_tensor({k16, k16, k16, k16}), "overflows");             // the same
  check_refused(one_tensor({k32 + 1, k32 - 1, 1}, kQ4_0), "'x'");           // 2^64 - 1
  check_refused(one_tensor({k32 * 2, k32 / 2, 1, 4}, kQ8_0), "overflows");  // 2^66
  check_refused(one_tensor({k63 / 2}), "overflows");                        // bytes: 2^64
  check_refused(one_tensor({k63}, kQ8_0), "overflows");                     // bytes above 2^63
  check_refused(one_tensor({3, k63 / 2 + 1}), "overflows");
  check_refused(one_tensor({kMax, 1}), "overflows");
  check_refused(one_tensor({kMax - 31, 1}, kQ8_0), "overflows");
}

TEST_CASE("a dimension of zero is a tensor of no bytes, and hides no product") {
  for (const auto& bytes : {one_tensor({0}), one_tensor({0, 7}), one_tensor({7, 0}),
                            one_tensor({0, 3}, kQ8_0), one_tensor({1, 0, 5, 0})}) {
    const auto file = read_gguf(*source_of(bytes));
    INFO(file.status().message());
    REQUIRE(file.is_ok());
    CHECK(file->tensors[0].size_bytes == 0);
    CHECK(file->tensors[0].n_elements() == 0);
  }
  // Slowest first in memory: the overflow comes before the zero.
  check_refused(one_tensor({0, kMax, kMax}), "overflows");
}

TEST_CASE("alignments that are none, given in any integer type") {
  const auto with = [](GgufType type, auto alignment) {
    return GgufBuilder().number("general.alignment", type, alignment).data(64).build();
  };
  check_refused(with(GgufType::kUint64, std::uint64_t{0}), "general.alignment is 0");
  check_refused(with(GgufType::kUint64, std::uint64_t{1} << 63), "general.alignment");
  check_refused(with(GgufType::kUint64, kMax), "general.alignment");
  check_refused(with(GgufType::kUint32, std::uint32_t{1} << 21), "general.alignment");
  check_refused(with(GgufType::kUint8, std::uint8_t{24}), "general.alignment is 24");
  CHECK(status_of(with(GgufType::kInt32, std::int32_t{-32})).message().find("negative") !=
        std::string::npos);
}

TEST_CASE("padding that ends behind the file, and offsets that wrap around it") {
  // The data would begin at 2^20, in a file of some hundred bytes.
  check_refused(GgufBuilder()
                    .number("general.alignment", GgufType::kUint32, 1u << 20)
                    .tensor("x", {1}, kF32, 0)
                    .data(64)
                    .build(),
                "does not lie inside the file");
  check_refused(GgufBuilder()
                    .number("general.alignment", GgufType::kUint32, 1u << 20)
                    .tensor("empty", {0}, kF32, 0)
                    .build(),
                "does not lie inside the file");
  // begin + size and data + offset come out small again.
  for (const std::uint64_t offset :
       {kMax - 31, kMax - 63, kMax - 127, kMax / 2 + 1, std::uint64_t{1} << 32}) {
    CAPTURE(offset);
    check_refused(one_tensor({16}, kF32, offset), "does not lie inside the file");
  }
  check_refused(one_tensor({0}, kF32, 512), "does not lie inside the file");
}

TEST_CASE("tensors on the same bytes, wholly or in part, in any order") {
  const auto two = [](std::uint64_t n_first, std::uint64_t first, std::uint64_t n_second,
                      std::uint64_t second) {
    return GgufBuilder()
        .tensor("a", {n_first}, kF32, first)
        .tensor("b", {n_second}, kF32, second)
        .data(256)
        .build();
  };
  check_refused(two(16, 0, 16, 0), "'a' and 'b' overlap");
  check_refused(two(16, 0, 2, 32), "'a' and 'b' overlap");
  check_refused(two(2, 32, 16, 0), "'b' and 'a' overlap");
  check_refused(two(9, 0, 1, 32), "'a' and 'b' overlap");
  CHECK(status_of(two(8, 0, 8, 32)).is_ok());
  CHECK(status_of(two(0, 32, 8, 32)).is_ok());  // no bytes: on nobody's
}

TEST_CASE("a key or name given twice, whatever lies between and whatever its type") {
  check_refused(
      GgufBuilder().text("k", "a").text("between", "").number("k", GgufType::kUint32, 1u).build(),
      "the metadata key 'k' is given twice");
  check_refused(GgufBuilder().text("", "").text("", "").build(), "the metadata key ''");
  check_refused(GgufBuilder().tensor("", {0}, kF32, 0).tensor("", {8}, kF32, 0).data(32).build(),
                "the tensor '' is listed twice");
}

TEST_CASE("keys and names are text that can be shown") {
  using namespace std::string_view_literals;
  for (const std::string_view name :
       {"\xFF"sv, "a\xC3"sv, "a\0b"sv, "\xED\xA0\x80"sv, "\x1B[2J"sv, "a\nb"sv}) {
    check_refused(GgufBuilder().text(name, "").build(), "a metadata key is not UTF-8");
    check_refused(GgufBuilder().tensor(name, {1}, kF32, 0).data(4).build(),
                  "a tensor name is not UTF-8");
  }
  CHECK(status_of(GgufBuilder().text("schl\xC3\xBCssel", "\xFF").build()).is_ok());
}

TEST_CASE("every length of a file but its own is too short") {
  const std::string whole =
      GgufBuilder()
          .text("general.architecture", "x")
          .texts("words", {"a", "bc"})
          .array<std::int32_t>("numbers", GgufType::kInt32, {1, 2, 3})
          .raw("nested", 9,
               ByteString().number(9u).number(1ull).number(8u).number(1ull).text("in").bytes())
          .tensor("a", {3}, kF32, 0)
          .tensor("b", {32, 2}, kQ8_0, 32)
          .data(100)
          .build();
  REQUIRE(status_of(whole).is_ok());
  for (std::size_t length = 0; length < whole.size(); ++length) {
    const Status status = status_of(whole.substr(0, length));
    INFO(length << ": " << status.message());
    REQUIRE(status.code() == StatusCode::kBadFile);
    REQUIRE(status.message().find("test.gguf") != std::string::npos);
  }
}
