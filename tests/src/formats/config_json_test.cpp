// config.json in all its spellings, and what it must not say.
#include "formats/config_json.h"

#include <catch2/catch.hpp>
#include <cmath>

#include "base/text.h"
#include "src/formats/tiny_models.h"

using namespace nemotron;

namespace {
// The tiny model's config.json with one text replaced by another.
Result<ModelConfig> read(const std::string& from = "", const std::string& to = "") {
  std::vector<NamedText> files = {{"config.json", read_data("tiny_safetensors/config.json")}};
  patch(files, "config.json", from, to);
  const auto root = parse_json(files[0].bytes);
  INFO(root.status().message());
  REQUIRE(root.is_ok());
  return config_from_json(root.value());
}

constexpr auto kPattern = R"("hybrid_override_pattern": "M-*M-")";
}  // namespace

TEST_CASE("the original spelling") {
  const auto config = read();
  INFO(config.status().message());
  REQUIRE(config.is_ok());
  CHECK(config->layer_pattern() == "M-*M-");
  CHECK(config->d_model == 32);
  CHECK(config->n_vocab == 64);
  CHECK(config->n_ssm_heads == 4);
  CHECK(config->ssm_head_dim == 12);
  CHECK(config->d_state == 8);
  CHECK(config->n_groups == 2);
  CHECK(config->d_conv == 4);
  CHECK(config->n_heads == 4);
  CHECK(config->n_kv_heads == 2);
  CHECK(config->head_dim == 8);
  CHECK(config->d_ff == 40);
  CHECK(config->norm_eps == 1e-5f);
  CHECK(config->max_context == 4096);
  CHECK(config->dt_min == 0.0f);
  CHECK(std::isinf(config->dt_max));
  CHECK(config->bos_id == 1);
  CHECK(config->eos_ids == std::vector<int>{2});
  CHECK_FALSE(config->tied_output);
}

TEST_CASE("the layers in other spellings") {
  for (const char* spelling :
       {R"("hybrid_override_pattern": ["M-*", "M-"])",
        R"("layers_block_type": ["mamba", "mlp", "attention", "linear_attention", "mlp"])",
        R"("layer_types": ["mamba", "mlp", "full_attention", "mamba", "mlp"])",
        R"("hybrid_override_pattern": "M-*M-",
           "layers_block_type": ["mamba", "mlp", "attention", "mamba", "mlp"])"}) {
    const auto config = read(kPattern, spelling);
    INFO(spelling << ": " << config.status().message());
    REQUIRE(config.is_ok());
    CHECK(config->layer_pattern() == "M-*M-");
  }
}

TEST_CASE("a stale num_hidden_layers is not believed") {
  CHECK(read(R"("num_hidden_layers": 5)", R"("num_hidden_layers": 52)")->n_layers == 5);
}

TEST_CASE("layers that cannot be run") {
  const auto status = [](const char* spelling) { return read(kPattern, spelling).status(); };
  const Status moe = status(R"("hybrid_override_pattern": "MEM*E")");
  CHECK(moe.code() == StatusCode::kUnsupportedArchitecture);
  CHECK(message_has(moe, "layer 1 is a mixture-of-experts layer; these are not supported yet"));
  CHECK(status(R"("layers_block_type": ["mamba", "moe"])").code() ==
        StatusCode::kUnsupportedArchitecture);
  CHECK(message_has(status(R"("hybrid_override_pattern": "M-x")"), "unknown kind 'x'"));
  CHECK(status(R"("hybrid_override_pattern": "")").code() == StatusCode::kBadFile);
  CHECK(status(R"("hybrid_override_pattern": 7)").code() == StatusCode::kInvalidJson);
  CHECK(message_has(status(R"("none": 0)"), "hybrid_override_pattern"));
  CHECK(status(R"("hybrid_override_pattern": "M", "layers_block_type": ["mlp"])").code() ==
        StatusCode::kConfigMismatch);
}

