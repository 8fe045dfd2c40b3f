// GGUF metadata (architecture nemotron_h) to ModelConfig.
#pragma once

#include "base/result.h"
#include "gguf/gguf.h"
#include "model/config.h"

namespace nemotron {

struct GgufConfig {
  ModelConfig config;
  int n_extra_layers = 0;  // multi-token prediction layers behind the last one; not run
};

// Messages name keys, not the file. The result is validated.
Result<GgufConfig> config_from_gguf(const GgufFile& file);

}  // namespace nemotron
