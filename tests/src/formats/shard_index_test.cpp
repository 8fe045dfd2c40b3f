// A model in three shards against the same model in one file, and everything that can be wrong with
// an index. The shards were made by the hub's own package (make_sharded.py).
#include "formats/shard_index.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>

#include "base/text.h"
#include "lib/io/temp_folder.h"
#include "src/formats/tiny_models.h"

using namespace nemotron;

namespace {

constexpr const char* kIndex = "model.safetensors.index.json";
constexpr const char* kFirst = "model-00001-of-00003.safetensors";
constexpr const char* kSecond = "model-00002-of-00003.safetensors";
constexpr const char* kThird = "model-00003-of-00003.safetensors";

std::vector<NamedText> sharded_files() {
  std::vector<NamedText> files = tiny_safetensors();
  files.erase(files.begin());
  for (const char* name : {kFirst, kSecond, kThird, kIndex})
    files.push_back({name, read_data(std::string("tiny_sharded/") + name)});
  return files;
}

std::vector<std::byte> raw(const ModelFile& file, const TensorEntry& entry) {
  std::vector<std::byte> bytes(entry.size_bytes);
  REQUIRE(file.read_raw(entry, 0, bytes).is_ok());
  return bytes;
}

// Every tensor has the bytes that it has in the single file.
void check_same_as_single(const Result<ModelFile>& sharded) {
  INFO(sharded.status().message());
  REQUIRE(sharded.is_ok());
  const auto single = open_model(data_path("tiny_safetensors"));
  REQUIRE(single.is_ok());
  REQUIRE(sharded->table().size() == single->table().size());
  for (const TensorEntry& expected : single->table()) {
    CAPTURE(expected.name);
    const auto found = std::ranges::find(sharded->table(), expected.name, &TensorEntry::name);
    REQUIRE(found != sharded->table().end());
    CHECK(raw(sharded.value(), *found) == raw(single.value(), expected));
    std::vector<float> values(found->n_elements());
    std::vector<float> expected_values(values.size());
    REQUIRE(sharded->read_f32(*found, values).is_ok());
    REQUIRE(single->read_f32(expected, expected_values).is_ok());
    CHECK(values == expected_values);
  }
  CHECK(sharded->format_name() == "safetensors");
  CHECK(sharded->config().layer_pattern() == "M-*M-");
  CHECK(sharded->tokenizer().chat_template == "{{ messages }}");
}

void write_all(const TempFolder& folder, const std::vector<NamedText>& files) {
  for (const NamedText& file : files) folder.write(file.name, file.bytes);
}

Result<ShardIndex> parse(const std::string& text) {
  return read_shard_index(*memory_source("i", std::as_bytes(std::span(text.data(), text.size()))));
}

}  // namespace

TEST_CASE("a sharded model opens from its folder, its index, any shard and memory") {
  const TempFolder folder;
  write_all(folder, sharded_files());
  for (const std::string& path : {folder.path(), folder.file(kIndex), folder.file(kFirst),
                                  folder.file(kSecond), folder.file(kThird)}) {
    CAPTURE(path);
    const auto file = open_model(path);
    check_same_as_single(file);
    CHECK(file->path() == folder.file(kIndex));
    const TensorEntry* head = file->lookup(TensorRole::output);
    CHECK(file->file_of(*head) == folder.file(kThird));
    CHECK(file->size_bytes() == 20048 + 18680 + 15312);
  }
  const auto files = sharded_files();
  check_same_as_single(open_from_memory(files));
}

TEST_CASE("an index of another name is found, in the folder and by its shard") {
  const TempFolder folder;
  auto files = sharded_files();
  for (NamedText& file : files) {
    if (file.name.starts_with("model")) file.name.replace(0, 5, "tiny");
    for (std::size_t at = 0; (at = file.bytes.find("\"model-", at)) != std::string::npos;)
      if (file.name.ends_with("index.json"))
        file.bytes.replace(at, 7, "\"tiny-");
      else
        break;
  }
  write_all(folder, files);
  check_same_as_single(open_model(folder.path()));
  check_same_as_single(open_model(folder.file("tiny-00002-of-00003.safetensors")));
}

