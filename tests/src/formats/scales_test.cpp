// The scales of a static FP8 checkpoint: read, and refused where they cannot be meant.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstring>
#include <limits>

#include "src/formats/tiny_models.h"

using namespace nemotron;

namespace {

constexpr const char* kWeights = "model.safetensors";
constexpr const char* kStem = "backbone.layers.0.mixer.in_proj.";

std::vector<NamedText> fp8_files() {
  const std::string folder = std::string(NEMO_TEST_SOURCE_DIR) + "/data/model/relatives/types_fp8/";
  std::vector<NamedText> files;
  for (const char* name : {kWeights, "config.json", "hf_quant_config.json"}) {
    const auto source = open_file(folder + name);
    REQUIRE(source.is_ok());
    files.push_back({name, read_all(*source.value(), 1 << 20).value()});
  }
  return files;
}

// The value of one F32 tensor.
void set_scale(std::vector<NamedText>& files, const std::string& name, float value) {
  std::uint64_t offset = 0;
  {
    const auto file = open_from_memory(files);
    REQUIRE(file.is_ok());
    offset = std::ranges::find(file->table(), name, &TensorEntry::name)->offset_bytes;
  }
  std::memcpy(files[0].bytes.data() + offset, &value, sizeof value);
}

}  // namespace

TEST_CASE("the scales of an FP8 checkpoint belong to its FP8 matrices") {
  auto files = fp8_files();
  set_scale(files, std::string(kStem) + "weight_scale", 0.25f);
  set_scale(files, std::string(kStem) + "input_scale", 3.0f);
  const auto file = open_from_memory(files);
  INFO(file.status().message());
  REQUIRE(file.is_ok());
  CHECK(file->lookup(TensorRole::in_proj, 0)->type == TensorType::kF8_E4M3);
  CHECK(file->scales(TensorRole::in_proj, 0).weight == 0.25f);
  CHECK(file->scales(TensorRole::in_proj, 0).input == 3.0f);
  // The Mamba layer before the attention layer, and all others, stay as they are.
  for (const TensorRole role : {TensorRole::in_proj, TensorRole::out_proj}) {
    CHECK(file->lookup(role, 2)->type == TensorType::kBF16);
    CHECK(file->scales(role, 2).weight == 1.0f);
    CHECK(file->scales(role, 2).input == 0.0f);
  }
  CHECK(file->scales(TensorRole::output).weight == 1.0f);
  CHECK(file->scales(TensorRole::up_proj, 1).weight > 0.0f);
  CHECK(file->notes().empty());
}

TEST_CASE("a scale that is no positive number is refused by name") {
  for (const char* kind : {"weight_scale", "input_scale"}) {
    for (const float value : {0.0f, -1.0f, std::numeric_limits<float>::quiet_NaN(),
                              std::numeric_limits<float>::infinity()}) {
      auto files = fp8_files();
      set_scale(files, std::string(kStem) + kind, value);
      const Status status = open_from_memory(files).status();
      CHECK(status.code() == StatusCode::kBadFile);
      CHECK(message_has(status, std::string("scale '") + kStem + kind + "' is "));
    }
  }
  auto files = fp8_files();
  set_scale(files, std::string(kStem) + "weight_scale", 1e-30f);
  set_scale(files, std::string(kStem) + "input_scale", 1e-30f);
  CHECK(message_has(open_from_memory(files).status(), "product of the scales"));
}

