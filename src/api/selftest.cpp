// nemo_device_selftest: a CUDA device against the CPU's reference.
#include "api/choose_device.h"
#include "api/marshal.h"
#include "backend/compare_backends.h"
#include "backend/cpu/cpu_backend.h"

namespace nemotron::api {

namespace {

struct Counts {
  int n = 0;
  int n_wrong = 0;
  bool is_cancelled = false;
  Status first;  // of the operations that could not be run
};

Status run_selftest(const nemo_context_options& options, nemo_selftest_callback callback,
                    void* user) {
  std::string why_not;
  NEMO_ASSIGN(const std::optional<CudaChoice> cuda, choose_device(options, why_not));
  NEMO_ASSIGN(const auto backend, CudaBackend::create(cuda->driver, cuda->module, cuda->options));
  NEMO_ASSIGN(const auto reference, make_cpu_backend({1, &kernels::ref_kernels()}));
  Counts counts;
  NEMO_TRY(compare_backends(*backend, *reference, [&](const ComparedOperation& operation) {
    if (counts.is_cancelled) return;
    ++counts.n;
    counts.n_wrong += operation.is_good() ? 0 : 1;
    if (counts.first.is_ok()) counts.first = operation.status;
    if (callback != nullptr && callback(operation.name.c_str(), operation.error, operation.bound,
                                        operation.is_good() ? 1 : 0, user) != 0)
      counts.is_cancelled = true;
  }));
  if (counts.is_cancelled) return {StatusCode::kCancelled, "cancelled by the callback"};
  NEMO_TRY(counts.first);
  if (counts.n_wrong == 0) return Status::ok();
  return {StatusCode::kInternal, join(counts.n_wrong, " of ", counts.n,
                                      " operations of the device differ from the CPU's")};
}

}  // namespace

}  // namespace nemotron::api

using namespace nemotron::api;

extern "C" nemo_status nemo_device_selftest(const char* cuda_module, uint32_t device_index,
                                            nemo_selftest_callback callback, void* user,
                                            nemo_error* err) {
  return guarded(err, [&] {
    nemo_context_options options = NEMO_CONTEXT_OPTIONS_INIT;
    options.device = NEMO_DEVICE_CUDA;
    options.device_index = device_index;
    options.cuda_module = cuda_module;
    return run_selftest(options, callback, user);
  });
}
