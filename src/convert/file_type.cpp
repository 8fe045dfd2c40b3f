// The rules speak of counters that run over the tensors of a kind in the order of the layers; here
// they are computed from the layer, so that each tensor can be asked for by itself.
#include "convert/file_type.h"

#include <algorithm>
#include <string>

namespace nemotron {
namespace {

constexpr FileTypeTraits kTraits[] = {
    {FileType::f32, "f32", TensorType::kF32, 0},
    {FileType::f16, "f16", TensorType::kF16, 1},
    {FileType::bf16, "bf16", TensorType::kBF16, 32},
    {FileType::fp8, "fp8", TensorType::kF8_E4M3, 0},
    {FileType::q4_0, "q4_0", TensorType::kQ4_0, 2},
    {FileType::q4_1, "q4_1", TensorType::kQ4_1, 3},
    {FileType::q5_0, "q5_0", TensorType::kQ5_0, 8},
    {FileType::q5_1, "q5_1", TensorType::kQ5_1, 9},
    {FileType::q8_0, "q8_0", TensorType::kQ8_0, 7},
    {FileType::q2_k, "q2_k", TensorType::kQ2_K, 10},
    {FileType::q3_k_s, "q3_k_s", TensorType::kQ3_K, 11},
    {FileType::q3_k_m, "q3_k_m", TensorType::kQ3_K, 12},
    {FileType::q3_k_l, "q3_k_l", TensorType::kQ3_K, 13},
    {FileType::q4_k_s, "q4_k_s", TensorType::kQ4_K, 14},
    {FileType::q4_k_m, "q4_k_m", TensorType::kQ4_K, 15},
    {FileType::q5_k_s, "q5_k_s", TensorType::kQ5_K, 16},
    {FileType::q5_k_m, "q5_k_m", TensorType::kQ5_K, 17},
    {FileType::q6_k, "q6_k", TensorType::kQ6_K, 18},
    {FileType::iq4_nl, "iq4_nl", TensorType::kIQ4_NL, 25},
    {FileType::iq4_xs, "iq4_xs", TensorType::kIQ4_XS, 30},
    {FileType::nemo4, "nemo4", TensorType::kIQ4_NL, 25},  // there is no number for such a mix
};

bool use_more_bits(int index, int n) {
  return index < n / 8 || index >= 7 * n / 8 || (index - n / 8) % 3 == 2;
}

// How many layers of the kind come before `layer`.
int index_in_kind(const ModelConfig& config, LayerKind kind, int layer) {
  return static_cast<int>(std::count(config.layers.begin(), config.layers.begin() + layer, kind));
}

bool is_one_of(FileType type, std::initializer_list<FileType> types) {
  return std::find(types.begin(), types.end(), type) != types.end();
}

TensorType value_type(FileType file, TensorType base, const ModelConfig& config, int layer) {
  const int index = index_in_kind(config, LayerKind::attention, layer);
  // Taken from the first layer there, which in a hybrid model has no heads as a rule.
  const bool has_wide_groups =
      config.layers[0] == LayerKind::attention && config.n_heads / config.n_kv_heads >= 4;
  switch (file) {
    case FileType::q2_k:
      return has_wide_groups ? TensorType::kQ4_K : TensorType::kQ3_K;
    case FileType::q3_k_m:
      return index < 2 ? TensorType::kQ5_K : TensorType::kQ4_K;
    case FileType::q3_k_l:
      return TensorType::kQ5_K;
    case FileType::iq4_nl:
    case FileType::iq4_xs:
      return has_wide_groups ? TensorType::kQ5_K : base;
    case FileType::q4_k_m:
    case FileType::q5_k_m:
      return use_more_bits(index, config.count(LayerKind::attention)) ? TensorType::kQ6_K : base;
    case FileType::q4_k_s:
      return index < 4 ? TensorType::kQ5_K : base;
    default:
      return base;
  }
}

// The counter runs over the MLP layers, its end is the number of all layers.
TensorType down_type(FileType file, TensorType base, const ModelConfig& config, int layer,
                     bool has_importance) {
  const int index = index_in_kind(config, LayerKind::mlp, layer);
  const int n = config.n_layers;
  switch (file) {
    case FileType::q2_k:
      return TensorType::kQ3_K;
    case FileType::q3_k_m:
      return index < n / 16 ? TensorType::kQ5_K : TensorType::kQ4_K;
    case FileType::q3_k_l:
      return TensorType::kQ5_K;
    case FileType::q4_k_m:
    case FileType::q5_k_m:
      return use_more_bits(index, n) ? TensorType::kQ6_K : base;
    case FileType::q4_k_s:
      return index < n / 8 ? TensorType::kQ5_K : base;
    case FileType::iq4_nl:
    case FileType::iq4_xs:
      return index < n / 8 && !has_importance ? TensorType::kQ5_K : base;
    case FileType::q4_0:
      return index < n / 8 && has_importance ? TensorType::kQ4_1 : base;
    case FileType::q5_0:
      return index < n / 8 && has_importance ? TensorType::kQ5_1 : base;
    default:
      return base;
  }
}

TensorType o_proj_type(FileType file, TensorType base) {
  if (file == FileType::q2_k) return TensorType::kQ3_K;
  if (file == FileType::q3_k_m) return TensorType::kQ4_K;
  return file == FileType::q3_k_l ? TensorType::kQ5_K : base;
}

bool is_whole_blocks(std::uint64_t n_columns, TensorType type) {
  return n_columns % traits(type).block_elements == 0;
}

// For rows that are no whole number of blocks.
TensorType fallback_type(TensorType type, std::uint64_t n_columns) {
  if (is_whole_blocks(n_columns, type)) return type;
  TensorType fallback = TensorType::kF16;
  switch (type) {
    case TensorType::kQ2_K:
    case TensorType::kQ3_K:
      fallback = TensorType::kQ4_0;
      break;
    case TensorType::kQ4_K:
      fallback = TensorType::kQ5_0;
      break;
    case TensorType::kQ5_K:
      fallback = TensorType::kQ5_1;
      break;
    case TensorType::kQ6_K:
      fallback = TensorType::kQ8_0;
      break;
    case TensorType::kIQ4_XS:
      fallback = TensorType::kIQ4_NL;
      break;
    default:
      break;
  }
  return is_whole_blocks(n_columns, fallback) ? fallback : TensorType::kF16;
}

TensorType wanted_type(FileType file, const ModelConfig& config, TensorSlot slot,
                       std::uint64_t n_columns, bool has_importance) {
  const TensorType base = traits(file).tensor_type;
  if (file == FileType::nemo4) return base;
  switch (slot.role) {
    case TensorRole::token_embedding:
      if (!config.tied_output) return base;
      [[fallthrough]];
    case TensorRole::output:
      if (!is_whole_blocks(n_columns, base)) return TensorType::kQ8_0;
      return base == TensorType::kQ8_0 ? base : TensorType::kQ6_K;
    case TensorRole::v_proj:
      return value_type(file, base, config, slot.layer);
    case TensorRole::down_proj:
      return down_type(file, base, config, slot.layer, has_importance);
    case TensorRole::o_proj:
      return o_proj_type(file, base);
    default:
      return base;
  }
}

}  // namespace

std::optional<FileType> parse_file_type(std::string_view name) {
  std::string lower(name);
  for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  if (lower == "q3_k" || lower == "q4_k" || lower == "q5_k") lower += "_m";
  for (const FileTypeTraits& type : kTraits)
    if (type.name == lower) return type.type;
  return std::nullopt;
}

const FileTypeTraits& traits(FileType type) { return kTraits[static_cast<std::uint8_t>(type)]; }

TensorType gguf_tensor_type(FileType file, const ModelConfig& config, TensorSlot slot,
                            bool has_importance) {
  if (!is_matrix(slot.role)) return TensorType::kF32;
  if (is_one_of(file, {FileType::f32, FileType::f16, FileType::bf16}))
    return traits(file).tensor_type;
  const std::uint64_t n_columns = tensor_shape(config, slot.role).back();
  return fallback_type(wanted_type(file, config, slot, n_columns, has_importance), n_columns);
}

}  // namespace nemotron
