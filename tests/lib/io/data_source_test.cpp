// Files and memory as sources: whole reads or a named error, never a partial read.
#include "io/data_source.h"

#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <catch2/catch.hpp>

#include "lib/io/temp_folder.h"

using namespace nemotron;

namespace {
std::string read_text(const DataSource& source, std::uint64_t offset, std::size_t n_bytes) {
  std::string out(n_bytes, '\0');
  REQUIRE(source.read_at(offset, std::as_writable_bytes(std::span(out.data(), n_bytes))).is_ok());
  return out;
}

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}
}  // namespace

TEST_CASE("a file is read at any offset") {
  const TempFolder folder;
  const auto source = open_file(folder.write("a", "0123456789"));
  REQUIRE(source.is_ok());
  CHECK(source.value()->size_bytes() == 10);
  CHECK(source.value()->name() == folder.file("a"));
  CHECK(read_text(*source.value(), 3, 4) == "3456");
  CHECK(read_text(*source.value(), 0, 10) == "0123456789");
  CHECK(read_text(*source.value(), 10, 0).empty());
}

TEST_CASE("reading past the end is an error of the file and writes nothing") {
  const TempFolder folder;
  const auto file = open_file(folder.write("a", "0123456789"));
  const auto memory = memory_source("m", bytes_of("0123456789"));
  for (const DataSource* source :
       std::initializer_list<const DataSource*>{file.value().get(), memory.get()}) {
    std::array<std::byte, 4> out{};
    for (const std::uint64_t offset : {7ull, 10ull, 11ull, ~0ull, ~0ull - 3}) {
      const Status status = source->read_at(offset, out);
      CHECK(status.code() == StatusCode::kBadFile);
      CHECK(status.message().find(source->name()) != std::string::npos);
    }
    CHECK(out == std::array<std::byte, 4>{});
  }
}

TEST_CASE("a file that shrinks after opening is reported as changed") {
  const TempFolder folder;
  const std::string path = folder.write("a", std::string(8192, 'x'));
  const auto source = open_file(path);
  REQUIRE(source.is_ok());
  REQUIRE(::truncate(path.c_str(), 5000) == 0);
  std::array<std::byte, 100> out{};
  CHECK(source.value()->read_at(4900, out).is_ok());
  const Status status = source.value()->read_at(4950, out);
  CHECK(status.code() == StatusCode::kFileChanged);
  CHECK(status.byte_offset() == 5000);
}

TEST_CASE("what is no regular file is refused, and a FIFO does not block") {
  const TempFolder folder;
  CHECK(open_file(folder.file("missing")).status().code() == StatusCode::kFileNotFound);
  CHECK(open_file(folder.path()).status().code() == StatusCode::kFileRead);
  REQUIRE(::mkfifo(folder.file("fifo").c_str(), 0600) == 0);
  CHECK(open_file(folder.file("fifo")).status().code() == StatusCode::kFileRead);
  CHECK(open_file("/dev/zero").status().code() == StatusCode::kFileRead);
  CHECK(open_file("").status().code() == StatusCode::kInvalidArgument);
  CHECK(open_file(std::string("a\0b", 3)).status().code() == StatusCode::kInvalidArgument);
  CHECK(open_file(folder.write("a", "") + "/b").status().code() == StatusCode::kFileNotFound);
}

TEST_CASE("read_all gives the text up to its limit") {
  const TempFolder folder;
  const auto source = open_file(folder.write("a", "hello"));
  CHECK(read_all(*source.value(), 5).value() == "hello");
  CHECK(read_all(*source.value(), 4).status().code() == StatusCode::kBadFile);
  CHECK(read_all(*memory_source("m", {}), 0).value().empty());
}
