#include "engine/engine.h"

#include <utility>

#include "formats/model_file.h"
#include "model/forward.h"

namespace nemotron {

Result<std::shared_ptr<Engine>> Engine::create(const ModelFile& file,
                                               std::unique_ptr<Backend> backend, int max_step_rows,
                                               const LoadProgress& progress) {
  std::shared_ptr<Engine> engine(new Engine);
  engine->backend_ = std::move(backend);
  engine->config_ = file.config();
  NEMO_ASSIGN(engine->weights_, load_weights(file, *engine->backend_, progress));
  NEMO_TRY(
      engine->backend_->reserve_operations(max_step_operations(engine->weights_.layers.size())));
  NEMO_ASSIGN(engine->activations_,
              Activations::create(*engine->backend_, engine->config_, max_step_rows));
  return engine;
}

}  // namespace nemotron
