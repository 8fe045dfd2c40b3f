#include "model/forward.h"

#include "model/attention_layer.h"
#include "model/mamba2_layer.h"
#include "model/mlp_layer.h"

namespace nemotron {

namespace {

struct MixerCall {
  Backend& backend;
  const StepBatch& batch;
  const Activations& activations;
  int index;

  void operator()(const Mamba2Weights& w) const {
    mamba2_layer(backend, w, batch, index, activations);
  }
  void operator()(const AttentionWeights& w) const {
    attention_layer(backend, w, batch, index, activations);
  }
  void operator()(const MlpWeights& w) const { mlp_layer(backend, w, batch, activations); }
};

}  // namespace

void forward(Backend& backend, const ModelWeights& weights, const Activations& activations,
             const StepBatch& batch) {
  const TensorView hidden = activations.hidden(batch.n_rows);
  backend.embed(weights.embeddings, batch.tokens, hidden);
  for (const LayerWeights& layer : weights.layers) {
    backend.rms_norm(hidden, layer.norm, activations.normed(batch.n_rows));
    std::visit(MixerCall{backend, batch, activations, layer.index_in_kind}, layer.mixer);
    backend.add(activations.mixed(batch.n_rows), hidden);
  }
}

void output_head(Backend& backend, const ModelWeights& weights, const Activations& activations,
                 std::int64_t n_step_rows, std::span<const std::int32_t> rows) {
  const auto n = static_cast<std::int64_t>(rows.size());
  backend.gather_rows(activations.hidden(n_step_rows), rows, activations.mixed(n));
  backend.rms_norm(activations.mixed(n), weights.final_norm, activations.normed(n));
  backend.linear(activations.normed(n), weights.output, activations.logits(n));
}

}  // namespace nemotron
