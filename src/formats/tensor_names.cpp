// Two tables of names: one row per role, in the order of the enum.
#include "formats/tensor_names.h"

#include <array>
#include <charconv>

#include "base/text.h"

namespace nemotron {
namespace {

struct Names {
  TensorRole role;
  std::string_view huggingface;  // after the module prefix and "layers.N."
  std::string_view gguf;         // after "blk.N."
};

constexpr std::array<Names, kNumTensorRoles> kNames = {{
    {TensorRole::token_embedding, "embeddings.weight", "token_embd.weight"},
    {TensorRole::final_norm, "norm_f.weight", "output_norm.weight"},
    {TensorRole::output, "lm_head.weight", "output.weight"},
    {TensorRole::norm, "norm.weight", "attn_norm.weight"},
    {TensorRole::in_proj, "mixer.in_proj.weight", "ssm_in.weight"},
    {TensorRole::conv_weight, "mixer.conv1d.weight", "ssm_conv1d.weight"},
    {TensorRole::conv_bias, "mixer.conv1d.bias", "ssm_conv1d.bias"},
    {TensorRole::dt_bias, "mixer.dt_bias", "ssm_dt.bias"},
    {TensorRole::A, "mixer.A_log", "ssm_a"},
    {TensorRole::D, "mixer.D", "ssm_d"},
    {TensorRole::gated_norm, "mixer.norm.weight", "ssm_norm.weight"},
    {TensorRole::out_proj, "mixer.out_proj.weight", "ssm_out.weight"},
    {TensorRole::q_proj, "mixer.q_proj.weight", "attn_q.weight"},
    {TensorRole::k_proj, "mixer.k_proj.weight", "attn_k.weight"},
    {TensorRole::v_proj, "mixer.v_proj.weight", "attn_v.weight"},
    {TensorRole::o_proj, "mixer.o_proj.weight", "attn_output.weight"},
    {TensorRole::up_proj, "mixer.up_proj.weight", "ffn_up.weight"},
    {TensorRole::down_proj, "mixer.down_proj.weight", "ffn_down.weight"},
}};

constexpr TensorRole kModelRoles[] = {TensorRole::token_embedding, TensorRole::final_norm,
                                      TensorRole::output};
constexpr TensorRole kMamba2Roles[] = {
    TensorRole::norm,      TensorRole::in_proj,    TensorRole::conv_weight,
    TensorRole::conv_bias, TensorRole::dt_bias,    TensorRole::A,
    TensorRole::D,         TensorRole::gated_norm, TensorRole::out_proj};
constexpr TensorRole kAttentionRoles[] = {TensorRole::norm, TensorRole::q_proj, TensorRole::k_proj,
                                          TensorRole::v_proj, TensorRole::o_proj};
constexpr TensorRole kMlpRoles[] = {TensorRole::norm, TensorRole::up_proj, TensorRole::down_proj};

bool is_model_role(TensorRole role) { return role <= TensorRole::output; }

bool strip_prefix(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

// Takes "12." off the front; false for anything that is no plain number below a million.
bool strip_layer(std::string_view& text, int& layer) {
  const std::size_t dot = text.find('.');
  if (dot == std::string_view::npos || dot == 0 || dot > 6 || (text[0] == '0' && dot > 1))
    return false;
  const auto [end, error] = std::from_chars(text.data(), text.data() + dot, layer);
  if (error != std::errc{} || end != text.data() + dot || layer < 0) return false;
  text.remove_prefix(dot + 1);
  return true;
}

std::string_view name_in(const Names& names, NameStyle style) {
  return style == NameStyle::gguf ? names.gguf : names.huggingface;
}

std::optional<TensorSlot> find_name(NameStyle style, std::string_view name, int layer) {
  for (const Names& names : kNames) {
    if (name_in(names, style) == name && is_model_role(names.role) == (layer == kNoLayer))
      return TensorSlot{names.role, layer};
  }
  return std::nullopt;
}

}  // namespace

std::optional<TensorSlot> parse_tensor_name(NameStyle style, std::string_view name) {
  int layer = kNoLayer;
  if (style == NameStyle::gguf) {
    if (strip_prefix(name, "blk.") && !strip_layer(name, layer)) return std::nullopt;
    return find_name(style, name, layer);
  }
  strip_prefix(name, "language_model.");
  if (name == kNames[static_cast<int>(TensorRole::output)].huggingface)
    return TensorSlot{TensorRole::output, kNoLayer};
  if (!strip_prefix(name, "backbone.") && !strip_prefix(name, "model.")) return std::nullopt;
  if (strip_prefix(name, "layers.") && !strip_layer(name, layer)) return std::nullopt;
  const auto slot = find_name(style, name, layer);
  // lm_head lies beside the backbone, not in it.
  return slot.has_value() && slot->role == TensorRole::output ? std::nullopt : slot;
}

std::optional<ScaleSlot> parse_scale_name(NameStyle style, std::string_view name) {
  const std::string_view weight_suffix = style == NameStyle::gguf ? ".scale" : ".weight_scale";
  constexpr std::string_view kInputSuffix = ".input_scale";
  const bool is_input = name.ends_with(kInputSuffix);
  if (!is_input && !name.ends_with(weight_suffix)) return std::nullopt;
  name.remove_suffix(is_input ? kInputSuffix.size() : weight_suffix.size());
  const auto slot = parse_tensor_name(style, join(name, ".weight"));
  if (!slot.has_value() || !is_matrix(slot->role)) return std::nullopt;
  return ScaleSlot{*slot, is_input ? ScaleKind::input : ScaleKind::weight};
}

bool is_kv_scale(std::string_view name) {
  return name.ends_with(".k_scale") || name.ends_with(".v_scale");
}

std::string tensor_name(NameStyle style, TensorSlot slot) {
  const std::string_view name = name_in(kNames[static_cast<int>(slot.role)], style);
  if (style == NameStyle::gguf)
    return slot.layer == kNoLayer ? std::string(name) : join("blk.", slot.layer, ".", name);
  if (slot.role == TensorRole::output) return std::string(name);
  return slot.layer == kNoLayer ? join("backbone.", name)
                                : join("backbone.layers.", slot.layer, ".", name);
}

bool is_ignorable_tensor(std::string_view name) {
  strip_prefix(name, "language_model.");
  return name.starts_with("mtp.") || name.starts_with("rope_freqs") ||
         name.ends_with("rotary_emb.inv_freq");
}

std::span<const TensorRole> model_roles() { return kModelRoles; }

std::span<const TensorRole> layer_roles(LayerKind kind) {
  switch (kind) {
    case LayerKind::mamba2:
      return kMamba2Roles;
    case LayerKind::attention:
      return kAttentionRoles;
    case LayerKind::mlp:
      return kMlpRoles;
  }
  return {};
}

std::vector<TensorSlot> all_slots(const ModelConfig& config) {
  std::vector<TensorSlot> slots;
  for (const TensorRole role : model_roles())
    if (role != TensorRole::output || !config.tied_output) slots.push_back({role, kNoLayer});
  for (int layer = 0; layer < config.n_layers; ++layer)
    for (const TensorRole role : layer_roles(config.layers[static_cast<std::size_t>(layer)]))
      slots.push_back({role, layer});
  return slots;
}

std::optional<LayerKind> layer_kind_of(TensorRole role) {
  if (role <= TensorRole::norm) return std::nullopt;
  if (role <= TensorRole::out_proj) return LayerKind::mamba2;
  return role <= TensorRole::o_proj ? LayerKind::attention : LayerKind::mlp;
}

std::vector<std::uint64_t> tensor_shape(const ModelConfig& config, TensorRole role) {
  const auto shape = [](auto... dims) {
    return std::vector<std::uint64_t>{static_cast<std::uint64_t>(dims)...};
  };
  switch (role) {
    case TensorRole::token_embedding:
    case TensorRole::output:
      return shape(config.n_vocab, config.d_model);
    case TensorRole::final_norm:
    case TensorRole::norm:
      return shape(config.d_model);
    case TensorRole::in_proj:
      return shape(config.in_proj_rows(), config.d_model);
    case TensorRole::conv_weight:
      return shape(config.conv_dim(), config.d_conv);
    case TensorRole::conv_bias:
      return shape(config.conv_dim());
    case TensorRole::dt_bias:
    case TensorRole::A:
    case TensorRole::D:
      return shape(config.n_ssm_heads);
    case TensorRole::gated_norm:
      return shape(config.d_inner());
    case TensorRole::out_proj:
      return shape(config.d_model, config.d_inner());
    case TensorRole::q_proj:
      return shape(config.q_dim(), config.d_model);
    case TensorRole::k_proj:
    case TensorRole::v_proj:
      return shape(config.kv_dim(), config.d_model);
    case TensorRole::o_proj:
      return shape(config.d_model, config.q_dim());
    case TensorRole::up_proj:
      return shape(config.d_ff, config.d_model);
    case TensorRole::down_proj:
      return shape(config.d_model, config.d_ff);
  }
  return {};
}

bool is_matrix(TensorRole role) {
  switch (role) {
    case TensorRole::token_embedding:
    case TensorRole::output:
    case TensorRole::in_proj:
    case TensorRole::out_proj:
    case TensorRole::q_proj:
    case TensorRole::k_proj:
    case TensorRole::v_proj:
    case TensorRole::o_proj:
    case TensorRole::up_proj:
    case TensorRole::down_proj:
      return true;
    default:
      return false;
  }
}

}  // namespace nemotron
