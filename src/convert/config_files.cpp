#include "convert/config_files.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "convert/tensor_plan.h"

namespace nemotron {
namespace {

using Json = nlohmann::ordered_json;

// The modules (tensor names without ".weight") that stay in BF16.
std::vector<std::string> excluded_modules(const ModelConfig& config) {
  std::vector<std::string> modules;
  for (const PlannedTensor& tensor : plan_safetensors(config, /*is_fp8=*/true)) {
    const TensorRole role = tensor.slot.role;
    const bool is_module = is_matrix(role) || role == TensorRole::conv_weight;
    if (is_module && role != TensorRole::token_embedding && keeps_bf16(config, tensor.slot))
      modules.push_back(tensor.entry.name.substr(0, tensor.entry.name.rfind('.')));
  }
  return modules;
}

// The decimal number that was meant: a float's digits as a double are none.
double decimal(float value) { return std::round(static_cast<double>(value) * 1e9) / 1e9; }

Json attention_and_mlp(const ModelConfig& config) {
  return {{"num_attention_heads", config.n_heads},
          {"num_key_value_heads", config.n_kv_heads},
          {"head_dim", config.head_dim},
          {"intermediate_size", config.d_ff},
          {"mlp_hidden_act", "relu2"},
          {"attention_bias", false},
          {"mlp_bias", false}};
}

Json mamba2(const ModelConfig& config) {
  Json out = {{"mamba_num_heads", config.n_ssm_heads},
              {"mamba_head_dim", config.ssm_head_dim},
              {"ssm_state_size", config.d_state},
              {"n_groups", config.n_groups},
              {"conv_kernel", config.d_conv},
              {"chunk_size", 128},
              {"expand", 2},
              {"mamba_hidden_act", "silu"},
              {"mamba_proj_bias", false},
              {"use_bias", false},
              {"use_conv_bias", true}};
  if (std::isfinite(config.dt_max)) out["time_step_limit"] = {config.dt_min, config.dt_max};
  return out;
}

Json config_json(const ModelConfig& config, bool is_fp8) {
  Json out = {{"architectures", {"NemotronHForCausalLM"}},
              {"model_type", "nemotron_h"},
              {"hidden_size", config.d_model},
              {"num_hidden_layers", config.n_layers},
              {"hybrid_override_pattern", config.layer_pattern()},
              {"vocab_size", config.n_vocab},
              {"max_position_embeddings", config.max_context},
              {"layer_norm_epsilon", decimal(config.norm_eps)},
              {"tie_word_embeddings", config.tied_output},
              {"residual_in_fp32", false},
              {"torch_dtype", "bfloat16"},
              {"use_cache", true}};
  out.update(attention_and_mlp(config));
  out.update(mamba2(config));
  if (config.bos_id >= 0) out["bos_token_id"] = config.bos_id;
  if (!config.eos_ids.empty()) out["eos_token_id"] = config.eos_ids.front();
  out["pad_token_id"] = 0;
  if (is_fp8)
    out["quantization_config"] = {
        {"quant_method", "modelopt"}, {"quant_algo", "FP8"}, {"ignore", excluded_modules(config)}};
  return out;
}

}  // namespace

std::vector<TextFile> config_files(const ModelConfig& config, bool is_fp8) {
  const auto text = [](const Json& json) { return json.dump(2) + "\n"; };
  std::vector<TextFile> files = {{"config.json", text(config_json(config, is_fp8))}};
  Json generation = Json::object();
  if (config.bos_id >= 0) generation["bos_token_id"] = config.bos_id;
  if (!config.eos_ids.empty()) generation["eos_token_id"] = config.eos_ids;
  files.push_back({"generation_config.json", text(generation)});
  if (is_fp8)
    files.push_back(
        {"hf_quant_config.json", text({{"producer", {{"name", "modelopt"}}},
                                       {"quantization",
                                        {{"quant_algo", "FP8"},
                                         {"kv_cache_quant_algo", nullptr},
                                         {"exclude_modules", excluded_modules(config)}}}})});
  return files;
}

}  // namespace nemotron
