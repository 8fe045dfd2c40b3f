// GGUF metadata in arrays and scalars, and what contradicts itself.
#include "formats/config_gguf.h"

#include <catch2/catch.hpp>

#include "formats/vocabulary_gguf.h"
#include "lib/gguf/gguf_builder.h"
#include "src/formats/tiny_models.h"

using namespace nemotron;

namespace {
// The metadata of the tiny GGUF, to be changed.
GgufFile tiny_file() {
  const std::string bytes = read_data("tiny.gguf");
  auto file = read_gguf(*source_of(bytes));
  REQUIRE(file.is_ok());
  return std::move(file).value();
}

// Replaces (or adds) the one entry that `builder` holds.
void set(GgufFile& file, const GgufBuilder& builder) {
  const std::string bytes = builder.build();
  auto other = read_gguf(*source_of(bytes));
  REQUIRE(other.is_ok());
  for (auto& [key, value] : other->metadata) file.metadata.insert_or_assign(key, std::move(value));
}

GgufBuilder one(const std::string& key, std::uint32_t value) {
  return GgufBuilder().number("nemotron_h." + key, GgufType::kUint32, value);
}

Status status_with(const GgufBuilder& builder) {
  GgufFile file = tiny_file();
  set(file, builder);
  return config_from_gguf(file).status();
}

Status status_without(std::string_view key) {
  GgufFile file = tiny_file();
  const auto entry = file.metadata.find(key);
  REQUIRE(entry != file.metadata.end());
  file.metadata.erase(entry);
  return config_from_gguf(file).status();
}
}  // namespace

TEST_CASE("the converter's metadata gives the configuration") {
  const auto out = config_from_gguf(tiny_file());
  INFO(out.status().message());
  REQUIRE(out.is_ok());
  CHECK(out->n_extra_layers == 0);
  CHECK(out->config.layer_pattern() == "M-*");
  CHECK(out->config.n_ssm_heads == 4);
  CHECK(out->config.ssm_head_dim == 64);
  CHECK(out->config.norm_eps == 1e-5f);
}

TEST_CASE("the dummy context length means the real one; any other is meant") {
  GgufFile file = tiny_file();
  CHECK(config_from_gguf(file)->config.max_context == 262144);
  set(file, one("context_length", 8192));
  CHECK(config_from_gguf(file)->config.max_context == 8192);
}

TEST_CASE("scalars are for all blocks; then the tensors tell the kinds") {
  GgufFile file = tiny_file();
  set(file, one("attention.head_count_kv", 2));
  CHECK(config_from_gguf(file)->config.layer_pattern() == "M-*");
  set(file, one("feed_forward_length", 256));
  const auto out = config_from_gguf(file);
  REQUIRE(out.is_ok());
  CHECK(out->config.layer_pattern() == "M-*");
  CHECK(out->config.n_kv_heads == 2);
  std::erase_if(file.tensors, [](const TensorEntry& e) { return e.name.starts_with("blk.1.ffn"); });
  CHECK(config_from_gguf(file).status().code() == StatusCode::kMissingTensor);
}

TEST_CASE("extra prediction blocks are not layers") {
  GgufFile file = tiny_file();
  set(file, one("nextn_predict_layers", 1));
  set(file, one("block_count", 4));
  set(file, GgufBuilder().array<std::int32_t>("nemotron_h.attention.head_count_kv",
                                              GgufType::kInt32, {0, 0, 2, 2}));
  set(file, GgufBuilder().array<std::uint32_t>("nemotron_h.feed_forward_length", GgufType::kUint32,
                                               {0, 256, 0, 0}));
  const auto out = config_from_gguf(file);
  INFO(out.status().message());
  REQUIRE(out.is_ok());
  CHECK(out->n_extra_layers == 1);
  CHECK(out->config.layer_pattern() == "M-*");
  set(file, one("nextn_predict_layers", 4));
  CHECK_FALSE(config_from_gguf(file).is_ok());
}

TEST_CASE("another architecture is unsupported, with its name") {
  const auto with = [](const char* name) {
    return status_with(GgufBuilder().text("general.architecture", name));
  };
  CHECK(with("llama").code() == StatusCode::kUnsupportedArchitecture);
  CHECK(message_has(with("llama"), "'llama'"));
  CHECK(with("nemotron_h_moe").code() == StatusCode::kUnsupportedArchitecture);
  CHECK(message_has(with("nemotron_h_moe"), "not supported yet"));
}

TEST_CASE("missing keys are named") {
  for (const char* key :
       {"general.architecture", "nemotron_h.block_count", "nemotron_h.embedding_length",
        "nemotron_h.feed_forward_length", "nemotron_h.attention.head_count",
        "nemotron_h.attention.head_count_kv", "nemotron_h.attention.key_length",
        "nemotron_h.context_length", "nemotron_h.ssm.inner_size", "nemotron_h.ssm.time_step_rank",
        "nemotron_h.ssm.state_size", "nemotron_h.ssm.group_count", "nemotron_h.ssm.conv_kernel"}) {
    const Status status = status_without(key);
    CHECK(status.code() == StatusCode::kBadFile);
    CHECK(message_has(status, std::string("'") + key + "' is missing"));
  }
  CHECK(status_without("nemotron_h.vocab_size").is_ok());
  CHECK(status_without("nemotron_h.attention.value_length").is_ok());
  CHECK(status_without("nemotron_h.attention.layer_norm_rms_epsilon").is_ok());
  CHECK(status_without("nemotron_h.rope.dimension_count").is_ok());
}

