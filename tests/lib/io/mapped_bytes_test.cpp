// Sources at an address that stays: the same bytes, and no signal while a file is brought in.
#include "io/mapped_bytes.h"

#include <sys/mman.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>

#include "io/data_source.h"
#include "lib/io/temp_folder.h"

using namespace nemotron;

namespace {

std::string pattern(std::size_t n_bytes) {
  std::string text(n_bytes, '\0');
  for (std::size_t i = 0; i < n_bytes; ++i) text[i] = static_cast<char>(i * 7 + i / 4096);
  return text;
}

std::string_view text_of(const MappedBytes& mapped) {
  return {reinterpret_cast<const char*>(mapped.bytes().data()), mapped.bytes().size()};
}

// A file that was written a day ago, whatever the clock's resolution.
std::string write_old(const TempFolder& folder, const std::string& text) {
  std::string path = folder.write("a", text);
  std::filesystem::last_write_time(
      path, std::filesystem::file_time_type::clock::now() - std::chrono::hours(24));
  return path;
}

}  // namespace

TEST_CASE("a mapped file has its bytes, also when its source and its name are gone") {
  const TempFolder folder;
  const std::string text = pattern(50000);
  const std::string path = folder.write("a", text);
  auto source = open_file(path);
  REQUIRE(source.is_ok());
  const auto mapped = source.value()->map();
  REQUIRE(mapped.is_ok());
  REQUIRE(source.value()->map().is_ok());  // a second one is independent
  source.value().reset();
  REQUIRE(::unlink(path.c_str()) == 0);
  for (const std::uint64_t offset : {0, 1, 4095, 4096, 49999})
    for (const std::uint64_t size : {0, 1}) CHECK(mapped.value()->bring_in(offset, size).is_ok());
  CHECK(mapped.value()->bring_in(4097, 50000 - 4097).is_ok());
  CHECK(text_of(*mapped.value()) == text);
}

TEST_CASE("an empty file and memory can be mapped, too") {
  const TempFolder folder;
  const auto source = open_file(folder.write("a", ""));
  const auto mapped = source.value()->map();
  REQUIRE(mapped.is_ok());
  CHECK(mapped.value()->bytes().empty());

  const std::string text = pattern(10000);
  const auto bytes = std::as_bytes(std::span(text.data(), text.size())).subspan(1);
  const auto memory = memory_source("m", bytes);
  CHECK(memory->check_unchanged().is_ok());
  const auto borrowed = memory->map();
  REQUIRE(borrowed.is_ok());
  CHECK(borrowed.value()->bytes().data() == bytes.data());
  CHECK(borrowed.value()->bytes().size() == bytes.size());
  CHECK(borrowed.value()->bring_in(17, 9000).is_ok());
}

TEST_CASE("a file that was changed after opening is not mapped") {
  const TempFolder folder;
  const std::string path = write_old(folder, pattern(8192));
  const auto source = open_file(path);
  REQUIRE(source.is_ok());
  CHECK(source.value()->check_unchanged().is_ok());
  std::string expected = "was written to";
  SECTION("shorter") {
    REQUIRE(::truncate(path.c_str(), 8191) == 0);
    expected = "became shorter than the 8192 bytes";
  }
  SECTION("longer") {
    std::ofstream(path, std::ios::app) << "x";
    expected = "became longer than the 8192 bytes";
  }
  SECTION("written to") {
    std::fstream file(path, std::ios::in | std::ios::out);
    file.seekp(100);
    file << "x";
  }
  const Status status = source.value()->map().status();
  CHECK(status.code() == StatusCode::kFileChanged);
  INFO(status.message());
  CHECK(status.message().find("'" + path + "' " + expected) != std::string::npos);
}

TEST_CASE("a file that is replaced under its name stays what it was") {
  const TempFolder folder;
  const std::string text = pattern(9000);
  const std::string path = folder.write("a", text);
  const auto source = open_file(path);
  const auto before = source.value()->map();
  REQUIRE(before.is_ok());
  std::filesystem::rename(folder.write("b", "other"), path);
  CHECK(source.value()->check_unchanged().is_ok());
  const auto after = source.value()->map();
  REQUIRE(after.is_ok());
  CHECK(text_of(*before.value()) == text);
  CHECK(text_of(*after.value()) == text);
}

#ifdef MADV_POPULATE_READ
TEST_CASE("bringing in what a file has lost is an error and no signal") {
  const TempFolder folder;
  const std::string path = folder.write("a", pattern(1 << 20));
  const auto source = open_file(path);
  const auto mapped = source.value()->map();
  REQUIRE(mapped.is_ok());
  REQUIRE(::truncate(path.c_str(), 8192) == 0);
  CHECK(mapped.value()->bring_in(0, 8192).is_ok());
  const Status status = mapped.value()->bring_in(5000, 100000);
  CHECK(status.code() == StatusCode::kFileRead);
  CHECK(status.byte_offset() == 5000);
  CHECK(status.message().find("'" + path + "'") != std::string::npos);
  const Status reason = source.value()->check_unchanged();
  CHECK(reason.code() == StatusCode::kFileChanged);
  CHECK(reason.byte_offset() == 8192);
}
#endif
