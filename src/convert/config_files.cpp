#include "convert/config_files.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/text.h"
#include "convert/tensor_plan.h"

namespace nemotron {
namespace {

using Json = nlohmann::ordered_json;

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

// config.json's quantization_config.
Json quantization(const ModelConfig& config, SafetensorsType type) {
  if (type == SafetensorsType::fp8)
    return {
        {"quant_method", "modelopt"}, {"quant_algo", "FP8"}, {"ignore", excluded_modules(config)}};
  const Json weights = {{"num_bits", 8},
                        {"type", "float"},
                        {"strategy", "tensor"},
                        {"symmetric", true},
                        {"dynamic", false}};
  const Json group = {{"targets", {"Linear"}},
                      {"weights", weights},
                      {"input_activations", nullptr},
                      {"output_activations", nullptr}};
  return {{"quant_method", "compressed-tensors"}, {"format", "float-quantized"},
          {"quantization_status", "compressed"},  {"config_groups", {{"group_0", group}}},
          {"ignore", excluded_modules(config)},   {"kv_cache_scheme", nullptr}};
}

Json config_json(const ModelConfig& config) {
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
  return out;
}

std::string text_of(const Json& json) { return json.dump(2) + "\n"; }

std::vector<TextFile> make_files(Json document, const ModelConfig& config, SafetensorsType type) {
  document.erase("quantization_config");
  if (type != SafetensorsType::bf16) document["quantization_config"] = quantization(config, type);
  std::vector<TextFile> files = {{"config.json", text_of(document)}};
  Json generation = Json::object();
  if (config.bos_id >= 0) generation["bos_token_id"] = config.bos_id;
  if (!config.eos_ids.empty()) generation["eos_token_id"] = config.eos_ids;
  files.push_back({"generation_config.json", text_of(generation)});
  if (type == SafetensorsType::fp8)
    files.push_back(
        {"hf_quant_config.json", text_of({{"producer", {{"name", "modelopt"}}},
                                          {"quantization",
                                           {{"quant_algo", "FP8"},
                                            {"kv_cache_quant_algo", nullptr},
                                            {"exclude_modules", excluded_modules(config)}}}})});
  return files;
}

// Python writes numbers that JSON has not, and checkpoints have them: as strings on the way in, and
// without the quotes again on the way out.
constexpr std::string_view kLiterals[] = {"-Infinity", "Infinity", "NaN"};
constexpr std::string_view kMark = "(a number) ";

std::string with_quotes(std::string_view json) {
  std::string out;
  bool is_in_string = false;
  for (std::size_t i = 0; i < json.size(); ++i) {
    if (json[i] == '"') is_in_string = !is_in_string;
    const auto* literal = std::ranges::find_if(
        kLiterals, [&](std::string_view text) { return json.substr(i).starts_with(text); });
    if (is_in_string || literal == std::end(kLiterals)) {
      out += json[i];
      if (is_in_string && json[i] == '\\' && i + 1 < json.size()) out += json[++i];
      continue;
    }
    out += join('"', kMark, *literal, '"');
    i += literal->size() - 1;
  }
  return out;
}

void take_quotes_away(std::string& json) {
  for (const std::string_view literal : kLiterals) {
    const std::string quoted = join('"', kMark, literal, '"');
    for (auto at = json.find(quoted); at != json.npos; at = json.find(quoted, at))
      json.replace(at, quoted.size(), literal);
  }
}

}  // namespace

std::vector<TextFile> config_files(const ModelConfig& config, SafetensorsType type) {
  return make_files(config_json(config), config, type);
}

Result<std::vector<TextFile>> config_files_like(std::string_view config_json,
                                                const ModelConfig& config, SafetensorsType type) {
  constexpr int kMaxDepth = 64;
  const auto is_shallow = [](int depth, Json::parse_event_t, const Json&) {
    return depth <= kMaxDepth;
  };
  Json document = Json::parse(with_quotes(config_json), is_shallow, /*allow_exceptions=*/false);
  if (!document.is_object()) return Status{StatusCode::kBadFile, "config.json is no JSON object"};
  std::vector<TextFile> files = make_files(std::move(document), config, type);
  take_quotes_away(files.front().text);
  return files;
}

}  // namespace nemotron
