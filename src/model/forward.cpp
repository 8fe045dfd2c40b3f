#include "model/forward.h"

#include <algorithm>

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

Status output_head(Backend& backend, const ModelWeights& weights, const Activations& activations,
                   std::int64_t n_step_rows, std::span<const std::int32_t> rows,
                   std::span<float> logits) {
  const auto n_vocab = static_cast<std::size_t>(weights.output.n_rows);
  for (std::size_t first = 0; first < rows.size(); first += kMaxLogitRows) {
    const auto part =
        rows.subspan(first, std::min<std::size_t>(kMaxLogitRows, rows.size() - first));
    const auto n = static_cast<std::int64_t>(part.size());
    backend.gather_rows(activations.hidden(n_step_rows), part, activations.mixed(n));
    backend.rms_norm(activations.mixed(n), weights.final_norm, activations.normed(n));
    backend.linear(activations.normed(n), weights.output, activations.logits(n));
    NEMO_TRY(backend.read(activations.logits(n).data,
                          logits.subspan(first * n_vocab, part.size() * n_vocab)));
  }
  return Status::ok();
}

}  // namespace nemotron