TEST_CASE("impossible numbers are refused") {
  for (const char* key : {"block_count", "embedding_length", "ssm.inner_size", "ssm.time_step_rank",
                          "ssm.state_size", "ssm.group_count", "ssm.conv_kernel", "vocab_size",
                          "attention.key_length", "attention.head_count", "context_length"}) {
    for (const std::uint32_t value : {0u, 3000000000u, 0xffffffffu}) {
      INFO(key << " = " << value);
      CHECK_FALSE(status_with(one(key, value)).is_ok());
    }
  }
  CHECK(message_has(status_with(one("ssm.inner_size", 255)), "no multiple"));
  CHECK(status_with(one("attention.value_length", 64)).code() ==
        StatusCode::kUnsupportedArchitecture);
  CHECK(status_with(one("block_count", 4)).code() == StatusCode::kConfigMismatch);
  const auto array = [](std::initializer_list<std::int32_t> values) {
    return status_with(
        GgufBuilder().array("nemotron_h.feed_forward_length", GgufType::kInt32, values));
  };
  CHECK_FALSE(array({}).is_ok());
  CHECK_FALSE(array({256}).is_ok());
  CHECK_FALSE(array({0, -256, 0}).is_ok());
  CHECK(array({256, 128, 0}).code() == StatusCode::kUnsupportedArchitecture);
  CHECK_FALSE(status_with(GgufBuilder().number("nemotron_h.attention.layer_norm_rms_epsilon",
                                               GgufType::kFloat32, -1.0f))
                  .is_ok());
}

TEST_CASE("token ids outside the vocabulary contradict it, none is none") {
  const auto with = [](std::uint32_t id) {
    GgufFile file = tiny_file();
    set(file, GgufBuilder().number("tokenizer.ggml.eos_token_id", GgufType::kUint32, id));
    set(file, GgufBuilder().number("tokenizer.ggml.eot_token_id", GgufType::kUint32, 2u));
    return config_from_gguf(file);
  };
  CHECK(with(11)->config.eos_ids == std::vector<int>{11, 2});
  CHECK(with(2)->config.eos_ids == std::vector<int>{2});
  CHECK(with(0xffffffffu)->config.eos_ids == std::vector<int>{2});
  CHECK(with(288).status().code() == StatusCode::kConfigMismatch);
}

TEST_CASE("a file without output.weight is tied") {
  GgufFile file = tiny_file();
  CHECK_FALSE(config_from_gguf(file)->config.tied_output);
  std::erase_if(file.tensors, [](const TensorEntry& e) { return e.name == "output.weight"; });
  CHECK(config_from_gguf(file)->config.tied_output);
}

TEST_CASE("a vocabulary larger than any is refused before it is copied") {
  GgufFile file = tiny_file();
  constexpr std::uint64_t kTooMany = (1 << 22) + 1;
  ByteString types;
  types.number<std::uint32_t>(static_cast<std::uint32_t>(GgufType::kUint8)).number(kTooMany);
  types.raw(std::string(kTooMany, '\1'));
  set(file, GgufBuilder().raw("tokenizer.ggml.token_type", 9, types.bytes()));
  const Status status = vocabulary_from_gguf(file).status();
  CHECK(status.code() == StatusCode::kBadFile);
  CHECK(message_has(status, "4194305 elements"));
}

TEST_CASE("the vocabulary: none, another kind, wrong types") {
  GgufFile file = tiny_file();
  REQUIRE(vocabulary_from_gguf(file)->has_value());
  set(file,
      GgufBuilder().array<std::int32_t>("tokenizer.ggml.token_type", GgufType::kInt32, {1, -1}));
  CHECK_FALSE(vocabulary_from_gguf(file).is_ok());
  set(file, GgufBuilder().texts("tokenizer.ggml.token_type", {"a"}));
  CHECK_FALSE(vocabulary_from_gguf(file).is_ok());
  file.metadata.erase("tokenizer.ggml.token_type");
  file.metadata.erase("tokenizer.ggml.merges");
  CHECK(vocabulary_from_gguf(file)->value().token_types.empty());
  set(file, GgufBuilder().text("tokenizer.ggml.model", "llama"));
  CHECK(vocabulary_from_gguf(file).status().code() == StatusCode::kUnsupportedFormat);
  set(file, GgufBuilder().text("tokenizer.ggml.model", "none"));
  CHECK_FALSE(vocabulary_from_gguf(file)->has_value());
  file.metadata.erase("tokenizer.ggml.model");
  CHECK_FALSE(vocabulary_from_gguf(file)->has_value());
}
