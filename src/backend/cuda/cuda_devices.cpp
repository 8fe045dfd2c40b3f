#include "backend/cuda/cuda_devices.h"

#include "base/text.h"

namespace nemotron {

namespace {

Status failed(const CudaDriver& driver, const char* what, CuResult result) {
  if (result == kCuOk) return Status::ok();
  return {StatusCode::kNoDevice,
          join("the NVIDIA driver does not tell ", what, ": ", driver.name_of(result))};
}

Status describe(const CudaDriver& driver, CudaDeviceInfo& info) {
  constexpr int kNameBytes = 256;
  CuDevice device = 0;
  char name[kNameBytes] = {};
  std::size_t bytes = 0;
  int major = 0, minor = 0;
  NEMO_TRY(failed(driver, "of the device", driver.device(&device, info.index)));
  NEMO_TRY(failed(driver, "its name", driver.device_name(name, kNameBytes - 1, device)));
  info.name = name;
  NEMO_TRY(failed(driver, "its memory", driver.device_bytes(&bytes, device)));
  info.total_bytes = bytes;
  NEMO_TRY(failed(driver, "its processors",
                  driver.device_attribute(&info.n_processors, kCuProcessors, device)));
  NEMO_TRY(failed(driver, "its compute capability",
                  driver.device_attribute(&major, kCuComputeMajor, device)));
  NEMO_TRY(failed(driver, "its compute capability",
                  driver.device_attribute(&minor, kCuComputeMinor, device)));
  info.compute_capability = 10 * major + minor;
  return Status::ok();
}

Status check_architecture(const CudaDeviceInfo& info, const nemo_cuda_module& module) {
  const auto least = static_cast<int>(module.min_compute_capability);
  if (info.compute_capability >= least) return Status::ok();
  return {StatusCode::kNoDevice,
          join("its compute capability is ", info.compute_capability / 10, ".",
               info.compute_capability % 10, "; the kernels need ", least / 10, ".", least % 10)};
}

CudaDeviceInfo none(Status reason) {
  CudaDeviceInfo info;
  info.usable = std::move(reason);
  return info;
}

}  // namespace

std::vector<CudaDeviceInfo> list_cuda_devices(const Result<CudaDriver>& driver,
                                              const Result<CudaModule>& module) {
  if (!driver.is_ok()) return {none(driver.status())};
  int n_devices = 0;
  const CuResult counted = driver.value().device_count(&n_devices);
  if (counted != kCuOk && counted != kCuNoDevice)
    return {none(failed(driver.value(), "the number of devices", counted))};
  if (counted == kCuNoDevice || n_devices == 0)
    return {none({StatusCode::kNoDevice, "the NVIDIA driver finds no device"})};
  std::vector<CudaDeviceInfo> devices(static_cast<std::size_t>(n_devices));
  for (int i = 0; i < n_devices; ++i) {
    CudaDeviceInfo& info = devices[static_cast<std::size_t>(i)];
    info.index = i;
    info.usable = describe(driver.value(), info);
    if (!info.usable.is_ok()) continue;
    info.usable =
        module.is_ok() ? check_architecture(info, *module.value().table) : module.status();
  }
  return devices;
}

}  // namespace nemotron
