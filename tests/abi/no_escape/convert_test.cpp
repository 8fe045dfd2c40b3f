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
  options = NEMO_QUANTIZE_OPTIONS_INIT;
  options.imatrix_path = "/nowhere";
  failure.check(quantize(input.c_str(), output.c_str()), NEMO_E_FILE_NOT_FOUND);
  options.imatrix_path = input.c_str();  // a folder
  failure.check(quantize(input.c_str(), output.c_str()), NEMO_E_FILE_READ);
  options = NEMO_QUANTIZE_OPTIONS_INIT;
  options.tokenizer_path = "/nowhere";
  options.type = "fp8";
  failure.check(quantize(input.c_str(), output.c_str()), NEMO_E_FILE_NOT_FOUND);
  CHECK(std::filesystem::is_empty(folder.path()));
  CHECK(nemo_model_quantize(input.c_str(), output.c_str(), nullptr, nullptr) == NEMO_OK);
  CHECK(std::filesystem::exists(output));
}

// Of the release before it had an importance matrix.
TEST_CASE("a shorter nemo_quantize_options is taken") {
  const Silence silence;
  const TempFolder folder;
  const std::string output = folder.file("m.gguf");
  Failure failure;
  nemo_quantize_options options = NEMO_QUANTIZE_OPTIONS_INIT;
  options.type = "q8_0";
  options.struct_size = offsetof(nemo_quantize_options, imatrix_path);
  options.imatrix_path = reinterpret_cast<const char*>(1);  // not part of it
  CHECK(nemo_model_quantize(model_path("hf/tiny_chat").c_str(), output.c_str(), &options,
                            failure.out()) == NEMO_OK);
  options.struct_size -= 1;
  failure.check(nemo_model_quantize(model_path("hf/tiny_chat").c_str(), output.c_str(), &options,
                                    failure.out()),
                NEMO_E_STRUCT_SIZE);
}

TEST_CASE("arguments of nemo_model_imatrix") {
  const Silence silence;
  const TempFolder folder;
  const std::string model = model_path("hf/tiny_chat");
  const std::string text = folder.write("text", "The quick brown fox jumps over the lazy dog.");
  const std::string empty = folder.write("empty", "");
  const std::string output = folder.file("imatrix.gguf");
  Failure failure;
  nemo_imatrix_options options = NEMO_IMATRIX_OPTIONS_INIT;
  const auto make = [&](const char* from, const char* with, const char* to) {
    return nemo_model_imatrix(from, with, to, &options, failure.out());
  };
  failure.check(make(nullptr, text.c_str(), output.c_str()), NEMO_E_INVALID_ARGUMENT);
  failure.check(make(model.c_str(), nullptr, output.c_str()), NEMO_E_INVALID_ARGUMENT);
  failure.check(make(model.c_str(), text.c_str(), nullptr), NEMO_E_INVALID_ARGUMENT);
  failure.check(make("/nowhere", text.c_str(), output.c_str()), NEMO_E_FILE_NOT_FOUND);
  failure.check(make(model.c_str(), "/nowhere", output.c_str()), NEMO_E_FILE_NOT_FOUND);
  failure.check(make(model.c_str(), empty.c_str(), output.c_str()), NEMO_E_INVALID_ARGUMENT);
  failure.check(make(model.c_str(), text.c_str(), "/nowhere/m"), NEMO_E_FILE_WRITE);
  failure.check(make(model_path("hf/two_groups_p24").c_str(), text.c_str(), output.c_str()),
                NEMO_E_STATE);
  const auto refused = [&](auto member, std::uint32_t value, nemo_status expected) {
    options = NEMO_IMATRIX_OPTIONS_INIT;
    options.*member = value;
    failure.check(make(model.c_str(), text.c_str(), output.c_str()), expected);
  };
  refused(&nemo_imatrix_options::n_threads, 257, NEMO_E_INVALID_ARGUMENT);
  refused(&nemo_imatrix_options::isa, 99, NEMO_E_INVALID_ARGUMENT);
  refused(&nemo_imatrix_options::chunk_tokens, 32769, NEMO_E_INVALID_ARGUMENT);
  refused(&nemo_imatrix_options::reserved, 1, NEMO_E_INVALID_ARGUMENT);
  refused(&nemo_imatrix_options::struct_size, 0, NEMO_E_STRUCT_SIZE);
  int n_calls = 0;
  options = NEMO_IMATRIX_OPTIONS_INIT;
  options.on_progress = cancel;
  options.progress_user = &n_calls;
  failure.check(make(model.c_str(), text.c_str(), output.c_str()), NEMO_E_CANCELLED);
  CHECK(n_calls == 1);
  options.on_progress = throws;
  failure.check(make(model.c_str(), text.c_str(), output.c_str()), NEMO_E_INTERNAL);
  CHECK_FALSE(std::filesystem::exists(output));
  CHECK(nemo_model_imatrix(model.c_str(), text.c_str(), output.c_str(), nullptr, nullptr) ==
        NEMO_OK);
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
