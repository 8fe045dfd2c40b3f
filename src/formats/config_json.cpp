// One function per group of keys. Keys are accepted in every spelling that published and re-saved
// checkpoints use; keys that do not change the mathematics (expand, chunk_size, rope_theta,
// time_step_min, ...) are not read at all.
#include "formats/config_json.h"

#include <algorithm>
#include <initializer_list>
#include <limits>
#include <optional>
#include <string_view>

#include "base/text.h"

namespace nemotron {
namespace {

using Keys = std::initializer_list<std::string_view>;

Status unsupported(std::string message) {
  return {StatusCode::kUnsupportedArchitecture, std::move(message)};
}

// The first of `keys` that is present and not null; `name` becomes its spelling.
const JsonValue* find_first(const JsonValue& object, Keys keys, std::string_view& name) {
  for (const std::string_view key : keys) {
    name = key;
    const JsonValue* value = object.find(key);
    if (value != nullptr && !value->is_null()) return value;
  }
  name = *keys.begin();
  return nullptr;
}

Result<int> to_int(const JsonValue& value, std::string_view name) {
  NEMO_ASSIGN(const std::int64_t number, value.to_integer(name));
  if (number < std::numeric_limits<int>::min() || number > std::numeric_limits<int>::max())
    return Status{StatusCode::kBadFile, join("'", name, "' is out of range: ", number)};
  return static_cast<int>(number);
}

Status read_int(const JsonValue& object, Keys keys, int& out) {
  std::string_view name;
  const JsonValue* value = find_first(object, keys, name);
  if (value == nullptr) return {StatusCode::kBadFile, join("'", name, "' is missing")};
  NEMO_ASSIGN(out, to_int(*value, name));
  return Status::ok();
}

Status read_optional_int(const JsonValue& object, Keys keys, int& out) {
  std::string_view name;
  return find_first(object, keys, name) == nullptr ? Status::ok() : read_int(object, keys, out);
}

// `out` keeps its value when the key is absent.
Status read_bool(const JsonValue& object, std::string_view key, bool& out) {
  std::string_view name;
  const JsonValue* value = find_first(object, {key}, name);
  if (value == nullptr) return Status::ok();
  NEMO_ASSIGN(out, value->to_bool(key));
  return Status::ok();
}

Status read_architecture(const JsonValue& object) {
  std::string_view name;
  const JsonValue* value = find_first(object, {"model_type"}, name);
  if (value == nullptr) return {StatusCode::kBadFile, "'model_type' is missing"};
  NEMO_ASSIGN(const std::string model_type, value->to_string(name));
  if (model_type == "nemotron_h") return Status::ok();
  return unsupported(join("the model type '", model_type, "' is not supported; 'nemotron_h' is"));
}

// A letter of hybrid_override_pattern or a name of layers_block_type.
Status append_layer(std::string_view word, std::vector<LayerKind>& layers) {
  if (word == "M" || word == "mamba" || word == "linear_attention") {
    layers.push_back(LayerKind::mamba2);
  } else if (word == "*" || word == "attention" || word == "full_attention") {
    layers.push_back(LayerKind::attention);
  } else if (word == "-" || word == "mlp") {
    layers.push_back(LayerKind::mlp);
  } else if (word == "E" || word == "moe") {
    return unsupported(join("layer ", layers.size(),
                            " is a mixture-of-experts layer; these are not "
                            "supported yet"));
  } else {
    return unsupported(join("layer ", layers.size(), " is of the unknown kind '", word, "'"));
  }
  return Status::ok();
}

Status append_pattern(const JsonValue& pattern, std::vector<LayerKind>& layers) {
  NEMO_ASSIGN(const std::string letters, pattern.to_string("hybrid_override_pattern"));
  for (std::size_t i = 0; i < letters.size(); ++i)
    NEMO_TRY(append_layer(std::string_view(letters).substr(i, 1), layers));
  return Status::ok();
}

// The number of layers is the length of the description: num_hidden_layers may be stale.
Status read_layers(const JsonValue& object, ModelConfig& config) {
  std::string_view name;
  std::vector<LayerKind> from_pattern;
  const JsonValue* pattern = find_first(object, {"hybrid_override_pattern"}, name);
  if (pattern != nullptr && pattern->is_array()) {
    for (const JsonValue& part : pattern->items()) NEMO_TRY(append_pattern(part, from_pattern));
  } else if (pattern != nullptr) {
    NEMO_TRY(append_pattern(*pattern, from_pattern));
  }
  const JsonValue* list = find_first(object, {"layers_block_type", "layer_types"}, name);
  if (list != nullptr) {
    if (!list->is_array())
      return {StatusCode::kBadFile,
              join("'", name, "' should be an array and is ", list->kind_name())};
    for (const JsonValue& item : list->items()) {
      NEMO_ASSIGN(const std::string word, item.to_string(name));
      NEMO_TRY(append_layer(word, config.layers));
    }
    if (pattern != nullptr && from_pattern != config.layers)
      return {StatusCode::kConfigMismatch,
              join("'hybrid_override_pattern' and '", name, "' describe different layers")};
  } else if (pattern != nullptr) {
    config.layers = std::move(from_pattern);
  } else {
    return {StatusCode::kBadFile,
            "neither 'hybrid_override_pattern' nor 'layers_block_type' describes the layers"};
  }
  config.n_layers = static_cast<int>(std::min<std::size_t>(config.layers.size(), INT32_MAX));
  return Status::ok();
}

Status read_mamba2(const JsonValue& object, ModelConfig& config) {
  NEMO_TRY(read_int(object, {"mamba_num_heads"}, config.n_ssm_heads));
  NEMO_TRY(read_int(object, {"mamba_head_dim"}, config.ssm_head_dim));
  NEMO_TRY(read_int(object, {"ssm_state_size", "mamba_state_dim"}, config.d_state));
  NEMO_TRY(read_int(object, {"n_groups", "mamba_n_groups"}, config.n_groups));
  return read_int(object, {"conv_kernel", "mamba_d_conv"}, config.d_conv);
}

// A number, or what newer transformers write for an infinite one: {"__float__": "Infinity"}.
Result<double> to_float(const JsonValue& value, std::string_view name) {
  const JsonValue* special = value.find("__float__");
  if (special == nullptr) return value.to_number(name);
  NEMO_ASSIGN(const std::string word, special->to_string(name));
  if (word == "Infinity") return std::numeric_limits<double>::infinity();
  return Status{StatusCode::kBadFile, join("'", name, "' is '", word, "'")};
}

Status read_time_step_limit(const JsonValue& object, ModelConfig& config) {
  std::string_view name;
  const JsonValue* limit = find_first(object, {"time_step_limit", "mamba_dt_limit"}, name);
  if (limit == nullptr) return Status::ok();
  if (limit->items().size() != 2)
    return {StatusCode::kBadFile, join("'", name, "' should be an array of two numbers")};
  NEMO_ASSIGN(const double low, to_float(limit->items()[0], name));
  NEMO_ASSIGN(const double high, to_float(limit->items()[1], name));
  constexpr double kMaxFloat = std::numeric_limits<float>::max();
  if (!(low >= 0.0 && low < high && low <= kMaxFloat))
    return {StatusCode::kBadFile, join("'", name, "' is no interval of numbers >= 0")};
  config.dt_min = static_cast<float>(low);
  config.dt_max =
      high > kMaxFloat ? std::numeric_limits<float>::infinity() : static_cast<float>(high);
  return Status::ok();
}

Status read_attention(const JsonValue& object, ModelConfig& config) {
  NEMO_TRY(read_int(object, {"num_attention_heads"}, config.n_heads));
  config.n_kv_heads = config.n_heads;
  NEMO_TRY(read_optional_int(object, {"num_key_value_heads"}, config.n_kv_heads));
  NEMO_TRY(read_int(object, {"head_dim", "attention_head_dim"}, config.head_dim));
  std::string_view name;
  if (find_first(object, {"sliding_window"}, name) != nullptr)
    return unsupported("attention with a sliding window is not supported");
  return Status::ok();
}

// A number, or in compressed models a list with one per MLP layer (zeros elsewhere).
Status read_mlp(const JsonValue& object, ModelConfig& config) {
  std::string_view name;
  const JsonValue* value = find_first(object, {"intermediate_size"}, name);
  if (value == nullptr || !value->is_array())
    return read_int(object, {"intermediate_size"}, config.d_ff);
  for (const JsonValue& item : value->items()) {
    NEMO_ASSIGN(const int width, to_int(item, name));
    if (width == 0 || width == config.d_ff) continue;
    if (config.d_ff != 0) return unsupported("MLP layers of different widths are not supported");
    config.d_ff = width;
  }
  return Status::ok();
}

Status read_norm_eps(const JsonValue& object, ModelConfig& config) {
  std::string_view name;
  const JsonValue* value =
      find_first(object, {"norm_eps", "layer_norm_epsilon", "rms_norm_eps"}, name);
  if (value == nullptr) return Status::ok();
  NEMO_ASSIGN(const double eps, value->to_number(name));
  if (!(eps > 0.0 && eps < 1.0))
    return {StatusCode::kBadFile,
            join("'", name, "' is ", eps, "; a number between 0 and 1 is possible")};
  config.norm_eps = static_cast<float>(eps);
  return Status::ok();
}

Status check_word(const JsonValue& object, std::string_view key, std::string_view expected) {
  std::string_view name;
  const JsonValue* value = find_first(object, {key}, name);
  if (value == nullptr) return Status::ok();
  NEMO_ASSIGN(const std::string word, value->to_string(key));
  if (word == expected) return Status::ok();
  return unsupported(join("'", key, "' is '", word, "'; only '", expected, "' is supported"));
}

Status check_fixed_choices(const JsonValue& object) {
  NEMO_TRY(check_word(object, "mlp_hidden_act", "relu2"));
  NEMO_TRY(check_word(object, "mamba_hidden_act", "silu"));
  for (const std::string_view key : {"attention_bias", "mlp_bias", "use_bias", "mamba_proj_bias"}) {
    bool has_bias = false;
    NEMO_TRY(read_bool(object, key, has_bias));
    if (has_bias) return unsupported(join("'", key, "' is true; linear biases are not supported"));
  }
  bool has_conv_bias = true;
  NEMO_TRY(read_bool(object, "use_conv_bias", has_conv_bias));
  if (!has_conv_bias) return unsupported("a convolution without bias is not supported");
  return Status::ok();
}

const JsonValue& text_model(const JsonValue& root) {
  if (root.find("hidden_size") != nullptr) return root;
  for (const std::string_view key : {"llm_config", "text_config"}) {
    const JsonValue* nested = root.find(key);
    if (nested != nullptr && nested->is_object()) return *nested;
  }
  return root;
}

}  // namespace

Status add_eos_ids(const JsonValue& document, std::vector<int>& eos_ids) {
  std::string_view name;
  const JsonValue* value = find_first(document, {"eos_token_id"}, name);
  if (value == nullptr) return Status::ok();
  const auto add = [&](const JsonValue& item) {
    NEMO_ASSIGN(const int id, to_int(item, name));
    if (std::find(eos_ids.begin(), eos_ids.end(), id) == eos_ids.end()) eos_ids.push_back(id);
    return Status::ok();
  };
  if (!value->is_array()) return add(*value);
  constexpr std::size_t kMaxEosIds = 1024;
  if (value->items().size() > kMaxEosIds)
    return {StatusCode::kBadFile, join("'", name, "' lists more than ", kMaxEosIds, " tokens")};
  for (const JsonValue& item : value->items()) NEMO_TRY(add(item));
  return Status::ok();
}

Result<ModelConfig> config_from_json(const JsonValue& root) {
  if (!root.is_object())
    return Status{StatusCode::kBadFile, join("an object is expected, not ", root.kind_name())};
  const JsonValue& object = text_model(root);
  ModelConfig config;
  NEMO_TRY(read_architecture(object));
  NEMO_TRY(read_layers(object, config));
  NEMO_TRY(check_fixed_choices(object));
  NEMO_TRY(read_int(object, {"hidden_size"}, config.d_model));
  NEMO_TRY(read_int(object, {"vocab_size"}, config.n_vocab));
  NEMO_TRY(read_int(object, {"max_position_embeddings"}, config.max_context));
  NEMO_TRY(read_bool(object, "tie_word_embeddings", config.tied_output));
  NEMO_TRY(read_norm_eps(object, config));
  if (config.has(LayerKind::mamba2)) {
    NEMO_TRY(read_mamba2(object, config));
    NEMO_TRY(read_time_step_limit(object, config));
  }
  if (config.has(LayerKind::attention)) NEMO_TRY(read_attention(object, config));
  if (config.has(LayerKind::mlp)) NEMO_TRY(read_mlp(object, config));
  NEMO_TRY(read_optional_int(object, {"bos_token_id"}, config.bos_id));
  NEMO_TRY(add_eos_ids(object, config.eos_ids));
  NEMO_TRY(config.validate());
  return config;
}

}  // namespace nemotron