TEST_CASE("what lacks is named") {
  const TempFolder folder;
  write_all(folder, sharded_files());
  SECTION("a shard") {
    std::filesystem::remove(folder.file(kSecond));
    for (const std::string& path : {folder.path(), folder.file(kIndex), folder.file(kFirst)}) {
      const Status status = open_model(path).status();
      CHECK(status.code() == StatusCode::kFileNotFound);
      CHECK(message_has(status, "lists 3 files of weights; 1 of them is missing: '"));
      CHECK(message_has(status, kSecond));
    }
    std::filesystem::remove(folder.file(kThird));
    CHECK(message_has(open_model(folder.path()).status(), "2 of them are missing, the first is"));
  }
  SECTION("the index") {
    std::filesystem::remove(folder.file(kIndex));
    for (const std::string& path : {folder.path(), folder.file(kFirst)}) {
      const Status status = open_model(path).status();
      CHECK(status.code() == StatusCode::kFileNotFound);
      CHECK(message_has(status, "'model.safetensors.index.json'"));
    }
  }
  SECTION("the shard in the index") {
    std::filesystem::copy(folder.file(kFirst), folder.file("model-00004-of-00004.safetensors"));
    const Status status = open_model(folder.file("model-00004-of-00004.safetensors")).status();
    CHECK(status.code() == StatusCode::kBadFile);
    CHECK(message_has(status, "does not list 'model-00004-of-00004.safetensors'"));
  }
  SECTION("config.json") {
    std::filesystem::remove(folder.file("config.json"));
    CHECK(message_has(open_model(folder.path()).status(), "config.json"));
  }
}

TEST_CASE("an index that contradicts its shards is refused") {
  auto files = sharded_files();
  SECTION("a tensor in another shard") {
    patch(files, kIndex, "A_log\": \"model-00001", "A_log\": \"model-00002");
    const Status status = open_from_memory(files).status();
    CHECK(status.code() == StatusCode::kMissingTensor);
    CHECK(message_has(status, join("should be in '", kSecond, "' and is in '", kFirst, "'")));
  }
  SECTION("a tensor in no shard") {
    patch(files, kIndex, "layers.0.mixer.A_log", "layers.0.mixer.B_log");
    const Status status = open_from_memory(files).status();
    CHECK(status.code() == StatusCode::kMissingTensor);
    CHECK(message_has(status, "layers.0.mixer.B_log"));
    CHECK(message_has(status, "in no shard"));
  }
  SECTION("a tensor in two shards") {
    for (NamedText& file : files)
      if (file.name == kSecond) file.bytes = read_data(std::string("tiny_sharded/") + kFirst);
    const Status status = open_from_memory(files).status();
    CHECK(status.code() == StatusCode::kBadFile);
    CHECK(message_has(status, join("is both in '", kFirst, "' and in '", kSecond, "'")));
  }
  SECTION("a broken shard is named") {
    for (NamedText& file : files)
      if (file.name == kThird) file.bytes.pop_back();
    CHECK(message_has(open_from_memory(files).status(), kThird));
  }
  SECTION("an unlisted tensor is found all the same") {
    patch(files, kIndex, "\"backbone.layers.0.mixer.D\": \"model-00001-of-00003.safetensors\",",
          "");
    check_same_as_single(open_from_memory(files));
  }
}

TEST_CASE("an index cannot lead out of its folder, nor say two things") {
  const auto fault_of = [](const std::string& file) {
    return parse(join(R"({"weight_map": {"a": ")", file, R"("}})")).status();
  };
  for (const char* name : {"../x", "/etc/passwd", "sub/x.safetensors", "..", ".", "", "a\\\\b",
                           "c:x", "a\\u0000b", "./x"}) {
    const Status status = fault_of(name);
    CHECK(status.code() == StatusCode::kBadFile);
    CHECK(message_has(status, "'i': tensor 'a'"));
  }
  CHECK(parse(R"({"weight_map": {"a": "..x"}})").is_ok());
  for (const char* text :
       {"", "[]", "{}", "{\"weight_map\": []}", "{\"weight_map\": {}}",
        "{\"weight_map\": {\"a\": 1}}", "{\"weight_map\": {\"a\": \"x\", \"a\": \"x\"}}",
        "{\"weight_map\": {\"a\": \"x\"}, \"weight_map\": {\"a\": \"y\"}}",
        "{\"weight_map\": {\"a\": \"x\"}"}) {
    const Status status = parse(text).status();
    CAPTURE(text);
    CHECK(status.code() == StatusCode::kBadFile);
    CHECK(message_has(status, "'i': "));
  }
  const auto index = parse(R"({"weight_map": {"b": "y", "a": "x", "c": "x"}})");
  REQUIRE(index.is_ok());
  CHECK(index->files == std::vector<std::string>{"x", "y"});
  CHECK(index->places[1].tensor == "b");
  CHECK(index->places[1].file == 1);
}

TEST_CASE("shard names") {
  CHECK(index_name_of_shard("model-00001-of-00012.safetensors") == "model.safetensors.index.json");
  CHECK(index_name_of_shard("a-b-00001-of-00012.safetensors") == "a-b.safetensors.index.json");
  for (const char* name : {"model.safetensors", "-00001-of-00002.safetensors",
                           "model-0001-of-00002.safetensors", "model-00001-of-0000x.safetensors",
                           "model-00001_of-00002.safetensors", "model-00001-of-00002.gguf", ""})
    CHECK_FALSE(index_name_of_shard(name).has_value());
}
