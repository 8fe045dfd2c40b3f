// Weights that stay in their file's mapping: the same bytes as packed ones, for every model and
// type, at every level, however the work is cut and wherever the file lies in memory.
#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "convert/quantize_model.h"
#include "convert/synthesize.h"
#include "golden_case.h"
#include "lib/io/temp_folder.h"

using namespace nemotron;
using namespace nemotron::test;

namespace {

struct Options {
  const kernels::KernelTable* level = &best_kernels();
  WeightAccess weights = WeightAccess::kMapped;
  int n_threads = 2;
  int max_step_rows = 64;
  bool fp8_weight_only = false;
};

std::shared_ptr<Engine> make_engine(const Result<ModelFile>& file, const Options& options) {
  INFO(file.status().message());
  REQUIRE(file.is_ok());
  auto backend = make_cpu_backend({options.n_threads, options.level, options.fp8_weight_only});
  REQUIRE(backend.is_ok());
  EngineOptions engine_options;
  engine_options.max_step_rows = options.max_step_rows;
  engine_options.weights = options.weights;
  auto engine = Engine::create(file.value(), std::move(backend).value(), engine_options, {});
  INFO(engine.status().message());
  REQUIRE(engine.is_ok());
  return std::move(engine).value();
}

Options packed(Options options) {
  options.weights = WeightAccess::kCopied;
  return options;
}

std::vector<std::int32_t> some_tokens(const Engine& engine) {
  std::vector<std::int32_t> tokens(37);
  for (std::size_t i = 0; i < tokens.size(); ++i)
    tokens[i] = static_cast<std::int32_t>((i * i * 31 + 7 * i + 3) %
                                          static_cast<std::size_t>(engine.config().n_vocab));
  return tokens;
}

std::vector<float> logits_of(const std::shared_ptr<Engine>& engine, std::size_t piece = 37) {
  return eval_in_pieces(*make_session(engine), some_tokens(*engine), piece);
}

bool same_bytes(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

// Nothing of the matrices is in memory of our own.
void check_memory(const Engine& mapped, const Engine& copied) {
  CHECK(copied.weights().mapped_bytes == 0);
  CHECK(mapped.weights().mapped_bytes > 0);
  CHECK(mapped.weights().size_bytes < copied.weights().size_bytes);
  std::uint64_t vector_bytes = 0;
  for (const DeviceBuffer& vector : mapped.weights().vectors) vector_bytes += vector.size_bytes();
  CHECK(mapped.weights().size_bytes == vector_bytes);
  CHECK(mapped.fingerprint() == copied.fingerprint());
}

// The models of the goldens, by path.
std::vector<std::string> golden_models() {
  std::vector<std::string> paths;
  for (const std::string& name : golden_names()) paths.push_back(GoldenCase(name).model_path);
  const nlohmann::json relatives = read_json(kModelData + "relatives/index.json");
  for (const auto& one : relatives["cases"])
    paths.push_back(kModelData + "relatives/" + one["model"].get<std::string>());
  std::sort(paths.begin(), paths.end());
  paths.erase(std::unique(paths.begin(), paths.end()), paths.end());
  return paths;
}

void check_model(const std::string& path, const Options& options) {
  INFO(path << " at level " << options.level->name);
  const auto file = open_model(path);
  const auto copied = make_engine(file, packed(options));
  const auto expected = logits_of(copied);
  const auto mapped = make_engine(file, options);
  check_memory(*mapped, *copied);
  CHECK(same_bytes(logits_of(mapped), expected));
  CHECK(same_bytes(logits_of(mapped, 1), expected));
}

}  // namespace

TEST_CASE("mapped: every model gives the bytes of packed weights, at every level") {
  Options options;
  options.level = GENERATE(from_range(all_levels()));
  for (const std::string& path : golden_models()) check_model(path, options);
}

TEST_CASE("mapped: so does every type of file that is written here") {
  const TempFolder folder;
  SynthesizeOptions synthesize_options;
  synthesize_options.shape = "tiny";
  synthesize_options.type = "bf16";
  REQUIRE(synthesize(folder.file("m"), synthesize_options).is_ok());
  for (const char* type : {"f32", "f16", "bf16", "q8_0", "q5_0", "q5_1", "q4_0", "q4_1", "q6_k",
                           "q5_k_m", "q4_k_m", "q3_k_m", "q2_k", "iq4_nl", "iq4_xs", "fp8"}) {
    QuantizeOptions quantize;
    quantize.type = type;
    const Status status = quantize_model(folder.file("m"), folder.file(type), quantize);
    INFO(status.message());
    REQUIRE(status.is_ok());
    for (const kernels::KernelTable* level : all_levels()) {
      Options options;
      options.level = level;
      check_model(folder.file(type), options);
      options.fp8_weight_only = true;
      if (std::string(type) == "fp8") check_model(folder.file(type), options);
    }
  }
}

TEST_CASE("mapped: neither threads, nor rows per step, nor the split change a byte") {
  for (const char* name : {"gguf/four_groups_p80.q8_0.gguf", "relatives/types.q4_k_m.gguf",
                           "relatives/types_fp8", "gguf/mixed.gguf"}) {
    const auto file = open_model(kModelData + name);
    const auto expected = logits_of(make_engine(file, packed({})));
    for (const int n_threads : {1, 3, 7}) {
      for (const int max_step_rows : {1, 5, 64}) {
        Options options;
        options.n_threads = n_threads;
        options.max_step_rows = max_step_rows;
        const auto engine = make_engine(file, options);
        INFO(name << " with " << n_threads << " threads, " << max_step_rows << " rows");
        CHECK(same_bytes(logits_of(engine), expected));
        CHECK(same_bytes(logits_of(engine, 7), expected));
      }
    }
  }
}

TEST_CASE("mapped: where a file begins in memory changes no byte") {
  const std::string path = GENERATE(from_range(golden_models()));
  std::vector<std::string> names = {path};
  if (std::filesystem::is_directory(path)) {
    names.clear();
    for (const auto& entry : std::filesystem::directory_iterator(path))
      names.push_back(entry.path().string());
  }
  const auto expected = logits_of(make_engine(open_model(path), packed({})));
  for (const std::size_t shift : {0, 1, 3}) {
    std::vector<std::vector<char>> contents;
    std::vector<NamedBytes> files;
    for (const std::string& name : names) {
      std::ifstream in(name, std::ios::binary);
      auto& bytes = contents.emplace_back(shift, '\xff');
      bytes.insert(bytes.end(), std::istreambuf_iterator<char>(in), {});
      files.push_back({std::filesystem::path(name).filename().string(),
                       std::as_bytes(std::span(bytes)).subspan(shift)});
    }
    INFO(path << " shifted by " << shift);
    for (const kernels::KernelTable* level : all_levels()) {
      if (level != &best_kernels() && shift != 1) continue;
      Options options;
      options.level = level;
      const auto engine = make_engine(open_model_from_memory(files), options);
      const auto copied = make_engine(open_model(path), packed(options));
      check_memory(*engine, *copied);
      CHECK(same_bytes(logits_of(engine), level == &best_kernels() ? expected : logits_of(copied)));
    }
  }
}

// A header may be padded with any number of spaces, so tensors may begin anywhere.
TEST_CASE("mapped: tensors of a safetensors file at odd offsets") {
  const std::string model = kModelData + GENERATE("hf/four_groups_p80", "relatives/types_fp8");
  const auto expected = logits_of(make_engine(open_model(model), packed({})));
  for (const std::uint64_t n_spaces : {1, 2, 5}) {
    const TempFolder folder;
    std::filesystem::copy(model, folder.path());
    std::ifstream in(model + "/model.safetensors", std::ios::binary);
    std::string bytes(std::istreambuf_iterator<char>(in), {});
    std::uint64_t header = 0;
    std::memcpy(&header, bytes.data(), sizeof header);
    bytes.insert(8 + header, n_spaces, ' ');
    header += n_spaces;
    std::memcpy(bytes.data(), &header, sizeof header);
    folder.write("model.safetensors", bytes);
    INFO(model << " with " << n_spaces << " spaces");
    const auto engine = make_engine(open_model(folder.path()), {});
    std::filesystem::remove(folder.file("model.safetensors"));  // mapped, it needs no name
    CHECK(same_bytes(logits_of(engine), expected));
  }
}

TEST_CASE("mapped: a file that was cut is reported before anything is used") {
  const TempFolder folder;
  const std::string path = folder.file("m.gguf");
  std::filesystem::copy(kModelData + "gguf/mixed.gguf", path);
  const auto file = open_model(path);
  REQUIRE(file.is_ok());
  std::filesystem::resize_file(path, std::filesystem::file_size(path) - 1);
  auto backend = make_cpu_backend({1, &best_kernels()});
  EngineOptions options;
  options.weights = WeightAccess::kMapped;
  const Status status =
      Engine::create(file.value(), std::move(backend).value(), options, {}).status();
  CHECK(status.code() == StatusCode::kFileChanged);
}
