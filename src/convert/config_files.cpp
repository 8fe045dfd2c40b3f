#include "convert/config_files.h"

#include <cmath>
#include <utility>

#include "base/text.h"
#include "convert/tensor_plan.h"
#include "json/json_text.h"

namespace nemotron {
namespace {

// The modules (tensor names without ".weight") that stay in BF16.
std::vector<std::string> excluded_modules(const ModelConfig& config) {
  std::vector<std::string> modules;
  for (const PlannedTensor& tensor : plan_safetensors(config, SafetensorsType::fp8)) {
    const TensorRole role = tensor.slot.role;
    const bool is_module = is_matrix(role) || role == TensorRole::conv_weight;
    if (is_module && role != TensorRole::token_embedding && keeps_bf16(config, tensor.slot))
      modules.push_back(tensor.entry.name.substr(0, tensor.entry.name.rfind('.')));
  }
  return modules;
}

// The decimal number that was meant: a float's digits as a double are none.
double decimal(float value) { return std::round(static_cast<double>(value) * 1e9) / 1e9; }

std::string json_list(const std::vector<std::string>& words) {
  std::vector<std::string> items;
  items.reserve(words.size());
  for (const std::string& word : words) items.push_back(json_of(word));
  return json_array(items);
}

std::string text_of(const JsonObject& object) { return object.text(JsonStyle::kIndented); }

void add_attention_and_mlp(const ModelConfig& config, JsonObject& out) {
  out.set("num_attention_heads", json_of(config.n_heads));
  out.set("num_key_value_heads", json_of(config.n_kv_heads));
  out.set("head_dim", json_of(config.head_dim));
  out.set("intermediate_size", json_of(config.d_ff));
  out.set("mlp_hidden_act", json_of("relu2"));
  out.set("attention_bias", json_of(false));
  out.set("mlp_bias", json_of(false));
}

void add_mamba2(const ModelConfig& config, JsonObject& out) {
  out.set("mamba_num_heads", json_of(config.n_ssm_heads));
  out.set("mamba_head_dim", json_of(config.ssm_head_dim));
  out.set("ssm_state_size", json_of(config.d_state));
  out.set("n_groups", json_of(config.n_groups));
  out.set("conv_kernel", json_of(config.d_conv));
  out.set("chunk_size", json_of(128));
  out.set("expand", json_of(2));
  out.set("mamba_hidden_act", json_of("silu"));
  out.set("mamba_proj_bias", json_of(false));
  out.set("use_bias", json_of(false));
  out.set("use_conv_bias", json_of(true));
  if (!std::isfinite(config.dt_max)) return;
  const std::vector<std::string> limits = {json_of(static_cast<double>(config.dt_min)),
                                           json_of(static_cast<double>(config.dt_max))};
  out.set("time_step_limit", json_array(limits));
}

// One group of all matrices, whose weights are FP8 with a scale per tensor.
std::string compressed_groups() {
  JsonObject weights, group, groups;
  weights.set("num_bits", json_of(8));
  weights.set("type", json_of("float"));
  weights.set("strategy", json_of("tensor"));
  weights.set("symmetric", json_of(true));
  weights.set("dynamic", json_of(false));
  group.set("targets", json_list({"Linear"}));
  group.set("weights", text_of(weights));
  group.set("input_activations", kJsonNull);
  group.set("output_activations", kJsonNull);
  groups.set("group_0", text_of(group));
  return text_of(groups);
}

// config.json's quantization_config.
JsonObject quantization(const ModelConfig& config, SafetensorsType type) {
  JsonObject out;
  if (type == SafetensorsType::fp8) {
    out.set("quant_method", json_of("modelopt"));
    out.set("quant_algo", json_of("FP8"));
    out.set("ignore", json_list(excluded_modules(config)));
    return out;
  }
  out.set("quant_method", json_of("compressed-tensors"));
  out.set("format", json_of("float-quantized"));
  out.set("quantization_status", json_of("compressed"));
  out.set("config_groups", compressed_groups());
  out.set("ignore", json_list(excluded_modules(config)));
  out.set("kv_cache_scheme", kJsonNull);
  return out;
}

JsonObject config_json(const ModelConfig& config) {
  JsonObject out;
  out.set("architectures", json_list({"NemotronHForCausalLM"}));
  out.set("model_type", json_of("nemotron_h"));
  out.set("hidden_size", json_of(config.d_model));
  out.set("num_hidden_layers", json_of(config.n_layers));
  out.set("hybrid_override_pattern", json_of(config.layer_pattern()));
  out.set("vocab_size", json_of(config.n_vocab));
  out.set("max_position_embeddings", json_of(config.max_context));
  out.set("layer_norm_epsilon", json_of(decimal(config.norm_eps)));
  out.set("tie_word_embeddings", json_of(config.tied_output));
  out.set("residual_in_fp32", json_of(false));
  out.set("torch_dtype", json_of("bfloat16"));
  out.set("use_cache", json_of(true));
  add_attention_and_mlp(config, out);
  add_mamba2(config, out);
  if (config.bos_id >= 0) out.set("bos_token_id", json_of(config.bos_id));
  if (!config.eos_ids.empty()) out.set("eos_token_id", json_of(config.eos_ids.front()));
  out.set("pad_token_id", json_of(0));
  return out;
}

JsonObject generation_config(const ModelConfig& config) {
  JsonObject out;
  if (config.bos_id >= 0) out.set("bos_token_id", json_of(config.bos_id));
  std::vector<std::string> ids;
  for (const int id : config.eos_ids) ids.push_back(json_of(id));
  if (!ids.empty()) out.set("eos_token_id", json_array(ids));
  return out;
}

JsonObject hf_quant_config(const ModelConfig& config) {
  JsonObject producer, quantization, out;
  producer.set("name", json_of("modelopt"));
  quantization.set("quant_algo", json_of("FP8"));
  quantization.set("kv_cache_quant_algo", kJsonNull);
  quantization.set("exclude_modules", json_list(excluded_modules(config)));
  out.set("producer", text_of(producer));
  out.set("quantization", text_of(quantization));
  return out;
}

std::vector<TextFile> make_files(JsonObject document, const ModelConfig& config,
                                 SafetensorsType type) {
  document.remove("quantization_config");
  if (type != SafetensorsType::bf16)
    document.set("quantization_config", text_of(quantization(config, type)));
  std::vector<TextFile> files = {{"config.json", text_of(document) + "\n"}};
  files.push_back({"generation_config.json", text_of(generation_config(config)) + "\n"});
  if (type == SafetensorsType::fp8)
    files.push_back({"hf_quant_config.json", text_of(hf_quant_config(config)) + "\n"});
  return files;
}

}  // namespace

std::vector<TextFile> config_files(const ModelConfig& config, SafetensorsType type) {
  return make_files(config_json(config), config, type);
}

Result<std::vector<TextFile>> config_files_like(std::string_view config_json,
                                                const ModelConfig& config, SafetensorsType type) {
  auto document = JsonObject::read(config_json);
  if (!document.is_ok())
    return Status{StatusCode::kBadFile, join("config.json: ", document.status().message())};
  return make_files(std::move(document).value(), config, type);
}

}  // namespace nemotron
