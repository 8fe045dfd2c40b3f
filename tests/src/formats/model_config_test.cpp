// The limits of ModelConfig.
#include <catch2/catch.hpp>
#include <cmath>
#include <functional>

#include "model/config.h"
#include "src/formats/tiny_models.h"

using namespace nemotron;

namespace {
ModelConfig nano_4b() {
  ModelConfig config;
  for (const char letter : std::string("M-M-M-MM-M-M*-M-M*-M-M-M*-M-M-MM*-MMM-M-M-"))
    config.layers.push_back(letter == 'M'   ? LayerKind::mamba2
                            : letter == '*' ? LayerKind::attention
                                            : LayerKind::mlp);
  config.n_layers = 42;
  config.d_model = 3136;
  config.n_vocab = 131072;
  config.n_ssm_heads = 96;
  config.ssm_head_dim = 80;
  config.d_state = 128;
  config.n_groups = 8;
  config.d_conv = 4;
  config.n_heads = 40;
  config.n_kv_heads = 8;
  config.head_dim = 128;
  config.d_ff = 12544;
  config.max_context = 262144;
  config.bos_id = 1;
  config.eos_ids = {2, 11};
  return config;
}
}  // namespace

TEST_CASE("the published 4B is valid and has its published widths") {
  const ModelConfig config = nano_4b();
  CHECK(config.validate().is_ok());
  CHECK(config.d_inner() == 7680);
  CHECK(config.conv_dim() == 9728);
  CHECK(config.in_proj_rows() == 17504);
  CHECK(config.q_dim() == 5120);
  CHECK(config.kv_dim() == 1024);
  CHECK(config.count(LayerKind::mamba2) == 21);
  CHECK(config.count(LayerKind::attention) == 4);
  CHECK(config.count(LayerKind::mlp) == 17);
  CHECK(config.layer_pattern() == "M-M-M-MM-M-M*-M-M*-M-M-M*-M-M-MM*-MMM-M-M-");
}

TEST_CASE("each impossible number is refused with its name") {
  const std::pair<const char*, std::function<void(ModelConfig&)>> cases[] = {
      {"number of layers", [](ModelConfig& c) { c.n_layers = 0; }},
      {"number of layers", [](ModelConfig& c) { c.n_layers = 1025; }},
      {"describes", [](ModelConfig& c) { c.layers.pop_back(); }},
      {"width is 0", [](ModelConfig& c) { c.d_model = 0; }},
      {"width is -1", [](ModelConfig& c) { c.d_model = -1; }},
      {"vocabulary size", [](ModelConfig& c) { c.n_vocab = 1 << 30; }},
      {"SSM heads", [](ModelConfig& c) { c.n_ssm_heads = 0; }},
      {"inner width", [](ModelConfig& c) { c.n_ssm_heads = c.ssm_head_dim = 1 << 20; }},
      {"state size", [](ModelConfig& c) { c.d_state = 5000; }},
      {"inner width x state size is 134217728; at most 67108864",
       [](ModelConfig& c) {
         c.n_ssm_heads = 512;
         c.ssm_head_dim = 64;
         c.d_state = 4096;
       }},
      {"no multiple of its number of groups", [](ModelConfig& c) { c.n_groups = 7; }},
      {"convolution", [](ModelConfig& c) { c.d_conv = 0; }},
      {"time step", [](ModelConfig& c) { c.dt_min = NAN; }},
      {"time step", [](ModelConfig& c) { c.dt_max = 0; }},
      {"key-value heads", [](ModelConfig& c) { c.n_kv_heads = 0; }},
      {"no multiple of its number of key-value heads", [](ModelConfig& c) { c.n_kv_heads = 7; }},
      {"no multiple of its number of key-value heads", [](ModelConfig& c) { c.n_kv_heads = 80; }},
      {"attention heads x head size", [](ModelConfig& c) { c.head_dim = 1 << 20; }},
      {"MLP width", [](ModelConfig& c) { c.d_ff = 0; }},
      {"epsilon", [](ModelConfig& c) { c.norm_eps = 0; }},
      {"epsilon", [](ModelConfig& c) { c.norm_eps = NAN; }},
      {"context", [](ModelConfig& c) { c.max_context = INT32_MAX; }},
      {"end token", [](ModelConfig& c) { c.eos_ids.push_back(131072); }},
      {"end token", [](ModelConfig& c) { c.eos_ids.push_back(-1); }},
      {"start token", [](ModelConfig& c) { c.bos_id = -2; }},
  };
  for (const auto& [expected, change] : cases) {
    ModelConfig config = nano_4b();
    change(config);
    const Status status = config.validate();
    CHECK(status.code() == StatusCode::kBadFile);
    CHECK(message_has(status, expected));
  }
}

TEST_CASE("numbers of kinds that the model lacks may be zero") {
  ModelConfig config = nano_4b();
  config.layers.assign(3, LayerKind::mamba2);
  config.n_layers = 3;
  config.n_heads = config.n_kv_heads = config.head_dim = config.d_ff = 0;
  CHECK(config.validate().is_ok());
  config.layers.back() = LayerKind::attention;
  CHECK_FALSE(config.validate().is_ok());
}