TEST_CASE("keys in other spellings") {
  CHECK(read(R"("head_dim")", R"("attention_head_dim")")->head_dim == 8);
  CHECK(read(R"("layer_norm_epsilon": 1e-05)", R"("norm_eps": 1e-06)")->norm_eps == 1e-6f);
  CHECK(read(R"("layer_norm_epsilon": 1e-05)", R"("rms_norm_eps": 1e-06)")->norm_eps == 1e-6f);
  CHECK(read(R"("num_key_value_heads": 2)", R"("num_key_value_heads": null)")->n_kv_heads == 4);
  CHECK(read(R"("intermediate_size": 40)", R"("intermediate_size": [0, 40, 0, 0, 40])")->d_ff ==
        40);
  CHECK(read(R"("intermediate_size": 40)", R"("intermediate_size": [40, 48])").status().code() ==
        StatusCode::kUnsupportedArchitecture);
  CHECK(read(R"("eos_token_id": 2)", R"("eos_token_id": [11, 2, 11])")->eos_ids ==
        std::vector<int>{11, 2});
  CHECK(read(R"("eos_token_id": 2)", R"("eos_token_id": null)")->eos_ids.empty());
  CHECK(read(R"("bos_token_id": 1)", R"("bos_token_id": null)")->bos_id == -1);
  CHECK(read(R"("tie_word_embeddings": false)", R"("tie_word_embeddings": true)")->tied_output);
}

TEST_CASE("a text model nested in a larger one is found") {
  const std::string text = read_data("tiny_safetensors/config.json");
  for (const char* key : {"llm_config", "text_config"}) {
    const auto root =
        parse_json(std::string(R"({"model_type": "some_vl", ")") + key + "\": " + text + "}");
    REQUIRE(root.is_ok());
    CHECK(config_from_json(root.value())->d_model == 32);
  }
}

TEST_CASE("time step limits") {
  const auto with = [](const char* limit) {
    return read(R"("time_step_limit": [
  0.0,
  Infinity
 ])",
                std::string(R"("time_step_limit": )") + limit);
  };
  CHECK(std::isinf(with(R"([0.0, {"__float__": "Infinity"}])")->dt_max));
  CHECK(with("[0.001, 0.1]")->dt_min == 0.001f);
  CHECK(with("[0.001, 0.1]")->dt_max == 0.1f);
  CHECK(std::isinf(with("null")->dt_max));
  for (const char* bad : {"[]", "[0.0]", "7", "[0.5, 0.1]", "[-1.0, 1.0]",
                          R"([0, {"__float__": "x"}])", "[-Infinity, Infinity]", R"(["a", "b"])"}) {
    INFO(bad);
    CHECK_FALSE(with(bad).is_ok());
  }
}

TEST_CASE("options that this runtime does not have are refused") {
  const std::pair<const char*, const char*> changes[] = {
      {R"("mlp_hidden_act": "relu2")", R"("mlp_hidden_act": "silu")"},
      {R"("mamba_hidden_act": "silu")", R"("mamba_hidden_act": "gelu")"},
      {R"("attention_bias": false)", R"("attention_bias": true)"},
      {R"("mlp_bias": false)", R"("mlp_bias": true)"},
      {R"("use_bias": false)", R"("use_bias": true)"},
      {R"("mamba_proj_bias": false)", R"("mamba_proj_bias": true)"},
      {R"("use_conv_bias": true)", R"("use_conv_bias": false)"},
      {R"("model_type": "nemotron_h")", R"("model_type": "llama")"},
      {R"("head_dim": 8)", R"("head_dim": 8, "sliding_window": 128)"},
  };
  for (const auto& [from, to] : changes) {
    INFO(to);
    const Status status = read(from, to).status();
    CHECK(status.code() == StatusCode::kUnsupportedArchitecture);
    CHECK_FALSE(status.message().empty());
  }
}

TEST_CASE("missing keys and impossible values are named") {
  for (const char* key :
       {"hidden_size", "vocab_size", "mamba_num_heads", "mamba_head_dim", "ssm_state_size",
        "n_groups", "conv_kernel", "num_attention_heads", "head_dim", "intermediate_size",
        "max_position_embeddings", "model_type"}) {
    const std::string quoted = join("\"", key, "\":");
    const Status missing = read(quoted, "\"other\":").status();
    CHECK(missing.code() == StatusCode::kBadFile);
    CHECK(message_has(missing, join("'", key, "' is missing")));
    if (std::string(key) == "model_type") continue;
    for (const char* value : {"-1", "0", "99999999999", "1.5", "\"x\"", "true", "{}"}) {
      INFO(key << " = " << value);
      CHECK_FALSE(read(quoted, join(quoted, " ", value, ", \"other\":")).is_ok());
    }
  }
  for (const char* eps : {"0", "-1e-5", "2", "\"x\"", "Infinity"}) {
    INFO(eps);
    CHECK_FALSE(read("1e-05", eps).is_ok());
  }
  CHECK(config_from_json(parse_json("[1]").value()).status().code() == StatusCode::kBadFile);
}
