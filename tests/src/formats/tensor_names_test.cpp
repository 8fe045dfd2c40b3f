// Names of tensors, there and back, and names that only look like ours.
#include "formats/tensor_names.h"

#include <catch2/catch.hpp>

using namespace nemotron;

TEST_CASE("every tensor has one name per kind of file, and the name leads back") {
  const auto style = GENERATE(NameStyle::huggingface, NameStyle::gguf);
  for (int i = 0; i < kNumTensorRoles; ++i) {
    const auto role = static_cast<TensorRole>(i);
    const int layer = role <= TensorRole::output ? kNoLayer : 1023;
    const std::string name = tensor_name(style, {role, layer});
    CAPTURE(name);
    CHECK(parse_tensor_name(style, name) == TensorSlot{role, layer});
  }
}

TEST_CASE("published spellings") {
  const auto hf = [](std::string_view name) {
    return parse_tensor_name(NameStyle::huggingface, name);
  };
  const auto gguf = [](std::string_view name) { return parse_tensor_name(NameStyle::gguf, name); };
  CHECK(hf("backbone.embeddings.weight") == TensorSlot{TensorRole::token_embedding, kNoLayer});
  CHECK(hf("model.layers.7.mixer.A_log") == TensorSlot{TensorRole::A, 7});
  CHECK(hf("language_model.backbone.layers.0.norm.weight") == TensorSlot{TensorRole::norm, 0});
  CHECK(hf("backbone.layers.0.mixer.norm.weight") == TensorSlot{TensorRole::gated_norm, 0});
  CHECK(hf("language_model.lm_head.weight") == TensorSlot{TensorRole::output, kNoLayer});
  CHECK(gguf("blk.3.ssm_a") == TensorSlot{TensorRole::A, 3});
  CHECK(gguf("blk.3.ssm_dt.bias") == TensorSlot{TensorRole::dt_bias, 3});
  CHECK(gguf("output_norm.weight") == TensorSlot{TensorRole::final_norm, kNoLayer});
}

TEST_CASE("names that are not ours") {
  for (const auto name :
       {"", "lm_head", "backbone.lm_head.weight", "layers.0.norm.weight",
        "backbone.layers.norm.weight", "backbone.layers..norm.weight",
        "backbone.layers.00.norm.weight", "backbone.layers.-1.norm.weight",
        "backbone.layers.+1.norm.weight", "backbone.layers.99999999999.norm.weight",
        "backbone.layers.1", "backbone.norm.weight", "backbone.layers.0.embeddings.weight",
        "backbone.layers.0.mixer.gate.weight"}) {
    CAPTURE(name);
    CHECK_FALSE(parse_tensor_name(NameStyle::huggingface, name).has_value());
  }
  for (const auto name :
       {"blk.0.token_embd.weight", "blk.x.ssm_a", "ssm_a", "blk.0.", "blk.0.attn_q.bias"}) {
    CAPTURE(name);
    CHECK_FALSE(parse_tensor_name(NameStyle::gguf, name).has_value());
  }
}

TEST_CASE("tensors to pass over") {
  CHECK(is_ignorable_tensor("mtp.layers.0.mixer.q_proj.weight"));
  CHECK(is_ignorable_tensor("language_model.mtp.norm.weight"));
  CHECK(is_ignorable_tensor("rope_freqs.weight"));
  CHECK(is_ignorable_tensor("backbone.layers.1.rotary_emb.inv_freq"));
  CHECK_FALSE(is_ignorable_tensor("backbone.layers.0.mtp.weight"));
}

TEST_CASE("each kind of layer has its roles") {
  for (const LayerKind kind : {LayerKind::mamba2, LayerKind::attention, LayerKind::mlp}) {
    const auto roles = layer_roles(kind);
    CHECK(roles[0] == TensorRole::norm);
    for (const TensorRole role : roles.subspan(1)) CHECK(layer_kind_of(role) == kind);
  }
  CHECK(layer_roles(LayerKind::mamba2).size() == 9);
  CHECK(layer_roles(LayerKind::attention).size() == 5);
  CHECK(layer_roles(LayerKind::mlp).size() == 3);
  CHECK_FALSE(layer_kind_of(TensorRole::norm).has_value());
}
