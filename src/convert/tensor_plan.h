// Which tensors a file will hold: names, types and shapes as published files have them.
#pragma once

#include <vector>

#include "convert/file_type.h"
#include "formats/tensor_names.h"
#include "quant/tensor_table.h"

namespace nemotron {

struct PlannedTensor {
  enum class Part : std::uint8_t { weight, weight_scale, input_scale };  // scales: FP8 only

  TensorSlot slot;
  Part part = Part::weight;
  TensorEntry entry;  // name, type and shape; not placed
};
using TensorPlan = std::vector<PlannedTensor>;

// In the order in which llama.cpp's quantizer writes: the model's own tensors by name, then block
// by block, by name.
TensorPlan plan_gguf(const ModelConfig& config, FileType type, bool has_importance = false);

// How matrices are stored in safetensors. FP8 is ModelOpt's: the projections of MLP and Mamba-2
// layers in E4M3, but for those that stay in BF16 (keeps_bf16), with a scale for the weights and
// one to which the inputs are rounded; weight-only has none of the latter.
enum class SafetensorsType : std::uint8_t { bf16, fp8, fp8_weight_only };

TensorPlan plan_safetensors(const ModelConfig& config, SafetensorsType type);

// Whether ModelOpt's recipe leaves this matrix alone. The 4B's recipe also spares the Mamba-2 layer
// before each attention layer, which the models with more layers do not.
bool keeps_bf16(const ModelConfig& config, TensorSlot slot);

TensorTable table_of(const TensorPlan& plan);

}  // namespace nemotron
