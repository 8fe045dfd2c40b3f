// A model ready to run: its backend, weights and the activations of the one step that runs at a
// time. Sessions share it; step_mutex makes their steps take turns.
#pragma once

#include <memory>
#include <mutex>

#include "backend/backend.h"
#include "model/activations.h"
#include "model/config.h"
#include "model/weights.h"

namespace nemotron {

class Engine {
 public:
  // Loads the weights of `file`. As load_weights(), and kOutOfMemory for the activations.
  static Result<std::shared_ptr<Engine>> create(const ModelFile& file,
                                                std::unique_ptr<Backend> backend, int max_step_rows,
                                                const LoadProgress& progress);

  Backend& backend() const { return *backend_; }
  const ModelConfig& config() const { return config_; }
  const ModelWeights& weights() const { return weights_; }
  const Activations& activations() const { return activations_; }
  std::mutex& step_mutex() const { return step_mutex_; }

 private:
  Engine() = default;

  std::unique_ptr<Backend> backend_;  // first: outlives the memory that came from it
  ModelConfig config_;
  ModelWeights weights_;
  Activations activations_;
  mutable std::mutex step_mutex_;
};

}  // namespace nemotron
