// Disks and limits that fail while model files are made. What is made appears whole or not at all,
// a file that was there stays, and nothing is left beside it.
#include <catch2/catch.hpp>

#include "file_faults.h"
#include "file_fixture.h"

using namespace fault;

namespace {

// Names and bytes of all files.
std::string contents_of(const std::string& folder) {
  std::string out = names_in(folder);
  std::vector<std::string> paths;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder))
    if (entry.is_regular_file()) paths.push_back(entry.path().string());
  std::sort(paths.begin(), paths.end());
  for (const std::string& path : paths) out += content(path);
  return out;
}

// `make` writes `name` in the folder that it is given. What it makes may be there already behind a
// failure, when only the sync of the folder failed.
int check_making(const char* name, bool replaces,
                 const std::function<nemo_status(const std::string& path, nemo_error* err)>& make,
                 Faults which = Faults::kAll) {
  std::string made;
  const auto attempting = [&](const Armed& armed) {
    const QuickFolder folder;
    if (replaces) folder.write(name, "old");
    const std::string before = contents_of(folder.path());
    Attempt attempt;
    armed([&] { attempt.status = make(folder.file(name), &attempt.error); });
    std::string found = contents_of(folder.path());
    if (attempt.status == NEMO_OK) {
      if (made.empty()) made = found;
      attempt.outcome = std::move(found);
    } else if (found != before && found != made) {
      attempt.wrong = "something is left";
    }
    return attempt;
  };
  return check_each_fault(attempting, which);
}

int check_quantize(const std::string& input, const char* output, const char* type,
                   const std::string& imatrix = {}, Faults which = Faults::kAll) {
  nemo_quantize_options options = NEMO_QUANTIZE_OPTIONS_INIT;
  options.type = type;
  options.n_threads = 1;
  if (!imatrix.empty()) options.imatrix_path = imatrix.c_str();
  const bool is_folder = std::string_view(output).ends_with('/') || std::string_view(type) == "fp8";
  const auto make = [&](const std::string& path, nemo_error* err) {
    return nemo_model_quantize(input.c_str(), path.c_str(), &options, err);
  };
  return check_making(output, !is_folder, make, which);
}

}  // namespace

TEST_CASE("files fail while a model is quantized to a file") {
  CHECK(check_quantize(data_path("model/hf/tiny_chat"), "out", "q8_0") > 100);
}

TEST_CASE("files fail while a model is quantized with an importance matrix") {
  const QuickFolder folder;
  const std::string model = data_path("model/hf/tiny_chat");
  const std::string text = folder.write("text", "Some words to run the model over.");
  const std::string matrix = folder.file("matrix");
  REQUIRE(nemo_model_imatrix(model.c_str(), text.c_str(), matrix.c_str(), nullptr, nullptr) ==
          NEMO_OK);
  CHECK(check_quantize(model, "out", "q4_0", matrix, Faults::kOneOfEachCall) > 30);
}

TEST_CASE("files fail while a folder is made") {
  const QuickFolder model;
  std::filesystem::copy(data_path("model/hf/tiny_chat"), model.path(),
                        std::filesystem::copy_options::recursive);
  model.write("LICENSE", "to be copied");
  model.write("special_tokens_map.json", "{}");
  CHECK(check_quantize(model.path(), "out/", "bf16") > 100);
}

TEST_CASE("files fail while a model is synthesized with another's tokenizer") {
  const QuickFolder tokenizer;
  std::filesystem::copy(data_path("model/hf/tiny_chat/tokenizer.json"),
                        tokenizer.file("tokenizer.json"));
  tokenizer.write("tokenizer_config.json", "{}");
  tokenizer.write("chat_template.jinja", "{{ messages }}");
  nemo_synthesize_options options = NEMO_SYNTHESIZE_OPTIONS_INIT;
  options.shape = "tiny";
  options.n_threads = 1;
  options.type = "q8_0";
  options.tokenizer_path = tokenizer.path().c_str();
  const auto make = [&](const std::string& path, nemo_error* err) {
    return nemo_model_synthesize(path.c_str(), &options, err);
  };
  CHECK(check_making("out", true, make, Faults::kOneOfEachCall) > 30);
}

TEST_CASE("files fail while an importance matrix is made") {
  const QuickFolder folder;
  const std::string text = folder.write("text", "Some words to run the model over, and some more.");
  const std::string model = data_path("model/hf/tiny_chat");
  nemo_imatrix_options options = NEMO_IMATRIX_OPTIONS_INIT;
  options.n_threads = 1;
  options.isa = NEMO_ISA_REF;
  CHECK(check_making("out", true, [&](const std::string& path, nemo_error* err) {
          return nemo_model_imatrix(model.c_str(), text.c_str(), path.c_str(), &options, err);
        }) > 100);
}

TEST_CASE("memory runs out while a folder is made") {
  const QuickFolder folder;
  const std::string model = data_path("model/hf/tiny_chat");
  const std::string output = folder.file("out/");
  nemo_quantize_options options = NEMO_QUANTIZE_OPTIONS_INIT;
  options.type = "bf16";
  options.n_threads = 1;
  bool has_failed = true;
  for (int n = 0; has_failed; n += 5) {
    const std::int64_t n_files = n_open_files();
    fail_after(n, Failing::kUntilStopped);
    const nemo_status status =
        nemo_model_quantize(model.c_str(), output.c_str(), &options, nullptr);
    has_failed = stop_failing();
    INFO("allocation " << n);
    CHECK(status == (has_failed ? NEMO_E_OUT_OF_MEMORY : NEMO_OK));
    CHECK(n_open_files() == n_files);
    CHECK(names_in(folder.path()).empty() == has_failed);
  }
}
