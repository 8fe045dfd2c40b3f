// The devices that a context can compute on: listing them, and choosing one.
#include <algorithm>

#include "api/choose_device.h"
#include "api/isa.h"
#include "api/marshal.h"
#include "api/printable.h"
#include "backend/cuda/cuda_devices.h"
#include "threading/thread_pool.h"

namespace nemotron::api {

namespace {

std::string path_of(const char* cuda_module) { return cuda_module == nullptr ? "" : cuda_module; }

nemo_device_info describe_cpu() {
  nemo_device_info out = NEMO_DEVICE_INFO_INIT;
  out.kind = NEMO_DEVICE_CPU;
  out.is_usable = 1;
  out.n_processors = static_cast<std::uint32_t>(usable_processors());
  copy_printable(join("CPU, instruction set level ", choose_kernels(NEMO_ISA_AUTO).value()->name),
                 out.name);
  return out;
}

nemo_device_info describe_cuda(const CudaDeviceInfo& info) {
  nemo_device_info out = NEMO_DEVICE_INFO_INIT;
  out.kind = NEMO_DEVICE_CUDA;
  out.index = static_cast<std::uint32_t>(info.index);
  out.is_usable = info.usable.is_ok() ? 1 : 0;
  out.n_processors = static_cast<std::uint32_t>(std::max(0, info.n_processors));
  out.compute_capability = static_cast<std::uint32_t>(std::max(0, info.compute_capability));
  out.total_bytes = info.total_bytes;
  copy_printable(info.name, out.name);
  copy_printable(info.usable.message(), out.reason);
  return out;
}

// The device asked for, usable or not.
Result<CudaChoice> find_cuda(const nemo_context_options& options) {
  NEMO_ASSIGN(const CudaDriver driver, load_cuda_driver());
  NEMO_ASSIGN(CudaModule module, open_cuda_module(path_of(options.cuda_module)));
  const std::vector<CudaDeviceInfo> devices = list_cuda_devices(driver, module);
  if (options.device_index >= devices.size())
    return Status(StatusCode::kNoDevice,
                  join("CUDA device ", options.device_index, " of ", devices.size()));
  NEMO_TRY(devices[options.device_index].usable);
  CudaChoice choice{driver, std::move(module), {}};
  choice.options.device.index = static_cast<int>(options.device_index);
  choice.options.device.context = static_cast<CuContext>(options.cuda_context);
  choice.options.device.stream = static_cast<CuStream>(options.cuda_stream);
  choice.options.device.priority = options.cuda_priority;
  choice.options.plain_kernels = options.cuda_plain_kernels;
  if (options.max_bytes != 0) choice.options.max_bytes = options.max_bytes;
  choice.options.fp8_weight_only = (options.flags & NEMO_LOAD_FP8_WEIGHT_ONLY) != 0;
  return choice;
}

}  // namespace

Result<std::optional<CudaChoice>> choose_device(const nemo_context_options& options,
                                                std::string& why_not) {
  if (options.device == NEMO_DEVICE_CPU) return std::optional<CudaChoice>();
  Result<CudaChoice> choice = find_cuda(options);
  if (choice.is_ok()) return std::optional<CudaChoice>(std::move(choice).value());
  if (options.device == NEMO_DEVICE_CUDA) return std::move(choice).status();
  why_not = choice.status().message();
  return std::optional<CudaChoice>();
}

}  // namespace nemotron::api

using namespace nemotron;
using namespace nemotron::api;

extern "C" nemo_status nemo_device_list(const char* cuda_module, nemo_device_info* devices,
                                        size_t capacity, size_t stride_bytes, size_t* n_devices,
                                        nemo_error* err) {
  return guarded(err, [&] {
    std::vector<nemo_device_info> found = {describe_cpu()};
    for (const CudaDeviceInfo& info :
         list_cuda_devices(load_cuda_driver(), open_cuda_module(path_of(cuda_module))))
      found.push_back(describe_cuda(info));
    return write_array<nemo_device_info>(found, devices, capacity, stride_bytes, n_devices,
                                         "devices");
  });
}
