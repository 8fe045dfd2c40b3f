// The small files beside safetensors: config.json, generation_config.json, hf_quant_config.json.
#pragma once

#include <string>
#include <vector>

#include "model/config.h"

namespace nemotron {

struct TextFile {
  std::string name;
  std::string text;
};

// As published checkpoints have them; with `is_fp8` also what ModelOpt says of its quantization.
std::vector<TextFile> config_files(const ModelConfig& config, bool is_fp8);

}  // namespace nemotron