TEST_CASE("scales that lack, or stand where none belongs") {
  auto files = fp8_files();
  const std::string name = kStem;
  SECTION("an FP8 matrix without weight_scale") {
    patch(files, kWeights, name + "weight_scale", name + "xxxx.k_scale");
    const Status status = open_from_memory(files).status();
    CHECK(status.code() == StatusCode::kMissingTensor);
    CHECK(message_has(status, "'" + name + "weight' is F8_E4M3 and has no weight_scale"));
  }
  SECTION("an FP8 matrix without input_scale is a weight-only one") {
    patch(files, kWeights, name + "input_scale", name + "xxx.k_scale");
    const auto file = open_from_memory(files);
    REQUIRE(file.is_ok());
    CHECK(file->scales(TensorRole::in_proj, 0).input == 0.0f);
    REQUIRE(file->notes().size() == 1);
    CHECK(file->notes()[0].starts_with("1 scales of an FP8 key-value cache"));
  }
  SECTION("a BF16 matrix with a scale") {
    patch(files, kWeights, name + "input_scale", "backbone.layers.2.mixer.in_proj.input_scale");
    const Status status = open_from_memory(files).status();
    CHECK(status.code() == StatusCode::kConfigMismatch);
    CHECK(message_has(status, "layers.2.mixer.in_proj.weight' has a scale, but is BF16"));
  }
  SECTION("a scale of what is no matrix, or of no tensor") {
    for (const char* other : {"backbone.layers.0.mixer.xx_proj.input_scale",
                              "backbone.layers.0.mixer.A_log__.input_scale"}) {
      auto broken = files;
      patch(broken, kWeights, name + "input_scale", other);
      CHECK(open_from_memory(broken).status().code() == StatusCode::kConfigMismatch);
    }
  }
  SECTION("a scale in an MLP layer that is none") {
    patch(files, kWeights, name + "input_scale", "backbone.layers.1.mixer.in_proj.input_scale");
    CHECK(message_has(open_from_memory(files).status(), "belongs to a Mamba-2 layer"));
  }
  SECTION("a scale of several numbers") {
    // shape [1] of four bytes -> [2] of BF16, the same bytes
    const std::string::size_type at = files[0].bytes.find(name + "input_scale");
    const std::string::size_type type = files[0].bytes.find("F32", at);
    const std::string::size_type shape = files[0].bytes.find("[1]", at);
    files[0].bytes.replace(type, 3, "F16");
    files[0].bytes.replace(shape, 3, "[2]");
    const Status status = open_from_memory(files).status();
    CHECK(status.code() == StatusCode::kConfigMismatch);
    CHECK(message_has(status, "is F16 [2]; one F32 for the whole matrix is supported"));
  }
}

TEST_CASE("the description of the quantisation is checked where it matters") {
  auto files = fp8_files();
  SECTION("another recipe") {
    patch(files, "hf_quant_config.json", "\"FP8\"", "\"NVFP4\"");
    const Status status = open_from_memory(files).status();
    CHECK(status.code() == StatusCode::kUnsupportedType);
    CHECK(message_has(status, "'hf_quant_config.json': the quantisation 'NVFP4'"));
  }
  SECTION("inside config.json") {
    patch(files, "config.json", "{",
          R"({"quantization_config": {"quant_method": "modelopt", "quant_algo": "W4A16_AWQ"},)");
    CHECK(message_has(open_from_memory(files).status(), "'config.json': the quantisation"));
  }
  SECTION("a key-value cache in FP8 is noted, not obeyed") {
    patch(files, "hf_quant_config.json", "\"kv_cache_quant_algo\": null",
          "\"kv_cache_quant_algo\": \"FP8\"");
    const auto file = open_from_memory(files);
    REQUIRE(file.is_ok());
    REQUIRE(file->notes().size() == 1);
    CHECK(file->notes()[0].ends_with("keys and values are kept wider"));
  }
  SECTION("a wrong kind of value") {
    patch(files, "hf_quant_config.json", "\"FP8\"", "8");
    CHECK(open_from_memory(files).status().code() == StatusCode::kBadFile);
  }
  SECTION("none at all") {
    files.pop_back();
    CHECK(open_from_memory(files).is_ok());
  }
}

TEST_CASE("names of scales") {
  const auto slot =
      parse_scale_name(NameStyle::huggingface, "model.layers.3.mixer.up_proj.input_scale");
  REQUIRE(slot.has_value());
  CHECK(slot->matrix == TensorSlot{TensorRole::up_proj, 3});
  CHECK(slot->kind == ScaleKind::input);
  CHECK(parse_scale_name(NameStyle::huggingface, "lm_head.weight_scale")->matrix.role ==
        TensorRole::output);
  CHECK(parse_scale_name(NameStyle::gguf, "blk.2.ffn_up.scale")->kind == ScaleKind::weight);
  CHECK(parse_scale_name(NameStyle::gguf, "blk.2.ffn_up.input_scale")->kind == ScaleKind::input);
  CHECK_FALSE(parse_scale_name(NameStyle::gguf, "blk.2.ffn_up.weight").has_value());
  CHECK_FALSE(parse_scale_name(NameStyle::gguf, "blk.2.attn_norm.scale").has_value());
  CHECK(is_kv_scale("backbone.layers.12.mixer.k_proj.k_scale"));
  CHECK_FALSE(is_kv_scale("backbone.layers.12.mixer.k_proj.weight_scale"));
}
