// Shapes differ between the two kinds of file where the public converter reshapes.
#include "convert/tensor_plan.h"

#include <algorithm>
#include <utility>

#include "base/text.h"

namespace nemotron {
namespace {

std::vector<std::uint64_t> shape_in(NameStyle style, const ModelConfig& config, TensorRole role) {
  std::vector<std::uint64_t> shape = tensor_shape(config, role);
  const bool is_gguf = style == NameStyle::gguf;
  if (is_gguf && (role == TensorRole::A || role == TensorRole::D)) shape.push_back(1);
  if (is_gguf && role == TensorRole::gated_norm) {
    const auto n_groups = static_cast<std::uint64_t>(config.n_groups);
    shape = {n_groups, shape[0] / n_groups};
  }
  if (!is_gguf && role == TensorRole::conv_weight) shape.insert(shape.begin() + 1, 1);
  return shape;
}

PlannedTensor planned(NameStyle style, const ModelConfig& config, TensorSlot slot,
                      TensorType type) {
  PlannedTensor out{slot, PlannedTensor::Part::weight, {}};
  out.entry.name = tensor_name(style, slot);
  out.entry.type = type;
  const auto shape = shape_in(style, config, slot.role);
  out.entry.n_dims = static_cast<int>(shape.size());
  std::copy(shape.begin(), shape.end(), out.entry.shape.begin());
  return out;
}

PlannedTensor scale_of(const PlannedTensor& weight, PlannedTensor::Part part) {
  PlannedTensor out{weight.slot, part, {}};
  const std::string module = weight.entry.name.substr(0, weight.entry.name.rfind('.'));
  out.entry.name =
      join(module, part == PlannedTensor::Part::weight_scale ? ".weight_scale" : ".input_scale");
  return out;  // F32, no dimensions
}

}  // namespace

TensorPlan plan_gguf(const ModelConfig& config, FileType type, bool has_importance) {
  TensorPlan plan;
  for (const TensorSlot slot : all_slots(config))
    plan.push_back(planned(NameStyle::gguf, config, slot,
                           gguf_tensor_type(type, config, slot, has_importance)));
  std::sort(plan.begin(), plan.end(), [](const PlannedTensor& a, const PlannedTensor& b) {
    return std::pair(a.slot.layer, std::string_view(a.entry.name)) <
           std::pair(b.slot.layer, std::string_view(b.entry.name));
  });
  return plan;
}

bool keeps_bf16(const ModelConfig& config, TensorSlot slot) {
  constexpr int kMaxLayersOfSparing = 42;
  switch (slot.role) {
    case TensorRole::up_proj:
    case TensorRole::down_proj:
      return false;
    case TensorRole::in_proj:
    case TensorRole::out_proj: {
      const auto next = static_cast<std::size_t>(slot.layer) + 1;
      return config.n_layers <= kMaxLayersOfSparing && next < config.layers.size() &&
             config.layers[next] == LayerKind::attention;
    }
    default:
      return true;
  }
}

TensorPlan plan_safetensors(const ModelConfig& config, SafetensorsType type) {
  TensorPlan plan;
  for (const TensorSlot slot : all_slots(config)) {
    const bool is_narrow = type != SafetensorsType::bf16 && !keeps_bf16(config, slot);
    plan.push_back(planned(NameStyle::huggingface, config, slot,
                           is_narrow ? TensorType::kF8_E4M3 : TensorType::kBF16));
    if (!is_narrow) continue;
    const PlannedTensor weight = plan.back();
    if (type == SafetensorsType::fp8)
      plan.push_back(scale_of(weight, PlannedTensor::Part::input_scale));
    plan.push_back(scale_of(weight, PlannedTensor::Part::weight_scale));
  }
  return plan;
}

TensorTable table_of(const TensorPlan& plan) {
  TensorTable table;
  for (const PlannedTensor& tensor : plan) table.push_back(tensor.entry);
  return table;
}

}  // namespace nemotron
