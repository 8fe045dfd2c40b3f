// The Mamba-2 mixer (arXiv:2405.21060, figure 6, with parallel projections and a gated group norm).
#pragma once

#include "model/activations.h"
#include "model/weights.h"

namespace nemotron {

// activations.normed -> activations.mixed; updates conv and SSM state of Mamba-2 layer `layer`.
void mamba2_layer(Backend& backend, const Mamba2Weights& w, const StepBatch& batch, int layer,
                  const Activations& activations);

}  // namespace nemotron
