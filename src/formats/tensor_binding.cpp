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
  if (!is_matrix(role) && type.block_elements != 1)
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

int& TensorBinding::slot_index(TensorSlot slot) {
  return index_[static_cast<std::size_t>(slot.layer + 1) * kNumTensorRoles +
                static_cast<std::size_t>(slot.role)];
}

int TensorBinding::find(TensorRole role, int layer) const {
  if (layer < kNoLayer || layer >= n_layers_) return -1;
  return index_[static_cast<std::size_t>(layer + 1) * kNumTensorRoles +
                static_cast<std::size_t>(role)];
}

Result<TensorBinding> TensorBinding::bind(const ModelConfig& config, NameStyle style,
                                          int n_extra_layers, TensorTable& table) {
  TensorBinding binding(config.n_layers);
  for (std::size_t i = 0; i < table.size(); ++i) {
    TensorEntry& entry = table[i];
    if (is_ignorable_tensor(entry.name)) continue;
    const auto slot = parse_tensor_name(style, entry.name);
    if (!slot.has_value()) return mismatch(entry, "is not one that this model has");
    if (slot->layer >= config.n_layers && slot->layer - config.n_layers < n_extra_layers) continue;
    NEMO_TRY(check_place(entry, *slot, config));
    NEMO_TRY(check_content(entry, slot->role, config));
    int& index = binding.slot_index(*slot);
    if (index >= 0)
      return mismatch(entry, join("is there a second time, as '",
                                  table[static_cast<std::size_t>(index)].name, "'"));
    index = static_cast<int>(i);
  }
  const int embedding = binding.find(TensorRole::token_embedding);
  if (config.tied_output) binding.slot_index({TensorRole::output, kNoLayer}) = embedding;

  const auto check_present = [&](TensorSlot slot) {
    if (binding.find(slot.role, slot.layer) >= 0) return Status::ok();
    return Status(StatusCode::kMissingTensor,
                  join("tensor '", tensor_name(style, slot), "' is missing"));
  };
  for (const TensorRole role : model_roles()) NEMO_TRY(check_present({role, kNoLayer}));
  for (int layer = 0; layer < config.n_layers; ++layer) {
    for (const TensorRole role : layer_roles(config.layers[static_cast<std::size_t>(layer)]))
      NEMO_TRY(check_present({role, layer}));
  }
  return binding;
}

}  // namespace nemotron
