// A folder of shards as others may leave it: links, as the cache of the Hugging Face hub consists
// of, links that lead nowhere, and files that an index names but that are none.
#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <filesystem>

#include "base/text.h"
#include "formats/shard_index.h"
#include "lib/io/temp_folder.h"
#include "src/formats/tiny_models.h"

using namespace nemotron;
namespace fs = std::filesystem;

namespace {

constexpr const char* kIndex = "model.safetensors.index.json";
constexpr const char* kShards[] = {"model-00001-of-00003.safetensors",
                                   "model-00002-of-00003.safetensors",
                                   "model-00003-of-00003.safetensors"};

// snapshots/1 with a link to blobs/N for each file.
std::string write_cache(const TempFolder& folder) {
  const std::string snapshot = folder.file("snapshots/1");
  fs::create_directories(snapshot);
  fs::create_directories(folder.file("blobs"));
  int n_blobs = 0;
  const auto add = [&](const std::string& name, const std::string& bytes) {
    const std::string blob = join("blobs/", n_blobs++);
    folder.write(blob, bytes);
    fs::create_symlink("../../" + blob, snapshot + "/" + name);
  };
  for (const char* name : kShards) add(name, read_data(std::string("tiny_sharded/") + name));
  add(kIndex, read_data(std::string("tiny_sharded/") + kIndex));
  add("config.json", read_data("tiny_safetensors/config.json"));
  return snapshot;
}

void replace_by_link(const std::string& path, const std::string& target) {
  fs::remove(path);
  fs::create_symlink(target, path);
}

Status open_status(const std::string& path) { return open_model(path).status(); }

}  // namespace

TEST_CASE("a model in links opens, from the folder, its index and its shards") {
  const TempFolder folder;
  const std::string snapshot = write_cache(folder);
  for (const std::string& path :
       {snapshot, join(snapshot, "/", kIndex), join(snapshot, "/", kShards[1])}) {
    const Status status = open_status(path);
    INFO(path << ": " << status.message());
    CHECK(status.is_ok());
  }
}

TEST_CASE("a link that leads to no regular file is refused by its name") {
  const TempFolder folder;
  const std::string snapshot = write_cache(folder);
  const std::string shard = join(snapshot, "/", kShards[1]);
  const auto with = [&](const std::string& target) {
    replace_by_link(shard, target);
    const Status status = open_status(snapshot);
    CHECK(message_has(status, kShards[1]));
    return status.code();
  };
  CHECK(with("nowhere") == StatusCode::kFileNotFound);
  CHECK(with(kShards[1]) == StatusCode::kFileRead);  // itself
  CHECK(with("..") == StatusCode::kFileRead);
  CHECK(with("/dev/zero") == StatusCode::kFileRead);
  REQUIRE(::mkfifo(folder.file("fifo").c_str(), 0600) == 0);
  CHECK(with(folder.file("fifo")) == StatusCode::kFileRead);  // at once, not when somebody writes
}

TEST_CASE("an index that names what is no shard") {
  const TempFolder folder;
  const std::string snapshot = write_cache(folder);
  fs::remove(join(snapshot, "/", kIndex));
  const auto with = [&](const std::string& file) {
    const std::string text = join(R"({"weight_map": {"a": ")", file, R"("}})");
    folder.write(join("snapshots/1/", kIndex), text);
    const Status status = open_status(join(snapshot, "/", kIndex));
    CHECK(message_has(status, file));
    return status.code();
  };
  CHECK(with(kIndex) == StatusCode::kBadFile);  // itself
  CHECK(with("config.json") == StatusCode::kBadFile);
  CHECK(with("../1/config.json") == StatusCode::kBadFile);
  CHECK(with("missing.safetensors") == StatusCode::kFileNotFound);
}

TEST_CASE("an index of more files than a process may open") {
  std::string text = R"({"weight_map": {)";
  for (int i = 0; i < 513; ++i) text += join(i == 0 ? "" : ",", "\"t", i, "\": \"s", i, "\"");
  text += "}}";
  const auto source = memory_source("i", std::as_bytes(std::span(text.data(), text.size())));
  const Status status = read_shard_index(*source).status();
  CHECK(status.code() == StatusCode::kBadFile);
  CHECK(message_has(status, "'weight_map' names 513 files, more than the 512 allowed"));
}
