#include "api/backend_options.h"

#include "api/handles.h"
#include "api/marshal.h"

namespace nemotron::api {

namespace {

Status read_allocator(const nemo_allocator* from, HostMemory& out) {
  if (from == nullptr) return Status::ok();
  nemo_allocator allocator;
  NEMO_TRY(read_struct(from, "options.allocator", allocator));
  if (allocator.allocate == nullptr) return null_argument("options.allocator.allocate");
  if (allocator.release == nullptr) return null_argument("options.allocator.release");
  out = {allocator.allocate, allocator.release, allocator.user};
  return Status::ok();
}

}  // namespace

Result<CpuBackendOptions> read_backend_options(const nemo_context_options& options,
                                               const kernels::KernelTable* kernels) {
  CpuBackendOptions out;
  out.n_threads = static_cast<int>(options.n_threads);
  out.kernels = kernels;
  out.fp8_weight_only = (options.flags & NEMO_LOAD_FP8_WEIGHT_ONLY) != 0;
  out.parallel_for = {options.parallel_for, options.parallel_user};
  NEMO_TRY(read_allocator(options.allocator, out.memory));
  if (const nemo_context* other = options.share_threads) {
    if (options.parallel_for != nullptr)
      return Status(StatusCode::kInvalidArgument, "share_threads and parallel_for are both set");
    if (is_forked(*other))
      return Status(StatusCode::kForked, "'share_threads' was made before fork()");
    if (other->threads == nullptr)
      return Status(StatusCode::kState, "'share_threads' was loaded without weights, or on a GPU");
    out.pool = other->threads;
    return out;
  }
  NEMO_ASSIGN(out.pool, make_thread_pool(out));
  return out;
}

}  // namespace nemotron::api
