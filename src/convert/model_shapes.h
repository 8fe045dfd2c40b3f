// The shapes of the published models, and one tiny shape for tests.
#pragma once

#include <optional>
#include <string_view>

#include "model/config.h"

namespace nemotron {

// "4b", "9b-v2", "12b-v2", "h-8b" or "tiny"; nothing for another name.
std::optional<ModelConfig> model_shape(std::string_view name);

}  // namespace nemotron
