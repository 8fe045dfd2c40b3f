// Making model files: bad arguments, cancelling, and callbacks that throw.
#include <filesystem>
#include <stdexcept>

#include "fixture.h"
#include "lib/io/temp_folder.h"

using namespace no_escape;
using nemotron::TempFolder;

namespace {

std::int32_t cancel(std::uint64_t, std::uint64_t, void* user) {
  ++*static_cast<int*>(user);
  return 1;
}

std::int32_t throws(std::uint64_t, std::uint64_t, void*) { throw std::runtime_error("thrown"); }

nemo_synthesize_options tiny() {
  nemo_synthesize_options options = NEMO_SYNTHESIZE_OPTIONS_INIT;
  options.shape = "tiny";
  options.n_threads = 2;
  return options;
}

}  // namespace

TEST_CASE("arguments of nemo_model_synthesize") {
  const Silence silence;
  const TempFolder folder;
  const std::string path = folder.file("m.gguf");
  Failure failure;
  nemo_synthesize_options options = tiny();
  failure.check(nemo_model_synthesize(nullptr, &options, failure.out()), NEMO_E_INVALID_ARGUMENT);
  failure.check(nemo_model_synthesize("", &options, failure.out()), NEMO_E_INVALID_ARGUMENT);
  options.shape = "round";
  failure.check(nemo_model_synthesize(path.c_str(), &options, failure.out()),
                NEMO_E_INVALID_ARGUMENT);
  options = tiny();
  options.type = "q1";
  failure.check(nemo_model_synthesize(path.c_str(), &options, failure.out()),
                NEMO_E_INVALID_ARGUMENT);
  options = tiny();
  options.n_threads = 257;
  failure.check(nemo_model_synthesize(path.c_str(), &options, failure.out()),
                NEMO_E_INVALID_ARGUMENT);
  options = tiny();
  options.struct_size = 8;
  failure.check(nemo_model_synthesize(path.c_str(), &options, failure.out()), NEMO_E_STRUCT_SIZE);
  options = tiny();
  options.tokenizer_path = "/nowhere";
  failure.check(nemo_model_synthesize(path.c_str(), &options, failure.out()),
                NEMO_E_FILE_NOT_FOUND);
  options = tiny();
  failure.check(nemo_model_synthesize("/nowhere/m", &options, failure.out()), NEMO_E_FILE_WRITE);
  CHECK(std::filesystem::is_empty(folder.path()));
}

TEST_CASE("arguments of nemo_model_quantize") {
  const Silence silence;
  const TempFolder folder;
  const std::string input = model_path("hf/tiny_chat");
  const std::string output = folder.file("m.gguf");
  Failure failure;
  nemo_quantize_options options = NEMO_QUANTIZE_OPTIONS_INIT;
  const auto quantize = [&](const char* from, const char* to) {
    return nemo_model_quantize(from, to, &options, failure.out());
  };
  failure.check(quantize(nullptr, output.c_str()), NEMO_E_INVALID_ARGUMENT);
  failure.check(quantize(input.c_str(), nullptr), NEMO_E_INVALID_ARGUMENT);
  failure.check(quantize("/nowhere", output.c_str()), NEMO_E_FILE_NOT_FOUND);
  failure.check(quantize(input.c_str(), "/nowhere/m"), NEMO_E_FILE_WRITE);
  options.type = "";
  failure.check(quantize(input.c_str(), output.c_str()), NEMO_E_INVALID_ARGUMENT);
  options = NEMO_QUANTIZE_OPTIONS_INIT;
  options.n_threads = 1000;
  failure.check(quantize(input.c_str(), output.c_str()), NEMO_E_INVALID_ARGUMENT);
  options = NEMO_QUANTIZE_OPTIONS_INIT;
  options.struct_size = 0;
  failure.check(quantize(input.c_str(), output.c_str()), NEMO_E_STRUCT_SIZE);
  CHECK(std::filesystem::is_empty(folder.path()));
  CHECK(nemo_model_quantize(input.c_str(), output.c_str(), nullptr, nullptr) == NEMO_OK);
  CHECK(std::filesystem::exists(output));
}

TEST_CASE("a cancelled or throwing callback leaves no file") {
  const Silence silence;
  const TempFolder folder;
  const std::string path = folder.file("m.gguf");
  Failure failure;
  int n_calls = 0;
  nemo_synthesize_options options = tiny();
  options.on_progress = cancel;
  options.progress_user = &n_calls;
  failure.check(nemo_model_synthesize(path.c_str(), &options, failure.out()), NEMO_E_CANCELLED);
  CHECK(n_calls == 1);
  options.on_progress = throws;
  failure.check(nemo_model_synthesize(path.c_str(), &options, failure.out()), NEMO_E_INTERNAL);
  const std::string input = model_path("hf/tiny_chat");
  nemo_quantize_options quantize_options = NEMO_QUANTIZE_OPTIONS_INIT;
  quantize_options.on_progress = cancel;
  quantize_options.progress_user = &n_calls;
  failure.check(nemo_model_quantize(input.c_str(), path.c_str(), &quantize_options, failure.out()),
                NEMO_E_CANCELLED);
  CHECK(n_calls == 2);
  CHECK(std::filesystem::is_empty(folder.path()));
}
