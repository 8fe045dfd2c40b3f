#include "model/attention_layer.h"

namespace nemotron {

void attention_layer(Backend& backend, const AttentionWeights& w, const StepBatch& batch, int layer,
                     const Activations& activations) {
  const AttentionActivations a = activations.attention(batch.n_rows);
  const Activation normed = activations.normed(batch.n_rows);
  backend.linear(normed, w.q_proj, a.q);
  backend.linear(normed, w.k_proj, a.k);
  backend.linear(normed, w.v_proj, a.v);
  backend.attention(batch, layer, a.q, a.k, a.v, w.shape, a.carry, a.attended);
  backend.linear(a.attended, w.o_proj, activations.mixed(batch.n_rows));
}

}  // namespace nemotron
