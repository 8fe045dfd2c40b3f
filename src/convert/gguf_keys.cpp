// https://github.com/ggml-org/ggml/blob/master/docs/gguf.md names the common keys.
#include "convert/gguf_keys.h"

#include <vector>

#include "base/text.h"

namespace nemotron {
namespace {

constexpr std::string_view kArchitecture = "nemotron_h";
constexpr std::uint32_t kQuantizationVersion = 2;

// One number per layer: `value` in layers of the kind, 0 in the others.
std::vector<std::int32_t> per_layer(const ModelConfig& config, LayerKind kind, int value) {
  std::vector<std::int32_t> out;
  for (const LayerKind layer : config.layers) out.push_back(layer == kind ? value : 0);
  return out;
}

void add_id(std::string_view key, std::int64_t id, GgufMetadata& metadata) {
  if (id >= 0) metadata.set_uint32(key, static_cast<std::uint32_t>(id));
}

}  // namespace

void add_architecture(const ModelConfig& config, std::string_view name, GgufMetadata& metadata) {
  const auto set = [&](std::string_view key, int value) {
    metadata.set_uint32(join(kArchitecture, ".", key), static_cast<std::uint32_t>(value));
  };
  metadata.set_string("general.architecture", kArchitecture);
  metadata.set_string("general.type", "model");
  metadata.set_string("general.name", name);
  set("block_count", config.n_layers);
  set("context_length", config.max_context);
  set("embedding_length", config.d_model);
  set("vocab_size", config.n_vocab);
  metadata.set_int32s(join(kArchitecture, ".feed_forward_length"),
                      per_layer(config, LayerKind::mlp, config.d_ff));
  set("attention.head_count", config.n_heads);
  metadata.set_int32s(join(kArchitecture, ".attention.head_count_kv"),
                      per_layer(config, LayerKind::attention, config.n_kv_heads));
  set("attention.key_length", config.head_dim);
  set("attention.value_length", config.head_dim);
  metadata.set_float32(join(kArchitecture, ".attention.layer_norm_rms_epsilon"), config.norm_eps);
  metadata.set_float32(join(kArchitecture, ".attention.layer_norm_epsilon"), config.norm_eps);
  if (config.n_heads > 0) set("rope.dimension_count", config.d_model / config.n_heads);
  metadata.set_float32(join(kArchitecture, ".rope.freq_base"), 10000.0f);
  metadata.set_bool(join(kArchitecture, ".rope.scaling.finetuned"), false);
  set("ssm.conv_kernel", config.d_conv);
  set("ssm.state_size", config.d_state);
  set("ssm.group_count", config.n_groups);
  set("ssm.inner_size", config.d_inner());
  set("ssm.time_step_rank", config.n_ssm_heads);
}

void add_file_type(FileType type, GgufMetadata& metadata) {
  metadata.set_uint32("general.file_type", traits(type).gguf_number);
  metadata.set_uint32("general.quantization_version", kQuantizationVersion);
}

void add_vocabulary(const VocabularyData& data, std::string_view chat_template,
                    GgufMetadata& metadata) {
  metadata.set_string("tokenizer.ggml.model", "gpt2");
  // "pixtral" is the Tekken tokenizer without BOS, "tekken" the one with it.
  const bool adds_bos = data.add_bos.value_or(false);
  metadata.set_string("tokenizer.ggml.pre", adds_bos ? "tekken" : "pixtral");
  metadata.set_strings("tokenizer.ggml.tokens", data.tokens);
  if (!data.token_types.empty()) metadata.set_int32s("tokenizer.ggml.token_type", data.token_types);
  metadata.set_strings("tokenizer.ggml.merges", data.merges);
  add_id("tokenizer.ggml.bos_token_id", data.bos_id, metadata);
  add_id("tokenizer.ggml.eos_token_id", data.eos_id, metadata);
  add_id("tokenizer.ggml.unknown_token_id", data.unknown_id, metadata);
  metadata.set_bool("tokenizer.ggml.add_bos_token", adds_bos);
  if (!chat_template.empty()) metadata.set_string("tokenizer.chat_template", chat_template);
}

void add_no_vocabulary(GgufMetadata& metadata) {
  metadata.set_string("tokenizer.ggml.model", "none");
}

}  // namespace nemotron
