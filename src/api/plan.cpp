// nemo_plan: what a model and its sessions will take, from the headers of its files.
#include "api/choose_device.h"
#include "api/context_options.h"
#include "api/isa.h"
#include "api/marshal.h"
#include "backend/cpu/cpu_memory.h"
#include "engine/memory_plan.h"
#include "formats/open_model.h"
#include "threading/thread_pool.h"

namespace nemotron::api {

namespace {

Result<PlannedSessions> read_sessions(const nemo_plan_options& options, const ModelConfig& config) {
  PlannedSessions sessions;
  sessions.n_sessions = options.n_sessions == 0 ? 1 : options.n_sessions;
  sessions.n_tokens = options.n_tokens == 0 ? config.max_context : options.n_tokens;
  NEMO_ASSIGN(sessions.kv_type, kv_type_of(options.kv_type));
  NEMO_ASSIGN(sessions.state_type, state_type_of(options.state_type));
  return sessions;
}

// The level that the kernels are of.
std::uint32_t isa_of(const kernels::KernelTable* kernels) {
  for (const std::uint32_t isa : {NEMO_ISA_AVX2, NEMO_ISA_AVX512, NEMO_ISA_NEON}) {
    const auto chosen = choose_kernels(isa);
    if (chosen.is_ok() && chosen.value() == kernels) return isa;
  }
  return NEMO_ISA_REF;
}

Result<nemo_memory_plan> plan(const char* path, const nemo_context_options& options,
                              const nemo_plan_options& plan_options) {
  if ((options.flags & NEMO_LOAD_NO_WEIGHTS) != 0)
    return Status(StatusCode::kInvalidArgument, "without weights there is nothing to plan");
  NEMO_ASSIGN(const kernels::KernelTable* kernels, choose_kernels(options.isa));
  NEMO_ASSIGN(const ModelFile file, open_model(path));
  NEMO_ASSIGN(const PlannedSessions sessions, read_sessions(plan_options, file.config()));
  const int n_threads =
      options.n_threads == 0 ? usable_processors() : static_cast<int>(options.n_threads);
  const EngineOptions engine_options = engine_options_of(options);
  std::string why_not;
  NEMO_ASSIGN(const std::optional<CudaChoice> cuda, choose_device(options, why_not));
  const CpuMemory on_cpu(*kernels, n_threads);
  const CudaMemory on_gpu;
  const BackendMemory& memory =
      cuda.has_value() ? static_cast<const BackendMemory&>(on_gpu) : on_cpu;
  const EngineBytes engine =
      measure_engine(file, memory, engine_options.max_step_rows, engine_options.weights);
  NEMO_ASSIGN(const MemoryPlan planned,
              plan_memory(engine, file.config(), sessions, engine_options.snapshot_bytes));
  nemo_memory_plan out = NEMO_MEMORY_PLAN_INIT;
  out.n_sessions = static_cast<std::uint32_t>(sessions.n_sessions);
  out.n_tokens = static_cast<std::uint32_t>(sessions.n_tokens);
  out.isa = isa_of(kernels);
  out.weight_bytes = engine.weight_bytes;
  out.scratch_bytes = engine.scratch_bytes;
  out.recurrent_bytes = planned.recurrent_bytes;
  out.kv_bytes = planned.kv_bytes;
  out.snapshot_bytes = planned.snapshot_bytes;
  out.total_bytes = planned.total_bytes;
  out.mapped_bytes = engine.mapped_bytes;
  return out;
}

}  // namespace

}  // namespace nemotron::api

using namespace nemotron;
using namespace nemotron::api;

extern "C" nemo_status nemo_plan(const char* path, const nemo_context_options* options,
                                 const nemo_plan_options* plan_options, nemo_memory_plan* plan,
                                 nemo_error* err) {
  return guarded(err, [&] {
    if (path == nullptr) return null_argument("path");
    nemo_context_options read_options;
    nemo_plan_options read_plan_options;
    NEMO_TRY(read_struct(options, "options", read_options));
    NEMO_TRY(check_options(read_options));
    NEMO_TRY(read_struct(plan_options, "plan_options", read_plan_options));
    NEMO_TRY(write_struct(plan, "plan", nemo_memory_plan NEMO_MEMORY_PLAN_INIT));
    NEMO_ASSIGN(const nemo_memory_plan out, api::plan(path, read_options, read_plan_options));
    return write_struct(plan, "plan", out);
  });
}
