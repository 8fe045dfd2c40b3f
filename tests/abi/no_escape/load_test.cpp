// Loading what is no model, and models that were cut or corrupted.
#include <cstring>

#include "fixture.h"

using namespace no_escape;

namespace {

nemo_status load_bytes(const std::vector<std::pair<std::string, std::string>>& files,
                       nemo_error* error) {
  std::vector<nemo_memory_file> list;
  for (const auto& [name, bytes] : files) {
    nemo_memory_file file = NEMO_MEMORY_FILE_INIT;
    file.name = name.c_str();
    file.data = bytes.data();
    file.size = bytes.size();
    list.push_back(file);
  }
  nemo_context_options options = NEMO_CONTEXT_OPTIONS_INIT;
  options.n_threads = 1;
  nemo_context* context = nullptr;
  const nemo_status status = nemo_context_load_memory(
      list.data(), list.size(), sizeof(nemo_memory_file), &options, &context, error);
  CHECK((context != nullptr) == (status == NEMO_OK));
  nemo_context_free(context);
  return status;
}

// Of a file that may or may not still be a model, only that the answer is a named status.
void check_any_answer(nemo_status status, const nemo_error& error) {
  INFO(nemo_status_string(status) << ": " << error.message);
  CHECK(status <= NEMO_OK);
  CHECK(status != NEMO_E_INTERNAL);
  CHECK(std::string(nemo_status_string(status)) != "NEMO_E_UNKNOWN");
  CHECK((status == NEMO_OK || error.message[0] != '\0'));
}

std::size_t header_size(const std::string& bytes, bool is_gguf) {
  std::uint64_t size = 0;
  if (is_gguf) return std::min<std::size_t>(bytes.size(), 12000);
  std::memcpy(&size, bytes.data(), sizeof size);
  return sizeof size + size;
}

}  // namespace

TEST_CASE("paths that hold no model") {
  const Silence silence;
  const std::string here = NEMO_TEST_SOURCE_DIR;
  const auto [path, expected] = GENERATE_COPY(table<std::string, nemo_status>(
      {{here + "/no/such/place", NEMO_E_FILE_NOT_FOUND},
       {here + "/abi", NEMO_E_FILE_NOT_FOUND},
       {here + "/abi/no_escape/load_test.cpp", NEMO_E_UNSUPPORTED_FORMAT},
       {"", NEMO_E_FILE_NOT_FOUND},
       {std::string(5000, 'x'), NEMO_E_FILE_NOT_FOUND}}));
  INFO(path);
  nemo_context* context = reinterpret_cast<nemo_context*>(&context);
  Failure failure;
  const nemo_status status = nemo_context_load(path.c_str(), nullptr, &context, failure.out());
  CHECK(context == nullptr);
  if (path.empty() || path[0] == 'x') {
    CHECK(status < 0);
  } else {
    failure.check(status, expected);
  }
}

TEST_CASE("a truncated file") {
  const Silence silence;
  const std::string gguf = read_file(model_path("gguf/tiny_chat.gguf"));
  const std::string tensors = read_file(model_path("hf/tiny_chat/model.safetensors"));
  const std::string config = read_file(model_path("hf/tiny_chat/config.json"));
  const std::string tokenizer = read_file(model_path("hf/tiny_chat/tokenizer.json"));
  for (std::size_t size = 0; size < gguf.size(); size += 1 + size / 3) {
    Failure failure;
    INFO("GGUF cut to " << size << " bytes");
    const nemo_status status = load_bytes({{"m.gguf", gguf.substr(0, size)}}, failure.out());
    CHECK(status <= -200);
    CHECK(status > -300);
    CHECK(failure.error.message[0] != '\0');
  }
  for (std::size_t size = 0; size < tensors.size(); size += 1 + size / 3) {
    Failure failure;
    INFO("safetensors cut to " << size << " bytes");
    const nemo_status status = load_bytes({{"config.json", config},
                                           {"tokenizer.json", tokenizer},
                                           {"model.safetensors", tensors.substr(0, size)}},
                                          failure.out());
    CHECK(status <= -200);
    CHECK(status > -300);
  }
  for (std::size_t size = 1; size < tokenizer.size(); size += 1 + size / 3) {
    Failure failure;
    INFO("tokenizer cut to " << size << " bytes");
    CHECK(load_bytes({{"config.json", config},
                      {"tokenizer.json", tokenizer.substr(0, size)},
                      {"model.safetensors", tensors}},
                     failure.out()) < 0);
  }
}

TEST_CASE("a byte flipped in a header") {
  const Silence silence;
  const std::string config = read_file(model_path("hf/tiny_chat/config.json"));
  const bool is_gguf = GENERATE(false, true);
  const std::string intact =
      read_file(model_path(is_gguf ? "gguf/tiny_chat.gguf" : "hf/tiny_chat/model.safetensors"));
  for (std::size_t at = 0; at < header_size(intact, is_gguf); at += 31) {
    std::string bytes = intact;
    bytes[at] = static_cast<char>(bytes[at] ^ (1 << (at % 8)));
    INFO("byte " << at);
    nemo_error error = NEMO_ERROR_INIT;
    const nemo_status status =
        is_gguf ? load_bytes({{"m.gguf", bytes}}, &error)
                : load_bytes({{"config.json", config}, {"model.safetensors", bytes}}, &error);
    check_any_answer(status, error);
  }
}

TEST_CASE("a byte of the configuration replaced") {
  const Silence silence;
  const std::string tensors = read_file(model_path("hf/tiny_chat/model.safetensors"));
  const std::string intact = read_file(model_path("hf/tiny_chat/config.json"));
  for (std::size_t at = 0; at < intact.size(); at += 7) {
    for (const char byte : {'9', '"', '{', '\0'}) {
      std::string config = intact;
      config[at] = byte;
      INFO("byte " << at << " becomes " << int(byte));
      nemo_error error = NEMO_ERROR_INIT;
      check_any_answer(
          load_bytes({{"config.json", config}, {"model.safetensors", tensors}}, &error), error);
    }
  }
}

TEST_CASE("files in memory that do not make a model") {
  const Silence silence;
  const std::string tensors = read_file(model_path("hf/tiny_chat/model.safetensors"));
  const std::string config = read_file(model_path("hf/tiny_chat/config.json"));
  Failure failure;
  CHECK(load_bytes({{"model.safetensors", tensors}}, failure.out()) < 0);
  CHECK(load_bytes({{"config.json", config}}, failure.out()) < 0);
  CHECK(load_bytes({{"config.json", ""}, {"model.safetensors", tensors}}, failure.out()) < 0);
  CHECK(load_bytes({{"", ""}}, failure.out()) < 0);
  CHECK(load_bytes({{"config.json", "[[[[[["}, {"model.safetensors", tensors}}, failure.out()) < 0);
  const std::string deep(100000, '[');
  CHECK(load_bytes({{"config.json", deep}, {"model.safetensors", tensors}}, failure.out()) < 0);
}

TEST_CASE("a load that its progress callback cancels") {
  const Silence silence;
  nemo_context_options options = NEMO_CONTEXT_OPTIONS_INIT;
  options.on_progress = [](std::uint64_t, std::uint64_t, void* user) -> std::int32_t {
    ++*static_cast<int*>(user);
    return 1;
  };
  int calls = 0;
  options.progress_user = &calls;
  nemo_context* context = nullptr;
  Failure failure;
  const nemo_status status =
      nemo_context_load(model_path("hf/tiny_chat").c_str(), &options, &context, failure.out());
  failure.check(status, NEMO_E_CANCELLED);
  CHECK(context == nullptr);
  CHECK(calls == 1);
}
