// The small files beside safetensors: config.json, generation_config.json, hf_quant_config.json.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "convert/tensor_plan.h"
#include "model/config.h"

namespace nemotron {

struct TextFile {
  std::string name;
  std::string text;
};

// As published checkpoints have them, with what the type says of quantization. FP8 is described as
// ModelOpt does it. Readers of that take an FP8 matrix to have an input scale and compute with a
// missing one, so weights alone are described as compressed-tensors, where that is a scheme.
std::vector<TextFile> config_files(const ModelConfig& config, SafetensorsType type);

// The same with the config.json that the model came with: only what it says of quantization is
// replaced. kBadFile when it is no JSON object.
Result<std::vector<TextFile>> config_files_like(std::string_view config_json,
                                                const ModelConfig& config, SafetensorsType type);

}  // namespace nemotron
