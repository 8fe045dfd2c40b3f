// The layer stack: embed, then for each layer norm, mixer and residual; and the output head.
// Written once for all backends. No allocation, no locks, no logging.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "backend/backend.h"
#include "model/activations.h"
#include "model/weights.h"

namespace nemotron {

// Runs the tokens of `batch` through all layers; updates the states of its sequences. The rows of
// the residual stream stay in activations.hidden() for output_head(). batch.n_rows is at most
// activations.max_rows().
void forward(Backend& backend, const ModelWeights& weights, const Activations& activations,
             const StepBatch& batch);

// No step has more operations than this: forward(), one part of output_head(), and the choice of
// its tokens.
constexpr std::size_t max_step_operations(std::size_t n_layers) { return 5 + 7 * n_layers; }

// Logits of some rows of the last forward(), at most kMaxLogitRows, into activations.logits().
void output_head(Backend& backend, const ModelWeights& weights, const Activations& activations,
                 std::int64_t n_step_rows, std::span<const std::int32_t> rows);

}  // namespace nemotron
