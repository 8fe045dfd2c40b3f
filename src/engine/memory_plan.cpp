#include "engine/memory_plan.h"

#include "base/checked_math.h"
#include "base/text.h"
#include "formats/model_file.h"
#include "model/activations.h"
#include "model/forward.h"

namespace nemotron {

EngineBytes measure_engine(const ModelFile& file, const BackendMemory& memory, int max_step_rows,
                           WeightAccess access) {
  const ModelConfig& config = file.config();
  const WeightBytes weights = measure_weights(file, memory, access);
  EngineBytes bytes;
  bytes.weight_bytes = weights.stored_bytes;
  bytes.mapped_bytes = weights.mapped_bytes;
  bytes.scratch_bytes = Activations::bytes_for(memory, config, max_step_rows) +
                        weights.product_bytes +
                        memory.operation_bytes(max_step_operations(config.layers.size())) +
                        static_cast<std::uint64_t>(config.n_vocab) * sizeof(float);
  return bytes;
}

Result<MemoryPlan> plan_memory(const EngineBytes& engine, const ModelConfig& config,
                               const PlannedSessions& sessions, std::uint64_t snapshot_bytes) {
  if (sessions.n_tokens < 1 || sessions.n_tokens > config.max_context)
    return Status(StatusCode::kInvalidArgument,
                  join(sessions.n_tokens, " tokens in a session; this model takes 1 to ",
                       config.max_context));
  NEMO_ASSIGN(const StateLayout layout,
              StateLayout::measure(config, sessions.kv_type, sessions.state_type));
  MemoryPlan plan;
  plan.engine = engine;
  plan.recurrent_bytes = layout.recurrent_bytes();
  plan.kv_bytes = layout.kv_bytes(sessions.n_tokens);
  plan.snapshot_bytes = snapshot_bytes;
  std::uint64_t state_bytes = 0;
  if (!checked_mul(plan.recurrent_bytes + plan.kv_bytes, sessions.n_sessions, state_bytes) ||
      !checked_add(engine.total_bytes(), state_bytes, plan.total_bytes) ||
      !checked_add(plan.total_bytes, snapshot_bytes, plan.total_bytes))
    return Status(
        StatusCode::kInvalidArgument,
        join(sessions.n_sessions, " sessions of ", plan.recurrent_bytes + plan.kv_bytes,
             " bytes and snapshots of ", snapshot_bytes, " are more than can be counted"));
  return plan;
}

}  // namespace nemotron
