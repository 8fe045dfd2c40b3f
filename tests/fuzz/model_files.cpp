#include "model_files.h"

#include <nemotron/nemotron.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>

#include "base/utf8.h"

namespace fuzz {
namespace {

// The texts that a tokenizer is tried on: each kind of character, added tokens, bytes that are
// none.
constexpr std::string_view kTexts[] = {"Hello  world, 12 apples\n\n\tDon't",
                                       "<s>a<|im_end|></think>x",
                                       "\xE2\x82\xAC\xF0\x9F\x98\x80\xFF\xC3", ""};

void describe(const nemo_context* context) {
  nemo_error error = NEMO_ERROR_INIT;
  nemo_model_info info = NEMO_MODEL_INFO_INIT;
  if (nemo_context_model_info(context, &info, &error) != NEMO_OK)
    broken_promise("a loaded model cannot be described", error);
  if (std::strlen(nemo_context_layer_pattern(context)) != info.n_layers)
    broken_promise("the layer pattern has another length", error);
  for (std::uint32_t i = 0; i < info.n_tensors; ++i) {
    nemo_tensor_info tensor = NEMO_TENSOR_INFO_INIT;
    if (nemo_context_tensor(context, i, &tensor, &error) != NEMO_OK)
      broken_promise("a tensor cannot be described", error);
    if (!nemotron::is_utf8(tensor.name)) broken_promise("a tensor's name is not UTF-8", error);
  }
}

void tokenize(const nemo_context* context) {
  for (const std::string_view text : kTexts) {
    for (const std::int32_t parse_special : {0, 1}) {
      nemo_error error = NEMO_ERROR_INIT;
      std::int32_t tokens[64];
      std::size_t n_tokens = 0;
      nemo_status status = nemo_tokenize(context, text.data(), text.size(), parse_special, tokens,
                                         std::size(tokens), &n_tokens, &error);
      check(status, error);
      if (status != NEMO_OK) continue;
      std::string back(4096, '\0');
      std::size_t n_bytes = 0;
      status =
          nemo_detokenize(context, tokens, n_tokens, 0, back.data(), back.size(), &n_bytes, &error);
      check(status, error);
      if (status != NEMO_OK) continue;
      back.resize(n_bytes);
      // Special tokens that were not looked for are text, and text comes back byte by byte.
      if (parse_special == 0 && back != text) broken_promise("a text changed in tokens", error);
    }
  }
}

void render_chat(const nemo_context* context) {
  nemo_chat_message message = NEMO_CHAT_MESSAGE_INIT;
  message.role = "user";
  message.content = kTexts[0].data();
  message.content_size = kTexts[0].size();
  nemo_error error = NEMO_ERROR_INIT;
  std::int32_t tokens[512];
  std::size_t n_tokens = 0;
  check(nemo_chat_tokenize(context, &message, 1, sizeof message, nullptr, tokens, std::size(tokens),
                           &n_tokens, &error),
        error);
}

}  // namespace

void broken_promise(const char* what, const nemo_error& error) {
  std::fprintf(stderr, "broken promise: %s; status %d, message '%s'\n", what, error.code,
               error.message);
  std::abort();
}

void broken_promise(const char* what, std::string_view where) {
  std::fprintf(stderr, "broken promise: %s; '%.*s'\n", what, static_cast<int>(where.size()),
               where.data());
  std::abort();
}

void check(nemo_status status, const nemo_error& error, const char* what) {
  static const bool is_verbose = std::getenv("NEMO_FUZZ_VERBOSE") != nullptr;
  if (is_verbose && what != nullptr)
    std::fprintf(stderr, "%s: %s: %s\n", what, nemo_status_string(status), error.message);
  if (status == NEMO_OK) return;
  if (status != error.code) broken_promise("the error has another status", error);
  if (status == NEMO_E_INTERNAL) broken_promise("a fault of the library", error);
  // The inputs are a few kilobytes.
  if (status == NEMO_E_OUT_OF_MEMORY) broken_promise("memory", error);
  if (std::memchr(error.message, '\0', sizeof error.message) == nullptr)
    broken_promise("the message has no end", error);
  if (error.message[0] == '\0') broken_promise("the message is empty", error);
  if (!nemotron::is_utf8(error.message)) broken_promise("the message is not UTF-8", error);
}

std::vector<std::string_view> split(const std::uint8_t* data, std::size_t size,
                                    std::size_t max_files) {
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  std::vector<std::string_view> files;
  while (files.size() + 1 < max_files) {
    const std::size_t end = rest.find(kSeparator);
    if (end == rest.npos) break;
    files.push_back(rest.substr(0, end));
    rest.remove_prefix(end + kSeparator.size());
  }
  files.push_back(rest);
  return files;
}

const std::string& fixed_file(const std::string& name) {
  static std::map<std::string, std::string> files;
  const auto known = files.find(name);
  if (known != files.end()) return known->second;
  const std::string path = NEMO_FUZZ_SOURCE_DIR "/fixed/" + name;
  std::ifstream stream(path, std::ios::binary);
  if (!stream.good()) {
    std::fprintf(stderr, "cannot read '%s'\n", path.c_str());
    std::exit(1);
  }
  return files[name] = std::string(std::istreambuf_iterator<char>(stream), {});
}

std::vector<nemo_memory_file> in_memory(std::span<const File> files) {
  std::vector<nemo_memory_file> memory;
  for (const File& file : files) {
    memory.push_back(NEMO_MEMORY_FILE_INIT);
    memory.back().name = file.name.c_str();
    memory.back().data = file.bytes.data();
    memory.back().size = file.bytes.size();
  }
  return memory;
}

void load_and_use(std::span<const File> files) {
  const std::vector<nemo_memory_file> memory = in_memory(files);
  nemo_context_options options = NEMO_CONTEXT_OPTIONS_INIT;
  options.flags = NEMO_LOAD_NO_WEIGHTS;
  nemo_context* context = nullptr;
  nemo_error error = NEMO_ERROR_INIT;
  const nemo_status status = nemo_context_load_memory(
      memory.data(), memory.size(), sizeof(nemo_memory_file), &options, &context, &error);
  check(status, error, "load");
  if ((status == NEMO_OK) != (context != nullptr)) broken_promise("a context and an error", error);
  if (context == nullptr) return;
  describe(context);
  tokenize(context);
  render_chat(context);
  nemo_context_free(context);
}

}  // namespace fuzz
