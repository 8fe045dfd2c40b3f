// Logits to weights: softmax at a temperature, in integers.
#pragma once

#include <cstdint>
#include <span>

namespace nemotron {

// weights[i] = round(kMaxWeight * exp((logits[i] - max_logit) / temperature)).
// Requires: logits not NaN nor above max_logit, which is finite; temperature > 0.
void compute_weights(std::span<const float> logits, float max_logit, float temperature,
                     std::span<std::uint64_t> weights);

}  // namespace nemotron
