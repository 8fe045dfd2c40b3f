// The path questions of loading.
#include "io/paths.h"

#include <catch2/catch.hpp>

#include "lib/io/temp_folder.h"

using namespace nemotron;

TEST_CASE("paths are taken apart and put together") {
  CHECK(parent_directory("a/b/c") == "a/b");
  CHECK(parent_directory("c") == ".");
  CHECK(parent_directory("/c") == "/");
  CHECK(join_path("a", "b") == "a/b");
  CHECK(join_path("a/", "b") == "a/b");
  CHECK(join_path("", "b") == "b");
  CHECK(file_name_of("a/b.gguf") == "b.gguf");
  CHECK(file_name_of("b.gguf") == "b.gguf");
  CHECK(file_name_of("a/").empty());
}

TEST_CASE("folders and files are told apart and listed") {
  const TempFolder folder;
  folder.write("b", "");
  folder.write("a", "");
  CHECK(is_directory(folder.path()));
  CHECK_FALSE(is_directory(folder.file("a")));
  CHECK(is_regular_file(folder.file("a")));
  CHECK_FALSE(is_regular_file(folder.path()));
  CHECK_FALSE(is_regular_file(folder.file("c")));
  CHECK(kind_of(folder.path()).value() == PathKind::kFolder);
  CHECK(kind_of(folder.file("a")).value() == PathKind::kFile);
  CHECK(kind_of(folder.file("c")).value() == PathKind::kNothing);
  CHECK(kind_of(folder.file("a/c")).value() == PathKind::kNothing);
  CHECK(kind_of("/dev/null").value() == PathKind::kOther);
  CHECK(kind_of(folder.file(std::string(300, 'x'))).status().code() == StatusCode::kFileRead);
  CHECK(list_directory(folder.path()).value() == std::vector<std::string>{"a", "b"});
  CHECK(list_directory(folder.file("c")).status().code() == StatusCode::kFileNotFound);
}
