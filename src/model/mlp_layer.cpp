#include "model/mlp_layer.h"

namespace nemotron {

void mlp_layer(Backend& backend, const MlpWeights& w, const StepBatch& batch,
               const Activations& activations) {
  const MlpActivations a = activations.mlp(batch.n_rows);
  backend.linear(activations.normed(batch.n_rows), w.up_proj, a.up);
  backend.relu2(a.up, a.relu2);
  backend.linear(a.relu2, w.down_proj, activations.mixed(batch.n_rows));
}

}  // namespace nemotron
