// First everything that the file has is judged, then what it lacks is looked for: a layer of
// another kind than configured is reported as such, not as a missing tensor.
#include "formats/tensor_binding.h"

#include <algorithm>
#include <string_view>

#include "base/text.h"

namespace nemotron {
namespace {

std::string_view kind_text(LayerKind kind) {
  switch (kind) {
    case LayerKind::mamba2:
      return "a Mamba-2 layer";
    case LayerKind::attention:
      return "an attention layer";
    case LayerKind::mlp:
      return "an MLP layer";
  }
  return "an unknown layer";
}

Status mismatch(const TensorEntry& entry, const std::string& what) {
  return {StatusCode::kConfigMismatch, join("tensor '", entry.name, "' ", what),
          static_cast<std::int64_t>(entry.offset_bytes)};
}

Status check_place(const TensorEntry& entry, TensorSlot slot, const ModelConfig& config) {
  if (slot.layer == kNoLayer) return Status::ok();
  if (slot.layer >= config.n_layers)
    return mismatch(entry,
                    join("is of layer ", slot.layer, ", but by its configuration the model has ",
                         config.n_layers, " layers"));
  const LayerKind kind = config.layers[static_cast<std::size_t>(slot.layer)];
  const auto needed = layer_kind_of(slot.role);
  if (!needed.has_value() || *needed == kind) return Status::ok();
  return mismatch(entry,
                  join("belongs to ", kind_text(*needed), ", but by its configuration layer ",
                       slot.layer, " is ", kind_text(kind)));
}

std::vector<std::uint64_t> without_ones(std::span<const std::uint64_t> shape) {
  std::vector<std::uint64_t> out;
  std::copy_if(shape.begin(), shape.end(), std::back_inserter(out),
               [](std::uint64_t dim) { return dim != 1; });
  return out;
}

// Matrices match to the letter. Of the others the files also hold forms with the same order in
// memory: with dimensions of one, and the gated norm as [n_groups, d_inner / n_groups].
bool shape_matches(const TensorEntry& entry, TensorRole role, const ModelConfig& config,
                   const std::vector<std::uint64_t>& expected) {
  if (std::ranges::equal(entry.dims(), expected)) return true;
  if (is_matrix(role)) return false;
  const auto found = without_ones(entry.dims());
  if (found == without_ones(expected)) return true;
  if (role != TensorRole::gated_norm) return false;
  const std::uint64_t grouped[] = {static_cast<std::uint64_t>(config.n_groups),
                                   static_cast<std::uint64_t>(config.d_inner() / config.n_groups)};
  return found == without_ones(grouped);
}

Status check_content(TensorEntry& entry, TensorRole role, const ModelConfig& config) {
  const auto expected = tensor_shape(config, role);
  if (!shape_matches(entry, role, config, expected))
    return mismatch(entry, join("has the shape ", shape_text(entry.dims()),
                                "; the configuration asks for ", shape_text(expected)));
  const TensorTypeTraits& type = traits(entry.type);
  const bool is_plain = type.block_elements == 1 && entry.type != TensorType::kF8_E4M3;
  if (!is_matrix(role) && !is_plain)
    return {
        StatusCode::kUnsupportedType,
        join("tensor '", entry.name, "' has type ", type.name, "; F32, F16 or BF16 is expected"),
        static_cast<std::int64_t>(entry.offset_bytes)};
  entry.n_dims = static_cast<int>(expected.size());
  entry.shape = {};
  std::copy(expected.begin(), expected.end(), entry.shape.begin());
  return Status::ok();
}

}  // namespace

std::size_t TensorBinding::place(TensorSlot slot) {
  return static_cast<std::size_t>(slot.layer + 1) * kNumTensorRoles +
         static_cast<std::size_t>(slot.role);
}

int TensorBinding::find(TensorRole role, int layer) const {
  return layer < kNoLayer || layer >= n_layers_ ? -1 : index_[place({role, layer})];
}

int TensorBinding::find_scale(ScaleKind kind, TensorRole role, int layer) const {
  if (layer < kNoLayer || layer >= n_layers_) return -1;
  return scale_index_[static_cast<int>(kind)][place({role, layer})];
}

Status TensorBinding::add_tensor(const ModelConfig& config, NameStyle style, int n_extra_layers,
                                 TensorTable& table, std::size_t i) {
  TensorEntry& entry = table[i];
  const auto scale = parse_scale_name(style, entry.name);
  const auto slot = scale.has_value() ? scale->matrix : parse_tensor_name(style, entry.name);
  if (!slot.has_value()) return mismatch(entry, "is not one that this model has");
  if (slot->layer >= config.n_layers && slot->layer - config.n_layers < n_extra_layers)
    return Status::ok();
  NEMO_TRY(check_place(entry, *slot, config));
  if (scale.has_value()) return add_scale(*scale, table, i);
  NEMO_TRY(check_content(entry, slot->role, config));
  int& index = index_[place(*slot)];
  if (index >= 0)
    return mismatch(entry, join("is there a second time, as '",
                                table[static_cast<std::size_t>(index)].name, "'"));
  index = static_cast<int>(i);
  return Status::ok();
}

Status TensorBinding::add_scale(ScaleSlot scale, const TensorTable& table, std::size_t i) {
  const TensorEntry& entry = table[i];
  if (entry.type != TensorType::kF32 || entry.n_dims > 1 || entry.n_elements() != 1)
    return mismatch(entry, join("is ", traits(entry.type).name, " ", shape_text(entry.dims()),
                                "; one F32 for the whole matrix is supported"));
  int& index = scale_index_[static_cast<int>(scale.kind)][place(scale.matrix)];
  if (index >= 0)
    return mismatch(entry, join("is there a second time, as '",
                                table[static_cast<std::size_t>(index)].name, "'"));
  index = static_cast<int>(i);
  return Status::ok();
}

Status TensorBinding::check_present(const ModelConfig& config, NameStyle style) const {
  for (const TensorSlot slot : all_slots(config))
    if (find(slot.role, slot.layer) < 0)
      return {StatusCode::kMissingTensor,
              join("tensor '", tensor_name(style, slot), "' is missing")};
  return Status::ok();
}

// Whether a matrix is FP8 its own type says, no list of exclusions. Then it has a scale; in
// safetensors no other type has one, and one that does was not made the way we read it.
Status TensorBinding::check_scales(const ModelConfig& config, NameStyle style,
                                   const TensorTable& table) const {
  for (const TensorSlot slot : all_slots(config))
    if (is_matrix(slot.role)) NEMO_TRY(check_scale(slot, style, table));
  return Status::ok();
}

Status TensorBinding::check_scale(TensorSlot slot, NameStyle style,
                                  const TensorTable& table) const {
  const TensorEntry& entry = table[static_cast<std::size_t>(find(slot.role, slot.layer))];
  const bool is_fp8 = entry.type == TensorType::kF8_E4M3;
  const bool has_weight_scale = find_scale(ScaleKind::weight, slot.role, slot.layer) >= 0;
  const bool has_scale =
      has_weight_scale || find_scale(ScaleKind::input, slot.role, slot.layer) >= 0;
  if (slot.role == TensorRole::token_embedding && (is_fp8 || has_scale))
    return {StatusCode::kUnsupportedType,
            join("tensor '", entry.name, "': a scaled token embedding is not supported")};
  if (is_fp8 && !has_weight_scale)
    return {StatusCode::kMissingTensor,
            join("tensor '", entry.name, "' is F8_E4M3 and has no weight_scale")};
  if (!is_fp8 && has_scale && style == NameStyle::huggingface)
    return mismatch(entry, join("has a scale, but is ", traits(entry.type).name));
  return Status::ok();
}

Result<TensorBinding> TensorBinding::bind(const ModelConfig& config, NameStyle style,
                                          int n_extra_layers, TensorTable& table) {
  TensorBinding binding(config.n_layers);
  for (std::size_t i = 0; i < table.size(); ++i) {
    if (is_kv_scale(table[i].name))
      ++binding.n_kv_scales_;
    else if (!is_ignorable_tensor(table[i].name))
      NEMO_TRY(binding.add_tensor(config, style, n_extra_layers, table, i));
  }
  if (config.tied_output)
    binding.index_[place({TensorRole::output, kNoLayer})] =
        binding.find(TensorRole::token_embedding);
  NEMO_TRY(binding.check_present(config, style));
  NEMO_TRY(binding.check_scales(config, style, table));
  return binding;
}

}  // namespace nemotron
