// A model as a folder with safetensors: FP8 by what ModelOpt's recipe says, computed in numpy
// (tests/data/convert/make_fp8_golden.py), and BF16.
#include "convert/quantize_to_folder.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "formats/open_model.h"
#include "io/paths.h"
#include "safetensors/safetensors.h"
#include "src/convert/convert_fixture.h"

using namespace nemotron;
using namespace nemotron::test;

namespace {

const std::string& inputs_path() {
  static const std::string path = data_path("convert/tiny_inputs.imatrix.gguf");
  return path;
}

// "F8_E4M3 [1104, 288] 0a1b2c3d", as the golden has it.
std::string describe(const DataSource& source, const TensorEntry& entry) {
  std::vector<std::byte> bytes(entry.size_bytes);
  REQUIRE(source.read_at(entry.offset_bytes, bytes).is_ok());
  char crc[16];
  std::snprintf(crc, sizeof crc, "%08x", crc32(bytes));
  return std::string(traits(entry.type).name) + " " + shape_text(entry.dims()) + " " + crc;
}

void check_tensors(const std::string& folder, const nlohmann::json& expected) {
  const auto source = open_file(folder + "/model.safetensors");
  REQUIRE(source.is_ok());
  const auto table = read_safetensors(*source.value());
  REQUIRE(table.is_ok());
  CHECK(table->size() == expected.size());
  for (const TensorEntry& entry : table.value()) {
    INFO(entry.name);
    REQUIRE(expected.contains(entry.name));
    CHECK(describe(*source.value(), entry) == expected[entry.name].get<std::string>());
  }
}

nlohmann::json fp8_golden() {
  return nlohmann::json::parse(content(data_path("convert/fp8.json")));
}

// [0.0, Infinity] of time_step_limit as something that can be parsed.
std::string without_infinity(std::string text) {
  const std::size_t at = std::min(text.find("Infinity\n"), text.find("Infinity]"));
  REQUIRE(at != std::string::npos);
  return text.replace(at, 8, "\"inf\"");
}

nlohmann::json json_file(const std::string& path) { return nlohmann::json::parse(content(path)); }

}  // namespace

TEST_CASE("FP8 has the tensors and the bytes of ModelOpt's recipe") {
  const TempFolder folder;
  const std::string out = folder.file("fp8");
  REQUIRE(quantize_to(tiny_folder(), out, "fp8", 2, inputs_path()).is_ok());
  check_tensors(out, fp8_golden());
  const auto config = json_file(out + "/config.json")["quantization_config"];
  CHECK(config["quant_method"] == "modelopt");
  CHECK(config["quant_algo"] == "FP8");
  const auto quantization = json_file(out + "/hf_quant_config.json")["quantization"];
  CHECK(quantization["quant_algo"] == "FP8");
  CHECK(quantization["exclude_modules"] == config["ignore"]);
  for (const char* module :
       {"lm_head", "backbone.layers.2.mixer.in_proj", "backbone.layers.2.mixer.out_proj",
        "backbone.layers.3.mixer.q_proj", "backbone.layers.0.mixer.conv1d"})
    CHECK(std::ranges::count(config["ignore"], module) == 1);
  CHECK(std::ranges::count(config["ignore"], "backbone.layers.0.mixer.in_proj") == 0);

  const auto model = open_model(out);
  INFO(model.status().message());
  REQUIRE(model.is_ok());
  CHECK(model->scales(TensorRole::up_proj, 1).input > 0.0f);
  const auto source = open_model(tiny_folder());
  for (const TensorRole role : {TensorRole::up_proj, TensorRole::down_proj}) {
    const auto stored = values_of(model.value(), role, 1);
    const auto weights = values_of(source.value(), role, 1);
    const float scale = model->scales(role, 1).weight;
    double error = 0, norm = 0;
    for (std::size_t i = 0; i < weights.size(); ++i) {
      error += std::pow(double{stored[i]} * scale - weights[i], 2);
      norm += std::pow(double{weights[i]}, 2);
    }
    CHECK(error < 0.03 * 0.03 * norm);  // three bits after the point
    CHECK(error > 0);
  }
}

TEST_CASE("FP8 is the same for any number of threads, and again from FP8") {
  const TempFolder folder;
  REQUIRE(quantize_to(tiny_folder(), folder.file("a"), "fp8", 1, inputs_path()).is_ok());
  REQUIRE(quantize_to(tiny_folder(), folder.file("b"), "fp8", 3, inputs_path()).is_ok());
  REQUIRE(quantize_to(folder.file("a"), folder.file("c"), "fp8", 2).is_ok());
  for (const auto& name : list_directory(folder.file("a")).value()) {
    INFO(name);
    CHECK((content(folder.file("a") + "/" + name) == content(folder.file("b") + "/" + name)));
    CHECK((content(folder.file("a") + "/" + name) == content(folder.file("c") + "/" + name)));
  }
}

TEST_CASE("FP8 from a GGUF is FP8 from its source") {
  const TempFolder folder;
  REQUIRE(quantize_to(tiny_folder(), folder.file("bf16.gguf"), "bf16").is_ok());
  REQUIRE(quantize_to(folder.file("bf16.gguf"), folder.file("x"), "fp8", 2, inputs_path()).is_ok());
  check_tensors(folder.file("x"), fp8_golden());
}

