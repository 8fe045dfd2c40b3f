// Synthesized models open as what they claim to be, and are the same for any number of threads.
#include "convert/synthesize.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>

#include "base/float_types.h"
#include "formats/open_model.h"
#include "io/paths.h"
#include "lib/io/temp_folder.h"
#include "safetensors/safetensors.h"
#include "tokenizer/tokenizer.h"

using namespace nemotron;

namespace {

SynthesizeOptions tiny(const std::string& type) {
  SynthesizeOptions options;
  options.shape = "tiny";
  options.type = type;
  options.seed = 5;
  options.n_threads = 2;
  return options;
}

std::string content(const std::string& path) {
  return read_all(*open_file(path).value(), 64 << 20).value();
}

struct Moments {
  double mean = 0;
  double deviation = 0;
};

Moments moments(const ModelFile& file, TensorRole role, int layer) {
  const TensorEntry& entry = *file.lookup(role, layer);
  std::vector<float> values(entry.n_elements());
  REQUIRE(file.read_f32(entry, values).is_ok());
  double sum = 0, squares = 0;
  for (const float value : values) {
    sum += value;
    squares += double{value} * value;
  }
  const auto n = static_cast<double>(values.size());
  return {sum / n, std::sqrt(squares / n)};
}

}  // namespace

TEST_CASE("a synthesized model opens, and its weights have their scale") {
  const std::string type = GENERATE("q4_k_m", "q8_0", "q4_0", "bf16");
  const TempFolder folder;
  const std::string path = folder.file("m");
  REQUIRE(synthesize(path, tiny(type)).is_ok());
  const auto file = open_model(path);
  INFO(type << ": " << file.status().message());
  REQUIRE(file.is_ok());
  CHECK(file->config().layer_pattern() == "M-M*-M-M*-M-M-M-");
  CHECK(file->config().max_context == 4096);
  CHECK_FALSE(file->tokenizer().has_tokenizer());
  for (int layer = 0; layer < 2; ++layer) {
    const TensorRole role = layer == 0 ? TensorRole::in_proj : TensorRole::down_proj;
    const double expected = 1 / std::sqrt(layer == 0 ? 288.0 : 512.0);
    const Moments found = moments(file.value(), role, layer);
    INFO(type << ", layer " << layer << ": mean " << found.mean << ", std " << found.deviation);
    CHECK(std::abs(found.mean) < 0.02 * expected);
    CHECK(std::abs(found.deviation - expected) < 0.02 * expected);
  }
  const Moments A = moments(file.value(), TensorRole::A, 0);
  CHECK((file->stores_A_log() ? A.mean > 0 : A.mean < -1));
}

TEST_CASE("the file is a function of the seed, not of the threads") {
  const std::string type = GENERATE("q4_k_m", "bf16", "fp8");
  const std::string name = type == "q4_k_m" ? "" : "/model.safetensors";
  const TempFolder folder;
  SynthesizeOptions options = tiny(type);
  REQUIRE(synthesize(folder.file("two"), options).is_ok());
  options.n_threads = 1;
  REQUIRE(synthesize(folder.file("one"), options).is_ok());
  options.seed = 6;
  REQUIRE(synthesize(folder.file("other"), options).is_ok());
  const std::string expected = content(folder.file("two" + name));
  CHECK((expected == content(folder.file("one" + name))));
  CHECK((expected != content(folder.file("other" + name))));
}

TEST_CASE("FP8 has scales beside its narrow weights, and says what is not narrow") {
  const TempFolder folder;
  REQUIRE(synthesize(folder.file("m"), tiny("fp8")).is_ok());
  const auto source = open_file(folder.file("m/model.safetensors"));
  const auto table = read_safetensors(*source.value());
  REQUIRE(table.is_ok());
  std::map<std::string, TensorEntry> by_name;
  for (const TensorEntry& entry : table.value()) by_name[entry.name] = entry;
  const std::string module = "backbone.layers.0.mixer.in_proj";
  CHECK(by_name[module + ".weight"].type == TensorType::kF8_E4M3);
  float scale = 0;
  REQUIRE(source.value()
              ->read_at(by_name[module + ".weight_scale"].offset_bytes,
                        std::as_writable_bytes(std::span(&scale, 1)))
              .is_ok());
  std::vector<std::byte> bytes(by_name[module + ".weight"].size_bytes);
  REQUIRE(source.value()->read_at(by_name[module + ".weight"].offset_bytes, bytes).is_ok());
  double squares = 0;
  for (const std::byte byte : bytes) {
    const double value = double{f8_e4m3_to_float(static_cast<f8_e4m3_bits>(byte))} * scale;
    squares += value * value;
  }
  CHECK(std::sqrt(squares / static_cast<double>(bytes.size())) ==
        Approx(1 / std::sqrt(288.0)).epsilon(0.03));
  CHECK(by_name[module + ".input_scale"].type == TensorType::kF32);
  // The Mamba-2 layer before attention stays as it is.
  CHECK(by_name["backbone.layers.2.mixer.in_proj.weight"].type == TensorType::kBF16);
  const auto config = nlohmann::json::parse(content(folder.file("m/hf_quant_config.json")));
  const auto excluded = config["quantization"]["exclude_modules"].get<std::vector<std::string>>();
  for (const TensorEntry& entry : table.value()) {
    if (!entry.name.ends_with("proj.weight")) continue;
    const std::string name = entry.name.substr(0, entry.name.size() - 7);
    const bool is_excluded = std::find(excluded.begin(), excluded.end(), name) != excluded.end();
    CHECK(is_excluded == (entry.type == TensorType::kBF16));
  }
}

