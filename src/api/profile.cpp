// What operations took: nemo_context_set_profiling, nemo_context_get_profile.
#include <vector>

#include "api/handles.h"
#include "api/marshal.h"

namespace nemotron::api {

namespace {

Result<Backend*> backend_of(const nemo_context* context) {
  if (context == nullptr) return null_argument("context");
  if (!context->engine)
    return Status(StatusCode::kState, "the context was loaded with NEMO_LOAD_NO_WEIGHTS");
  return &context->engine->backend();
}

std::uint32_t to_abi(Arithmetic arithmetic) {
  switch (arithmetic) {
    case Arithmetic::kBF16:
      return NEMO_ARITHMETIC_BF16;
    case Arithmetic::kInt8:
      return NEMO_ARITHMETIC_INT8;
    case Arithmetic::kF32:
      break;
  }
  return NEMO_ARITHMETIC_F32;
}

nemo_operation_stats to_abi(const OperationFigures& figures) {
  nemo_operation_stats out = NEMO_OPERATION_STATS_INIT;
  out.arithmetic = to_abi(figures.arithmetic);
  figures.name.copy(out.name, sizeof out.name - 1);
  out.n_runs = figures.n_runs;
  out.elapsed_ns = figures.ns;
  out.n_bytes = figures.n_bytes;
  out.n_operations = figures.operations;
  return out;
}

}  // namespace

}  // namespace nemotron::api

using namespace nemotron;
using namespace nemotron::api;

extern "C" nemo_status nemo_context_set_profiling(nemo_context* context, int32_t enabled,
                                                  nemo_error* err) {
  return guarded(context, err, [&]() -> Status {
    NEMO_ASSIGN(Backend * backend, backend_of(context));
    if (enabled != 0 && enabled != 1)
      return {StatusCode::kInvalidArgument, join("enabled is ", enabled, ", neither 0 nor 1")};
    backend->set_profiling(enabled == 1);
    return Status::ok();
  });
}

extern "C" nemo_status nemo_context_get_profile(const nemo_context* context,
                                                nemo_operation_stats* operations, size_t capacity,
                                                size_t stride_bytes, size_t* n_operations,
                                                nemo_error* err) {
  return guarded(context, err, [&]() -> Status {
    NEMO_ASSIGN(const Backend* backend, backend_of(context));
    std::vector<nemo_operation_stats> found;
    for (const OperationFigures& figures : backend->profile()) found.push_back(to_abi(figures));
    return write_array<nemo_operation_stats>(found, operations, capacity, stride_bytes,
                                             n_operations, "operations");
  });
}
