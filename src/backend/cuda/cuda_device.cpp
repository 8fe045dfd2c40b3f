#include "backend/cuda/cuda_device.h"

#include <algorithm>
#include <utility>

#include "base/text.h"

namespace nemotron {

using kernels::cuda::KernelId;
using kernels::cuda::kKernelNames;
using kernels::cuda::kNumKernels;
using kernels::cuda::Launch;

CudaDevice::Entry::Entry(CudaDevice& device) : device_(device), status_(device.status()) {
  if (!status_.is_ok()) return;
  status_ = device_.check(device_.driver_.push(device_.context_), "making the context current");
  is_pushed_ = status_.is_ok();
}

CudaDevice::Entry::~Entry() {
  CuContext context = nullptr;
  if (is_pushed_) (void)device_.check(device_.driver_.pop(&context), "leaving the context");
}

Status CudaDevice::check(CuResult result, const char* what) {
  if (result == kCuOk) return Status::ok();
  if (result == kCuOutOfMemory)
    return {StatusCode::kOutOfMemory, join("the CUDA device has no memory left for ", what)};
  CuResult none = kCuOk;
  fault_.compare_exchange_strong(none, result);
  return {StatusCode::kDeviceLost,
          join("the CUDA device failed at ", what, ": ", driver_.name_of(result))};
}

Status CudaDevice::status() const {
  const CuResult fault = fault_.load();
  if (fault == kCuOk) return Status::ok();
  return {StatusCode::kDeviceLost,
          join("the CUDA device was lost earlier: ", driver_.name_of(fault))};
}

Result<std::unique_ptr<CudaDevice>> CudaDevice::open(const CudaDriver& driver,
                                                     const CudaModule& module,
                                                     const CudaDeviceOptions& options) {
  std::unique_ptr<CudaDevice> device(new CudaDevice(driver, options));
  Status status = device->take_context();
  if (status.is_ok()) status = device->load(module);
  if (status.is_ok()) return device;
  if (status.code() == StatusCode::kOutOfMemory || status.code() == StatusCode::kInvalidArgument)
    return status;
  return Status(StatusCode::kNoDevice, status.message());
}

Status CudaDevice::take_context() {
  NEMO_TRY(check(driver_.device(&device_, options_.index), "looking for the device"));
  NEMO_TRY(ask_attributes());
  context_ = options_.context;
  if (context_ != nullptr) return Status::ok();
  NEMO_TRY(check(driver_.retain_primary(&context_, device_), "making a context"));
  has_primary_ = true;
  return Status::ok();
}

Status CudaDevice::ask_attributes() {
  int major = 0, minor = 0, n_processors = 0, shared_bytes = 0;
  const std::pair<int*, int> wanted[] = {{&major, kCuComputeMajor},
                                         {&minor, kCuComputeMinor},
                                         {&n_processors, kCuProcessors},
                                         {&shared_bytes, kCuSharedBytes}};
  for (const auto& [value, attribute] : wanted)
    NEMO_TRY(check(driver_.device_attribute(value, attribute, device_),
                   "asking for the device's attributes"));
  compute_capability_ = 10 * major + minor;
  shape_ = {n_processors, shared_bytes};
  return Status::ok();
}

Status CudaDevice::load(const CudaModule& module) {
  const Entry entry(*this);
  NEMO_TRY(entry.status());
  const std::span images(module.table->images, module.table->n_images);
  modules_.reserve(images.size());
  for (const nemo_cuda_image& image : images) {
    CuModule loaded = nullptr;
    const CuResult result = driver_.load_module(&loaded, image.data);
    if (result == kCuNoBinary)
      return {StatusCode::kNoDevice, join("the CUDA module has no kernels for this device; it has ",
                                          module.table->description)};
    NEMO_TRY(check(result, "loading the kernels"));
    modules_.push_back(loaded);
  }
  NEMO_TRY(find_functions(module));
  NEMO_TRY(allow_shared_memory());
  return take_stream();
}

Status CudaDevice::take_stream() {
  int priority = options_.priority;
  if (options_.stream != nullptr) {
    CuContext context = nullptr;
    CuResult result = driver_.stream_context(options_.stream, &context);
    // What is captured on ours keeps its priority where it is launched.
    if (result == kCuOk) result = driver_.stream_priority(options_.stream, &priority);
    if (result != kCuOk || context != context_)
      return {StatusCode::kInvalidArgument,
              join("the stream is not one of the CUDA context",
                   result == kCuOk ? std::string() : ": " + driver_.name_of(result))};
  }
  return check(driver_.create_stream(&own_stream_, kCuStreamNonBlocking, priority),
               "making a stream");
}

// Each kernel is in one of the modules; which does not matter. Of the code in an image the driver
// takes what fits best, so each kernel is asked what it was compiled for.
Status CudaDevice::find_functions(const CudaModule& module) {
  code_capability_ = compute_capability_;
  for (std::size_t i = 0; i < kNumKernels; ++i) {
    for (const CuModule loaded : modules_) {
      const CuResult result = driver_.find_function(&functions_[i], loaded, kKernelNames[i]);
      if (result == kCuOk) break;
      functions_[i] = nullptr;
      if (result != kCuNotFound) NEMO_TRY(check(result, "looking for the kernels"));
    }
    if (functions_[i] == nullptr)
      return {StatusCode::kNoDevice, join("'", module.path, "' has no kernel ", kKernelNames[i])};
    int compiled_for = 0;
    NEMO_TRY(check(driver_.function_attribute(&compiled_for, kCuPtxVersion, functions_[i]),
                   "asking what the kernels were compiled for"));
    code_capability_ = std::min(code_capability_, compiled_for);
  }
  return Status::ok();
}

// Without being told a kernel has no more than 48 KiB.
Status CudaDevice::allow_shared_memory() {
  for (std::size_t i = 0; i < kNumKernels; ++i)
    if (kernels::cuda::has_dynamic_shared(static_cast<KernelId>(i)))
      NEMO_TRY(check(driver_.set_function(functions_[i], kCuMostSharedBytes,
                                          static_cast<int>(shape_.shared_bytes)),
                     "giving a kernel shared memory"));
  return Status::ok();
}

CudaDevice::~CudaDevice() {
  {
    const Entry entry(*this);
    if (entry.status().is_ok()) {
      if (own_stream_ != nullptr) driver_.destroy_stream(own_stream_);
      for (const CuModule module : modules_) driver_.unload_module(module);
    }
  }
  if (has_primary_) driver_.release_primary(device_);
}

Status CudaDevice::launch(const Launch& launch, CuStream stream) {
  if (is_empty(launch)) return Status::ok();
  // The driver copies the arguments before it returns.
  void* argument = const_cast<std::byte*>(launch.args.data());
  const CuResult result = driver_.launch(
      functions_[static_cast<std::size_t>(launch.kernel)], launch.grid[0], launch.grid[1],
      launch.grid[2], launch.n_threads, 1, 1, launch.shared_bytes, stream, &argument, nullptr);
  return check(result, kKernelNames[static_cast<std::size_t>(launch.kernel)]);
}

}  // namespace nemotron
