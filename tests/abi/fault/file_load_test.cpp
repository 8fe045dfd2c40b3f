// Disks and limits that fail while a model is loaded: GGUF; safetensors in shards with an index;
// safetensors with all the small files that may lie beside it; a folder that is searched.
#include <catch2/catch.hpp>
#include <filesystem>

#include "file_faults.h"
#include "file_fixture.h"

using namespace fault;

namespace {

// What the model computes and what is known of its tokenizer and template.
std::string outcome_of(nemo_context* context) {
  const Session session = session_with(context, 70);
  std::string out = bytes_of(session.get());
  std::array<std::int32_t, 64> tokens{};
  std::size_t n = 0;
  const std::string text = "Hello, 12 worlds";
  if (nemo_tokenize(context, text.data(), text.size(), 1, tokens.data(), tokens.size(), &n,
                    nullptr) == NEMO_OK)
    out.append(reinterpret_cast<const char*>(tokens.data()), n * sizeof tokens[0]);
  nemo_chat_message message = NEMO_CHAT_MESSAGE_INIT;
  message.role = "user";
  message.content = text.data();
  message.content_size = text.size();
  std::array<char, 512> prompt{};
  if (nemo_chat_render(context, &message, 1, sizeof message, nullptr, prompt.data(), prompt.size(),
                       &n, nullptr) == NEMO_OK)
    out.append(prompt.data(), n);
  return out;
}

int check_load(const std::string& path, std::uint32_t flags = 0) {
  nemo_context_options options = quick_options();
  options.flags = flags;
  return check_each_fault([&](const Armed& armed) {
    Attempt attempt;
    nemo_context* context = nullptr;
    armed([&] {
      attempt.status = nemo_context_load(path.c_str(), &options, &context, &attempt.error);
    });
    const Context owner(context);
    if ((context != nullptr) != (attempt.status == NEMO_OK))
      attempt.wrong = "a context and an error";
    if (context != nullptr) attempt.outcome = outcome_of(context);
    return attempt;
  });
}

void copy(const std::string& from, const QuickFolder& to) {
  std::filesystem::copy(data_path(from), to.path(), std::filesystem::copy_options::recursive);
}

}  // namespace

TEST_CASE("files fail while a GGUF file is loaded") {
  CHECK(check_load(data_path("model/gguf/tiny_chat.gguf")) > 50);
}

TEST_CASE("files fail while a model in shards is loaded") {
  CHECK(check_load(data_path("model/relatives/nemotron_h")) > 100);
}

TEST_CASE("files fail while a checkpoint with all that belongs to it is loaded") {
  const QuickFolder folder;
  copy("model/hf/tiny_chat", folder);
  folder.write("generation_config.json", R"({"eos_token_id": [11, 2]})");
  folder.write("tokenizer_config.json", R"({"add_bos_token": true, "bos_token": "<s>"})");
  folder.write("chat_template.jinja", "{{ messages }}");
  CHECK(check_load(folder.path()) > 100);
}

TEST_CASE("files fail while a model is mapped") {
  CHECK(check_load(data_path("model/gguf/tiny_chat.gguf"), NEMO_LOAD_MAPPED) > 50);
  CHECK(check_load(data_path("model/relatives/nemotron_h"), NEMO_LOAD_MAPPED) > 100);
}

TEST_CASE("files fail while a folder is searched for a model") {
  const QuickFolder folder;
  std::filesystem::copy(data_path("model/gguf/tiny_chat.gguf"), folder.file("b"));
  folder.write("a", "no model, but it could be one");
  std::filesystem::create_directory(folder.file("c"));
  CHECK(check_load(folder.path()) > 50);
}

TEST_CASE("memory runs out while a model is loaded, and every file is closed") {
  const nemo_context_options options = quick_options();
  const std::string path = data_path("model/relatives/nemotron_h");
  bool has_failed = true;
  for (int n = 0; has_failed; ++n) {
    const std::int64_t n_files = n_open_files();
    nemo_context* context = nullptr;
    fail_after(n, Failing::kOnce);
    const nemo_status status = nemo_context_load(path.c_str(), &options, &context, nullptr);
    has_failed = stop_failing();
    nemo_context_free(context);
    INFO("allocation " << n << ", status " << status);
    CHECK((context == nullptr) == (status != NEMO_OK));
    CHECK(n_open_files() == n_files);
  }
}

TEST_CASE("a disk fails for all the threads that read weights") {
  nemo_context_options options = quick_options();
  options.n_threads = 3;
  const std::string path = data_path("model/relatives/nemotron_h");
  nemo_context* context = nullptr;
  watch_file_calls();
  REQUIRE(nemo_context_load(path.c_str(), &options, &context, nullptr) == NEMO_OK);
  const std::int64_t n_calls = stop_file_faults().n;
  const std::string truth = outcome_of(context);
  nemo_context_free(context);
  const FileFault fault = faults_of(FileCall::kPread)[0];
  int n_failed = 0;
  for (std::int64_t n = 0; n < n_calls; ++n) {
    const std::int64_t n_files = n_open_files();
    nemo_error error = NEMO_ERROR_INIT;
    fail_file_call(n, fault, /*is_lasting=*/true);
    const nemo_status status = nemo_context_load(path.c_str(), &options, &context, &error);
    stop_file_faults();
    n_failed += status != NEMO_OK;
    INFO("call " << n << ": " << error.message);
    CHECK((status == NEMO_OK || status == NEMO_E_FILE_READ));
    const bool is_same = status != NEMO_OK || outcome_of(context) == truth;
    CHECK(is_same);
    nemo_context_free(context);
    CHECK(n_open_files() == n_files);
  }
  CHECK(n_failed > 100);
}