TEST_CASE("without input scales, weights alone are FP8, and the configuration says so") {
  const TempFolder folder;
  REQUIRE(quantize_to(tiny_folder(), folder.file("x"), "fp8").is_ok());
  nlohmann::json expected;
  const nlohmann::json golden = fp8_golden();
  for (const auto& [name, text] : golden.items())
    if (!name.ends_with(".input_scale")) expected[name] = text;
  check_tensors(folder.file("x"), expected);
  CHECK_FALSE(is_regular_file(folder.file("x") + "/hf_quant_config.json"));
  const auto config = json_file(folder.file("x") + "/config.json")["quantization_config"];
  CHECK(config["quant_method"] == "compressed-tensors");
  CHECK(config["config_groups"]["group_0"]["input_activations"].is_null());
  const auto model = open_model(folder.file("x"));
  INFO(model.status().message());
  REQUIRE(model.is_ok());
  CHECK(model->scales(TensorRole::up_proj, 1).input == 0.0f);
  CHECK(model->scales(TensorRole::up_proj, 1).weight > 0.0f);
}

TEST_CASE("BF16 into a folder is what was there, from safetensors and from GGUF") {
  const TempFolder folder;
  REQUIRE(quantize_to(tiny_folder(), folder.file("gguf"), "bf16").is_ok());
  REQUIRE(quantize_to(tiny_folder(), folder.file("a/"), "bf16").is_ok());
  REQUIRE(quantize_to(folder.file("gguf"), folder.file("b") + "//", "bf16").is_ok());
  const std::string expected = content(tiny_folder() + "/model.safetensors");
  CHECK((content(folder.file("a/model.safetensors")) == expected));
  CHECK((content(folder.file("b/model.safetensors")) == expected));
  CHECK(json_file(folder.file("a/config.json")) == json_file(tiny_folder() + "/config.json"));
}

TEST_CASE("what belongs to a checkpoint comes along") {
  const TempFolder folder;
  const std::string input = folder.file("in");
  std::filesystem::copy(data_path("model/hf/tiny_chat"), input);
  // Python's "Infinity" stands in it, which is no JSON.
  const std::string original = content(input + "/config.json");
  CHECK(original.find("Infinity") != std::string::npos);
  auto config = nlohmann::json::parse(without_infinity(original));
  config["auto_map"] = {{"AutoConfig", "configuration_nemotron_h.NemotronHConfig"}};
  config["quantization_config"] = {{"quant_method", "none of ours"}};
  config["a note"] = "NaN \" Infinity";
  std::string text = config.dump();
  text.replace(text.find("\"inf\""), 5, "Infinity");
  folder.write("in/config.json", text);
  folder.write("in/configuration_nemotron_h.py", "class NemotronHConfig: pass\n");
  folder.write("in/generation_config.json", R"({"temperature": 0.6, "eos_token_id": [2, 11]})");
  folder.write("in/holiday.jpg", "not of the model");
  REQUIRE(quantize_to(input, folder.file("out"), "fp8").is_ok());
  auto found = nlohmann::json::parse(without_infinity(content(folder.file("out/config.json"))));
  CHECK(found["quantization_config"]["quant_method"] == "compressed-tensors");
  found["quantization_config"] = config["quantization_config"];
  CHECK(found == config);
  for (const char* name :
       {"configuration_nemotron_h.py", "generation_config.json", "tokenizer.json"}) {
    INFO(name);
    CHECK((content(folder.file("out/") + name) == content(input + "/" + name)));
  }
  CHECK_FALSE(is_regular_file(folder.file("out/holiday.jpg")));
  const auto model = open_model(folder.file("out"));
  REQUIRE(model.is_ok());
  CHECK(model->tokenizer().has_tokenizer());
}

TEST_CASE("what cannot become a folder") {
  const TempFolder folder;
  const std::string out = folder.file("x");
  const std::string gguf = data_path("model/gguf/tiny_chat.gguf");
  CHECK(quantize_to(gguf, out, "fp8").code() == StatusCode::kUnsupportedFormat);
  QuantizeOptions options;
  options.type = "fp8";
  options.tokenizer_path = data_path("model/hf/tiny_chat");
  CHECK(quantize_model(gguf, folder.file("with_tokenizer"), options).is_ok());
  CHECK(is_regular_file(folder.file("with_tokenizer/tokenizer.json")));

  const Status status =
      quantize_to(tiny_folder(), out, "fp8", 2, data_path("convert/tiny.imatrix.gguf"));
  CHECK(status.code() == StatusCode::kConfigMismatch);
  CHECK(status.message().find("how large the inputs of 'blk.") != std::string::npos);
  CHECK(quantize_to(tiny_folder(), folder.file("no/x"), "fp8").code() == StatusCode::kFileWrite);
  CHECK(quantize_to(tiny_folder(), folder.path(), "fp8").code() == StatusCode::kFileWrite);
  options = {};
  options.type = "fp8";
  for (const int limit : {1, 3}) {  // while it looks for scales, and while it writes
    int n_calls = 0;
    options.progress = [&](std::uint64_t done, std::uint64_t total) {
      CHECK(done <= total);
      return ++n_calls >= limit ? 1 : 0;
    };
    CHECK(quantize_model(tiny_folder(), out, options).code() == StatusCode::kCancelled);
  }
  CHECK_FALSE(is_directory(out));
  CHECK(list_directory(folder.path()).value() == std::vector<std::string>{"with_tokenizer"});
}
