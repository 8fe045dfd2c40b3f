// Output appears whole or not at all.
#include "io/output_file.h"

#include <sys/resource.h>
#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <csignal>
#include <thread>
#include <vector>

#include "io/data_source.h"
#include "io/paths.h"
#include "lib/io/temp_folder.h"

using namespace nemotron;

namespace {

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

std::string content(const std::string& path) {
  return read_all(*open_file(path).value(), 1 << 20).value();
}

std::size_t n_names(const std::string& folder) { return list_directory(folder).value().size(); }

// Files may grow to `max_bytes` only, as on a full disk.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t max_bytes) : old_handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &old_);
    const rlimit limit{max_bytes, old_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &old_);
    std::signal(SIGXFSZ, old_handler_);
  }

 private:
  void (*old_handler_)(int);
  rlimit old_{};
};

}  // namespace

TEST_CASE("a file appears at its commit, and replaces an older one") {
  const TempFolder folder;
  const std::string path = folder.write("x", "old");
  {
    const auto file = OutputFile::create(path, 9);
    REQUIRE(file.is_ok());
    CHECK(file.value()->write_at(5, bytes_of("last")).is_ok());
    CHECK(file.value()->write_at(0, bytes_of("one")).is_ok());
    CHECK(content(path) == "old");
    CHECK(n_names(folder.path()) == 2);
    REQUIRE(file.value()->commit().is_ok());
  }
  CHECK(content(path) == std::string("one\0\0last", 9));
  CHECK(n_names(folder.path()) == 1);
}

TEST_CASE("a file that is not committed leaves nothing") {
  const TempFolder folder;
  {
    const auto file = OutputFile::create(folder.file("x"), 4);
    CHECK(file.value()->write_at(0, bytes_of("abcd")).is_ok());
  }
  CHECK(n_names(folder.path()) == 0);
}

TEST_CASE("what killed writers left is removed, and what others write is not") {
  const TempFolder folder;
  const std::string abandoned = folder.write(".x.4711.0.part", "half");
  const std::string foreign = folder.write(".x.old.part", "not a name of ours");
  const std::string other = folder.write(".y.4711.0.part", "of another file");
  const auto first = OutputFile::create(folder.file("x"), 4);
  REQUIRE(first.is_ok());
  CHECK_FALSE(is_regular_file(abandoned));
  CHECK(is_regular_file(foreign));
  CHECK(is_regular_file(other));
  const auto second = OutputFile::create(folder.file("x"), 4);
  REQUIRE(second.is_ok());
  CHECK(first.value()->write_at(0, bytes_of("1111")).is_ok());
  CHECK(second.value()->write_at(0, bytes_of("2222")).is_ok());
  CHECK(first.value()->commit().is_ok());
  CHECK(content(folder.file("x")) == "1111");
  CHECK(second.value()->commit().is_ok());
  CHECK(content(folder.file("x")) == "2222");
}

TEST_CASE("a device or a pipe is not replaced") {
  const TempFolder folder;
  CHECK(OutputFile::create("/dev/full", 1).status().code() == StatusCode::kFileWrite);
  REQUIRE(::mkfifo(folder.file("pipe").c_str(), 0600) == 0);
  CHECK(OutputFile::create(folder.file("pipe"), 1).status().code() == StatusCode::kFileWrite);
  CHECK(n_names(folder.path()) == 1);
}

TEST_CASE("writes from several threads meet in one file") {
  const TempFolder folder;
  constexpr std::size_t kPiece = 1000, kPieces = 64;
  const auto file = OutputFile::create(folder.file("x"), kPiece * kPieces);
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (std::size_t i = t; i < kPieces; i += 4)
        (void)file.value()->write_at(i * kPiece,
                                     bytes_of(std::string(kPiece, static_cast<char>('0' + i))));
    });
  for (std::thread& thread : threads) thread.join();
  REQUIRE(file.value()->commit().is_ok());
  const std::string found = content(folder.file("x"));
  for (std::size_t i = 0; i < kPieces; ++i)
    CHECK(found.substr(i * kPiece, kPiece) == std::string(kPiece, static_cast<char>('0' + i)));
}

TEST_CASE("what cannot be written is kFileWrite") {
  const TempFolder folder;
  CHECK(OutputFile::create(folder.path(), 1).status().code() == StatusCode::kFileWrite);
  CHECK(OutputFile::create(folder.file("no/x"), 1).status().code() == StatusCode::kFileWrite);
  CHECK(OutputFile::create("", 1).status().code() == StatusCode::kInvalidArgument);
  CHECK(OutputFile::create(folder.file("x"), UINT64_MAX).status().code() == StatusCode::kFileWrite);
  const auto file = OutputFile::create(folder.file("x"), 3);
  CHECK(file.value()->write_at(2, bytes_of("ab")).code() == StatusCode::kInternal);
  CHECK(file.value()->write_at(UINT64_MAX, bytes_of("ab")).code() == StatusCode::kInternal);
}

TEST_CASE("no room is an error, before or while writing, and leaves nothing") {
  const TempFolder folder;
  {
    const FileSizeLimit limit(4096);
    CHECK(OutputFile::create(folder.file("x"), 1 << 20).status().code() == StatusCode::kFileWrite);
  }
  {
    const auto file = OutputFile::create(folder.file("x"), 1 << 20);
    REQUIRE(file.is_ok());
    const FileSizeLimit limit(4096);
    const std::string piece(1 << 16,
                            'x');  // the first 4096 bytes fit: a short write, then an error
    CHECK(file.value()->write_at(0, bytes_of(piece)).code() == StatusCode::kFileWrite);
  }
  CHECK(n_names(folder.path()) == 0);
}

TEST_CASE("a folder appears at its commit") {
  const TempFolder folder;
  const std::string path = folder.file("model");
  {
    const auto output = OutputFolder::create(path + "/");
    REQUIRE(output.is_ok());
    CHECK(write_file(output.value()->file("a"), "1").is_ok());
    CHECK_FALSE(is_directory(path));
  }
  CHECK(n_names(folder.path()) == 0);
  const auto output = OutputFolder::create(path);
  CHECK(write_file(output.value()->file("a"), "1").is_ok());
  REQUIRE(output.value()->commit().is_ok());
  CHECK(content(path + "/a") == "1");
  CHECK(n_names(folder.path()) == 1);
  CHECK(OutputFolder::create(path).status().code() == StatusCode::kFileWrite);
  CHECK(OutputFolder::create(path + "/a").status().code() == StatusCode::kFileWrite);
  CHECK(OutputFolder::create(folder.file("no/x")).status().code() == StatusCode::kFileWrite);
  ::mkdir(folder.file("empty").c_str(), 0777);
  const auto over_empty = OutputFolder::create(folder.file("empty"));
  REQUIRE(over_empty.is_ok());
  CHECK(over_empty.value()->commit().is_ok());
}
