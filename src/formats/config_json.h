// config.json (Hugging Face, model_type nemotron_h) to ModelConfig.
#pragma once

#include "base/result.h"
#include "json/json_value.h"
#include "model/config.h"

namespace nemotron {

// `root` is the whole document; a text model nested under llm_config or text_config is found.
// Messages name keys, not the file. kUnsupportedArchitecture for another model type, for
// mixture-of-experts layers, biases and activations that this family's dense models do not have.
// The result is validated.
Result<ModelConfig> config_from_json(const JsonValue& root);

// Adds what `document` states as eos_token_id (an id, a list of ids, or null) to `eos_ids`.
Status add_eos_ids(const JsonValue& document, std::vector<int>& eos_ids);

}  // namespace nemotron
