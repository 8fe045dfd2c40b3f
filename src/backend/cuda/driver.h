// The CUDA driver's C interface, as far as we use it, and how it is found. Declared here a second
// time so that the library builds without the CUDA Toolkit; where there is one, a test compares the
// declarations with cuda.h. The table is also where tests put a driver of their own.
//
// We use the driver (libcuda, part of every NVIDIA driver) and not the CUDA runtime: it is opened
// at run time and never linked, its contexts can be a host's own, and each of its functions can be
// replaced.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "base/result.h"

// As in cuda.h.
struct CUctx_st;
struct CUmod_st;
struct CUfunc_st;
struct CUstream_st;
struct CUevent_st;
struct CUgraph_st;
struct CUgraphExec_st;

namespace nemotron {

using CuResult = int;                  // CUresult
using CuDevice = int;                  // CUdevice
using CuPointer = unsigned long long;  // CUdeviceptr
using CuContext = CUctx_st*;           // CUcontext
using CuModule = CUmod_st*;            // CUmodule
using CuFunction = CUfunc_st*;         // CUfunction
using CuStream = CUstream_st*;         // CUstream
using CuEvent = CUevent_st*;           // CUevent
using CuGraph = CUgraph_st*;           // CUgraph
using CuGraphExec = CUgraphExec_st*;   // CUgraphExec

inline constexpr CuResult kCuOk = 0;
inline constexpr CuResult kCuOutOfMemory = 2;
inline constexpr CuResult kCuNoDevice = 100;
inline constexpr CuResult kCuNoBinary = 209;  // no code for this device in the image
inline constexpr CuResult kCuNotFound = 500;
inline constexpr unsigned kCuStreamNonBlocking = 1;
inline constexpr unsigned kCuEventNoTiming = 2;
inline constexpr int kCuCaptureThreadLocal = 1;  // CUstreamCaptureMode: other threads are free
inline constexpr int kCuProcessors = 16;         // CUdevice_attribute values
inline constexpr int kCuComputeMajor = 75;
inline constexpr int kCuComputeMinor = 76;
inline constexpr int kCuSharedBytes = 97;     // that a kernel may have, if it is told so
inline constexpr int kCuPtxVersion = 5;       // CUfunction_attribute values
inline constexpr int kCuMostSharedBytes = 8;  // tells it

// X(name, the exported symbol, parameters)
#define NEMO_CUDA_DRIVER(X)                                                                        \
  X(init, cuInit, (unsigned flags))                                                                \
  X(error_name, cuGetErrorName, (CuResult result, const char** name))                              \
  X(device_count, cuDeviceGetCount, (int* n))                                                      \
  X(device, cuDeviceGet, (CuDevice * device, int index))                                           \
  X(device_name, cuDeviceGetName, (char* name, int size, CuDevice device))                         \
  X(device_bytes, cuDeviceTotalMem_v2, (std::size_t * bytes, CuDevice device))                     \
  X(device_attribute, cuDeviceGetAttribute, (int* value, int attribute, CuDevice device))          \
  X(retain_primary, cuDevicePrimaryCtxRetain, (CuContext * context, CuDevice device))              \
  X(release_primary, cuDevicePrimaryCtxRelease_v2, (CuDevice device))                              \
  X(push, cuCtxPushCurrent_v2, (CuContext context))                                                \
  X(pop, cuCtxPopCurrent_v2, (CuContext * context))                                                \
  X(load_module, cuModuleLoadData, (CuModule * module, const void* image))                         \
  X(unload_module, cuModuleUnload, (CuModule module))                                              \
  X(find_function, cuModuleGetFunction,                                                            \
    (CuFunction * function, CuModule module, const char* name))                                    \
  X(function_attribute, cuFuncGetAttribute, (int* value, int attribute, CuFunction function))      \
  X(set_function, cuFuncSetAttribute, (CuFunction function, int attribute, int value))             \
  X(allocate, cuMemAlloc_v2, (CuPointer * memory, std::size_t size_bytes))                         \
  X(free, cuMemFree_v2, (CuPointer memory))                                                        \
  X(allocate_host, cuMemHostAlloc, (void** memory, std::size_t size_bytes, unsigned flags))        \
  X(free_host, cuMemFreeHost, (void* memory))                                                      \
  X(create_stream, cuStreamCreateWithPriority, (CuStream * stream, unsigned flags, int priority))  \
  X(stream_context, cuStreamGetCtx, (CuStream stream, CuContext * context))                        \
  X(stream_priority, cuStreamGetPriority, (CuStream stream, int* priority))                        \
  X(begin_capture, cuStreamBeginCapture_v2, (CuStream stream, int mode))                           \
  X(end_capture, cuStreamEndCapture, (CuStream stream, CuGraph * graph))                           \
  X(instantiate_graph, cuGraphInstantiateWithFlags,                                                \
    (CuGraphExec * executable, CuGraph graph, unsigned long long flags))                           \
  X(launch_graph, cuGraphLaunch, (CuGraphExec executable, CuStream stream))                        \
  X(destroy_graph, cuGraphDestroy, (CuGraph graph))                                                \
  X(destroy_executable, cuGraphExecDestroy, (CuGraphExec executable))                              \
  X(destroy_stream, cuStreamDestroy_v2, (CuStream stream))                                         \
  X(synchronize, cuStreamSynchronize, (CuStream stream))                                           \
  X(create_event, cuEventCreate, (CuEvent * event, unsigned flags))                                \
  X(destroy_event, cuEventDestroy_v2, (CuEvent event))                                             \
  X(record_event, cuEventRecord, (CuEvent event, CuStream stream))                                 \
  X(wait_event, cuEventSynchronize, (CuEvent event))                                               \
  X(elapsed, cuEventElapsedTime, (float* ms, CuEvent begin, CuEvent end))                          \
  X(set_bytes, cuMemsetD8Async,                                                                    \
    (CuPointer to, unsigned char value, std::size_t size_bytes, CuStream stream))                  \
  X(copy_to_device, cuMemcpyHtoDAsync_v2,                                                          \
    (CuPointer to, const void* from, std::size_t size_bytes, CuStream stream))                     \
  X(copy_to_host, cuMemcpyDtoHAsync_v2,                                                            \
    (void* to, CuPointer from, std::size_t size_bytes, CuStream stream))                           \
  X(copy_on_device, cuMemcpyDtoDAsync_v2,                                                          \
    (CuPointer to, CuPointer from, std::size_t size_bytes, CuStream stream))                       \
  X(launch, cuLaunchKernel,                                                                        \
    (CuFunction function, unsigned grid_x, unsigned grid_y, unsigned grid_z, unsigned block_x,     \
     unsigned block_y, unsigned block_z, unsigned shared_bytes, CuStream stream, void** arguments, \
     void** extra))

struct CudaDriver {
#define NEMO_DECLARE(name, symbol, parameters) CuResult(*name) parameters = nullptr;
  NEMO_CUDA_DRIVER(NEMO_DECLARE)
#undef NEMO_DECLARE

  // "CUDA_ERROR_LAUNCH_FAILED", or the number where the driver has no name for it.
  std::string name_of(CuResult result) const;
};

// The installed driver, initialised. It stays loaded: libcuda has threads of its own. kNoDevice
// with the reason.
Result<CudaDriver> load_cuda_driver();

}  // namespace nemotron
