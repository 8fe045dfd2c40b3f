// A CUDA device as the backend uses it: a context, the kernels loaded into it, and a stream.
// Context and stream may be a host's. The context is made current only inside our own calls: a
// host's own stays as it was.
//
// Whatever fails on the device but for want of memory ends it: CUDA contexts do not recover from a
// failed kernel. Every later call returns kDeviceLost; other contexts in the process go on.
#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <span>
#include <vector>

#include "backend/cuda/cuda_module.h"
#include "backend/cuda/driver.h"
#include "base/result.h"
#include "kernels/cuda/launch.h"

namespace nemotron {

struct CudaDeviceOptions {
  int index = 0;                // as CUDA counts
  CuContext context = nullptr;  // of the host, which keeps it alive; null: the device's primary one
  CuStream stream = nullptr;    // of the host, in that context; null: one of our own
  int priority = 0;             // of our own, as CUDA counts; the driver clamps it
};

class CudaDevice {
 public:
  // Loads the kernels. kNoDevice with the reason, kOutOfMemory, kInvalidArgument for the stream.
  static Result<std::unique_ptr<CudaDevice>> open(const CudaDriver& driver,
                                                  const CudaModule& module,
                                                  const CudaDeviceOptions& options);
  ~CudaDevice();
  CudaDevice(const CudaDevice&) = delete;
  CudaDevice& operator=(const CudaDevice&) = delete;

  const CudaDriver& driver() const { return driver_; }
  int compute_capability() const { return compute_capability_; }  // 90 for 9.0
  // For which the loaded code was compiled, 80 for compute_80: the device's or less. A module need
  // not have the device's own, and what takes newer instructions is empty in code for older ones.
  int code_capability() const { return code_capability_; }
  const kernels::cuda::DeviceShape& shape() const { return shape_; }
  // On which all operations run.
  CuStream stream() const { return options_.stream != nullptr ? options_.stream : own_stream_; }
  // Which no host enqueues on.
  CuStream own_stream() const { return own_stream_; }

  // Makes the context current until it goes out of scope. Any thread.
  class Entry {
   public:
    explicit Entry(CudaDevice& device);
    ~Entry();
    Entry(const Entry&) = delete;
    Entry& operator=(const Entry&) = delete;
    const Status& status() const { return status_; }

   private:
    CudaDevice& device_;
    Status status_;
    bool is_pushed_ = false;
  };

  // The outcome of a driver's function as ours; anything but want of memory loses the device.
  Status check(CuResult result, const char* what);
  // kDeviceLost once it is lost.
  Status status() const;

  // Inside an Entry: enqueues.
  Status launch(const kernels::cuda::Launch& launch, CuStream stream);

 private:
  CudaDevice(const CudaDriver& driver, const CudaDeviceOptions& options)
      : driver_(driver), options_(options) {}

  Status take_context();
  Status ask_attributes();
  Status load(const CudaModule& module);
  Status find_functions(const CudaModule& module);
  Status allow_shared_memory();
  Status take_stream();

  const CudaDriver driver_;
  const CudaDeviceOptions options_;
  CuDevice device_ = 0;
  int compute_capability_ = 0;
  int code_capability_ = 0;
  kernels::cuda::DeviceShape shape_;
  CuContext context_ = nullptr;
  bool has_primary_ = false;  // a reference to it, to give back
  std::vector<CuModule> modules_;
  std::array<CuFunction, kernels::cuda::kNumKernels> functions_ = {};
  CuStream own_stream_ = nullptr;
  std::atomic<CuResult> fault_{kCuOk};  // the first that lost it
};

}  // namespace nemotron
