// What an engine and its sequences take in memory, told from a model's headers. Engine::create asks
// before it loads; a host asks before it decides. The formulas are those of the code that
// allocates.
//
// Not counted: what does not grow with the model's weights or the tokens' states (the vocabulary,
// token ids, stacks of threads), and pages that only ever hold zeros (the state of an empty
// sequence).
#pragma once

#include <cstdint>

#include "backend/backend_memory.h"
#include "base/result.h"
#include "engine/layer_state.h"
#include "model/config.h"
#include "model/weights.h"

namespace nemotron {

class ModelFile;

// What loading takes.
struct EngineBytes {
  std::uint64_t weight_bytes = 0;
  // Activations of the longest step, scratch of the threads, the operation queue, a row of logits.
  std::uint64_t scratch_bytes = 0;
  // Of the model's files, used where they are mapped. They are the page cache's, which gives them
  // up before anybody runs out of memory, and count in no sum and against no cap.
  std::uint64_t mapped_bytes = 0;

  std::uint64_t total_bytes() const { return weight_bytes + scratch_bytes; }
};

EngineBytes measure_engine(const ModelFile& file, const BackendMemory& memory, int max_step_rows,
                           WeightAccess access = WeightAccess::kCopied);

struct PlannedSessions {
  std::uint64_t n_sessions = 1;
  std::int64_t n_tokens = 0;  // of each, 1 to the model's max_context
  KvType kv_type = KvType::kBF16;
  StateType state_type = StateType::kF32;
};

struct MemoryPlan {
  EngineBytes engine;
  std::uint64_t recurrent_bytes = 0;  // of one session
  std::uint64_t kv_bytes = 0;         // of one session that holds n_tokens
  std::uint64_t snapshot_bytes = 0;   // the most that the prefix cache holds
  std::uint64_t total_bytes = 0;      // of the engine, all sessions and the snapshots
};

// kInvalidArgument for what the model does not allow, or for more bytes than 64 bits count.
Result<MemoryPlan> plan_memory(const EngineBytes& engine, const ModelConfig& config,
                               const PlannedSessions& sessions, std::uint64_t snapshot_bytes);

}  // namespace nemotron