TEST_CASE("large safetensors are cut into shards with an index") {
  const TempFolder folder;
  SynthesizeOptions options = tiny("bf16");
  options.shard_limits = {1 << 20, 2 << 20};
  REQUIRE(synthesize(folder.file("m"), options).is_ok());
  REQUIRE(synthesize(folder.file("single"), tiny("bf16")).is_ok());
  const auto index = nlohmann::json::parse(content(folder.file("m/model.safetensors.index.json")));
  const auto single = open_file(folder.file("single/model.safetensors"));
  const auto expected = read_safetensors(*single.value());
  std::uint64_t total = 0;
  CHECK(index["weight_map"].size() == expected->size());
  for (const TensorEntry& entry : expected.value()) {
    const auto shard =
        open_file(folder.file("m/" + index["weight_map"][entry.name].get<std::string>()));
    REQUIRE(shard.is_ok());
    CHECK(shard.value()->size_bytes() < (2 << 20) + (1 << 20));
    const auto table = read_safetensors(*shard.value());
    const auto found = std::find_if(table->begin(), table->end(),
                                    [&](const TensorEntry& e) { return e.name == entry.name; });
    REQUIRE(found != table->end());
    std::vector<std::byte> a(entry.size_bytes), b(found->size_bytes);
    REQUIRE(single.value()->read_at(entry.offset_bytes, a).is_ok());
    REQUIRE(shard.value()->read_at(found->offset_bytes, b).is_ok());
    CHECK((a == b));
    total += entry.size_bytes;
  }
  CHECK(index["metadata"]["total_size"] == total);
  CHECK(is_regular_file(folder.file("m/model-00001-of-00005.safetensors")));
}

TEST_CASE("a tokenizer comes along from another model") {
  const TempFolder folder;
  const std::string from = std::string(NEMO_TEST_SOURCE_DIR) + "/data/model/hf/tiny_chat";
  const std::string gguf = std::string(NEMO_TEST_SOURCE_DIR) + "/data/model/gguf/tiny_chat.gguf";
  SynthesizeOptions options = tiny("q8_0");
  for (const std::string& source : {from, gguf}) {
    options.tokenizer_path = source;
    REQUIRE(synthesize(folder.file("q8"), options).is_ok());
    const auto file = open_model(folder.file("q8"));
    REQUIRE(file.is_ok());
    REQUIRE(file->tokenizer().vocabulary.has_value());
    const auto original = open_model(gguf);
    const auto& tokens = original->tokenizer().vocabulary->tokens;
    const auto& found = file->tokenizer().vocabulary->tokens;
    REQUIRE(found.size() >= tokens.size());
    CHECK((std::vector<std::string>(found.begin(), found.begin() + 20) ==
           std::vector<std::string>(tokens.begin(), tokens.begin() + 20)));
    CHECK(Tokenizer::from_vocabulary(VocabularyData(*file->tokenizer().vocabulary)).is_ok());
  }
  options = tiny("bf16");
  options.tokenizer_path = from;
  REQUIRE(synthesize(folder.file("bf16"), options).is_ok());
  CHECK((content(folder.file("bf16/tokenizer.json")) == content(from + "/tokenizer.json")));
  options.tokenizer_path = gguf;
  CHECK(synthesize(folder.file("no"), options).code() == StatusCode::kUnsupportedFormat);
  for (const char* type : {"bf16", "q8_0"}) {  // 8192 tokens, for a vocabulary of 1024
    options = tiny(type);
    options.tokenizer_path = std::string(NEMO_SOURCE_DIR) + "/examples/demo-model";
    CHECK(synthesize(folder.file("no"), options).code() == StatusCode::kConfigMismatch);
  }
  options.tokenizer_path = folder.file("nothing");
  CHECK(synthesize(folder.file("no"), options).code() == StatusCode::kFileNotFound);
}

TEST_CASE("what is not done leaves nothing") {
  const std::string type = GENERATE("q4_0", "fp8");
  const TempFolder folder;
  SynthesizeOptions options = tiny(type);
  int n_calls = 0;
  std::uint64_t last = 0;
  options.progress = [&](std::uint64_t done, std::uint64_t total) {
    CHECK(done > last);
    CHECK(done <= total);
    last = done;
    return ++n_calls == 1 ? 1 : 0;
  };
  CHECK(synthesize(folder.file("m"), options).code() == StatusCode::kCancelled);
  CHECK(n_calls == 1);
  CHECK(list_directory(folder.path()).value().empty());
  n_calls = 1;
  last = 0;
  CHECK(synthesize(folder.file("m"), options).is_ok());
  CHECK(n_calls > 2);
}

TEST_CASE("wishes that cannot be met") {
  const TempFolder folder;
  SynthesizeOptions options = tiny("q9");
  CHECK(synthesize(folder.file("m"), options).code() == StatusCode::kInvalidArgument);
  options = tiny("q2_k");
  CHECK(synthesize(folder.file("m"), options).code() == StatusCode::kInvalidArgument);
  options = tiny("q8_0");
  options.shape = "5b";
  CHECK(synthesize(folder.file("m"), options).code() == StatusCode::kInvalidArgument);
  CHECK(synthesize(folder.file("no/m"), tiny("q8_0")).code() == StatusCode::kFileWrite);
  CHECK(list_directory(folder.path()).value().empty());
}
