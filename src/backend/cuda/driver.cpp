#include "backend/cuda/driver.h"

#include <dlfcn.h>

#include "base/text.h"

namespace nemotron {

namespace {

constexpr const char* kLibrary = "libcuda.so.1";

std::string loader_error() {
  const char* text = dlerror();
  return text == nullptr ? "unknown reason" : text;
}

}  // namespace

std::string CudaDriver::name_of(CuResult result) const {
  const char* text = nullptr;
  if (error_name != nullptr && error_name(result, &text) == kCuOk && text != nullptr) return text;
  return join("CUDA error ", result);
}

Result<CudaDriver> load_cuda_driver() {
  void* library = dlopen(kLibrary, RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr)
    return Status(StatusCode::kNoDevice, join("there is no NVIDIA driver: ", loader_error()));
  CudaDriver driver;
#define NEMO_FIND(name, symbol, parameters)                                       \
  driver.name = reinterpret_cast<decltype(driver.name)>(dlsym(library, #symbol)); \
  if (driver.name == nullptr)                                                     \
    return Status(StatusCode::kNoDevice,                                          \
                  join("the NVIDIA driver is too old: ", kLibrary, " has no " #symbol));
  NEMO_CUDA_DRIVER(NEMO_FIND)
#undef NEMO_FIND
  if (const CuResult result = driver.init(0); result != kCuOk)
    return Status(StatusCode::kNoDevice,
                  join("the NVIDIA driver does not start: ", driver.name_of(result)));
  return driver;
}

}  // namespace nemotron
