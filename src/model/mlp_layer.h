// The MLP mixer: up, squared ReLU, down; no gate.
#pragma once

#include "model/activations.h"
#include "model/weights.h"

namespace nemotron {

// activations.normed -> activations.mixed.
void mlp_layer(Backend& backend, const MlpWeights& w, const StepBatch& batch,
               const Activations& activations);

}  // namespace nemotron
