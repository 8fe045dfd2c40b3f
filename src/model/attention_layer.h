// The attention mixer: group-query attention without any position encoding.
#pragma once

#include "model/activations.h"
#include "model/weights.h"

namespace nemotron {

// activations.normed -> activations.mixed; appends keys and values of attention layer `layer`.
void attention_layer(Backend& backend, const AttentionWeights& w, const StepBatch& batch, int layer,
                     const Activations& activations);

}  // namespace nemotron
