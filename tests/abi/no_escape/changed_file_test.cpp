// Files that somebody cuts while they are loaded, and names in files that are no text.
#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>

#include "fixture.h"
#include "lib/io/temp_folder.h"

using namespace no_escape;
namespace fs = std::filesystem;

namespace {

// Loads `path`, and cuts `file` to its first 4096 bytes when the first weights have been read.
nemo_status load_while_cutting(const std::string& path, const std::string& file,
                               std::uint32_t flags, nemo_error* error) {
  nemo_context_options options = NEMO_CONTEXT_OPTIONS_INIT;
  options.flags = flags;
  options.n_threads = 1;
  options.progress_user = const_cast<char*>(file.c_str());
  options.on_progress = [](std::uint64_t, std::uint64_t, void* user) -> std::int32_t {
    fs::resize_file(static_cast<const char*>(user), 4096);
    return 0;
  };
  nemo_context* context = nullptr;
  const nemo_status status = nemo_context_load(path.c_str(), &options, &context, error);
  CHECK(context == nullptr);
  nemo_context_free(context);
  return status;
}

void check_shown(const nemo_error& error, const std::string& expected) {
  INFO(error.message);
  CHECK(std::string(error.message).find(expected) != std::string::npos);
}

}  // namespace

TEST_CASE("a file cut between opening and reading is reported as changed") {
  const Silence silence;
  const nemotron::TempFolder folder;
  Failure failure;
  const auto flags = GENERATE(as<std::uint32_t>(), 0, NEMO_LOAD_MAPPED);
  SECTION("GGUF") {
    const std::string file = folder.file("m.gguf");
    fs::copy(model_path("gguf/tiny_chat.gguf"), file);
    failure.check(load_while_cutting(file, file, flags, failure.out()), NEMO_E_FILE_CHANGED);
    check_shown(failure.error, "'" + file + "' became shorter");
  }
  SECTION("safetensors") {
    fs::copy(model_path("hf/tiny_chat"), folder.path());
    const std::string file = folder.file("model.safetensors");
    failure.check(load_while_cutting(folder.path(), file, flags, failure.out()),
                  NEMO_E_FILE_CHANGED);
    check_shown(failure.error, "'" + file + "' became shorter");
  }
  SECTION("a shard that is not the first") {
    fs::copy(model_path("relatives/nemotron_h"), folder.path());
    std::vector<std::string> shards;
    for (const auto& entry : fs::directory_iterator(folder.path()))
      if (entry.path().extension() == ".safetensors" && entry.file_size() > 8192)
        shards.push_back(entry.path().string());
    REQUIRE(!shards.empty());
    std::sort(shards.begin(), shards.end());
    const nemo_status status =
        load_while_cutting(folder.path(), shards.back(), flags, failure.out());
    failure.check(status, NEMO_E_FILE_CHANGED);
    check_shown(failure.error, "'" + shards.back() + "' became shorter");
  }
}

TEST_CASE("a mapped file that is written to while it is loaded is reported as changed") {
  const Silence silence;
  const nemotron::TempFolder folder;
  std::string file = folder.file("m.gguf");
  fs::copy(model_path("gguf/tiny_chat.gguf"), file);
  fs::last_write_time(file, fs::file_time_type::clock::now() - std::chrono::hours(1));
  nemo_context_options options = NEMO_CONTEXT_OPTIONS_INIT;
  options.n_threads = 1;
  options.flags = NEMO_LOAD_MAPPED;
  options.progress_user = file.data();
  options.on_progress = [](std::uint64_t, std::uint64_t, void* user) -> std::int32_t {
    std::fstream out(static_cast<const char*>(user), std::ios::in | std::ios::out);
    out.seekp(-1, std::ios::end);
    out.put('x');
    return 0;
  };
  nemo_context* context = nullptr;
  Failure failure;
  failure.check(nemo_context_load(file.c_str(), &options, &context, failure.out()),
                NEMO_E_FILE_CHANGED);
  check_shown(failure.error, "'" + file + "' was written to");
}

TEST_CASE("what is no text in a name is replaced in the message") {
  const Silence silence;
  Failure failure;
  nemo_context* context = nullptr;
  const std::string path = "/no/such/\xFF\xC3/\x1B[31m\n\xC2\x9B/caf\xC3\xA9";
  const nemo_status status = nemo_context_load(path.c_str(), nullptr, &context, failure.out());
  failure.check(status, NEMO_E_FILE_NOT_FOUND);
  check_shown(failure.error, "/no/such/\xEF\xBF\xBD\xEF\xBF\xBD/?[31m?\?/caf\xC3\xA9'");
  // Longer than the message, and cut between two characters.
  std::string euros = "/";
  while (euros.size() < 3000) euros += "\xE2\x82\xAC";
  CHECK(nemo_context_load(euros.c_str(), nullptr, &context, failure.out()) < 0);
  const std::string shown = failure.error.message;
  CHECK(shown.size() > 490);
  CHECK(shown.ends_with("\xE2\x82\xAC"));
}

TEST_CASE("a tensor's name that is no text is refused") {
  const Silence silence;
  std::string bytes = read_file(model_path("gguf/tiny_chat.gguf"));
  const std::string name = "output_norm.weight";
  const std::size_t at = bytes.find(name);
  REQUIRE(at != std::string::npos);
  bytes[at + 1] = '\xFF';
  bytes[at + 2] = '\0';
  nemo_memory_file file = NEMO_MEMORY_FILE_INIT;
  file.name = "m.gguf";
  file.data = bytes.data();
  file.size = bytes.size();
  nemo_context* context = nullptr;
  Failure failure;
  failure.check(nemo_context_load_memory(&file, 1, sizeof file, nullptr, &context, failure.out()),
                NEMO_E_BAD_FILE);
  check_shown(failure.error,
              "a tensor name is not UTF-8 or holds control characters: "
              "'o\xEF\xBF\xBD?put_norm.weight'");
}
