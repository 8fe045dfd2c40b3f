// Our declarations of the driver's interface against cuda.h: the same parameters in size and kind.
// Compiled where the CUDA Toolkit is; nothing here is run but for the numbers.
#include <cuda.h>

#include <catch2/catch.hpp>
#include <type_traits>

#include "backend/cuda/driver.h"

namespace nemotron {
namespace {

// An enumeration is passed as an int; what a pointer points to is told by its own signature.
template <typename T>
using Passed = std::conditional_t<
    std::is_pointer_v<T>,
    std::conditional_t<std::is_pointer_v<std::remove_pointer_t<T>>, void**, void*>,
    typename std::conditional_t<std::is_enum_v<T>, std::type_identity<int>,
                                std::type_identity<T>>::type>;

template <typename R, typename... P>
auto passed(R (*)(P...)) -> Passed<R> (*)(Passed<P>...);

#define NEMO_SAME(name, symbol, parameters)                                                     \
  static_assert(std::is_same_v<decltype(passed(CudaDriver{}.name)), decltype(passed(&symbol))>, \
                #symbol " is declared otherwise in cuda.h");
NEMO_CUDA_DRIVER(NEMO_SAME)
#undef NEMO_SAME

}  // namespace
}  // namespace nemotron

TEST_CASE("the numbers of the CUDA driver are those of cuda.h") {
  using namespace nemotron;
  CHECK(kCuOk == CUDA_SUCCESS);
  CHECK(kCuOutOfMemory == CUDA_ERROR_OUT_OF_MEMORY);
  CHECK(kCuNoDevice == CUDA_ERROR_NO_DEVICE);
  CHECK(kCuNoBinary == CUDA_ERROR_NO_BINARY_FOR_GPU);
  CHECK(kCuNotFound == CUDA_ERROR_NOT_FOUND);
  CHECK(kCuStreamNonBlocking == CU_STREAM_NON_BLOCKING);
  CHECK(kCuEventNoTiming == CU_EVENT_DISABLE_TIMING);
  CHECK(kCuCaptureThreadLocal == CU_STREAM_CAPTURE_MODE_THREAD_LOCAL);
  CHECK(kCuProcessors == CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT);
  CHECK(kCuComputeMajor == CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR);
  CHECK(kCuComputeMinor == CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR);
  CHECK(kCuPtxVersion == CU_FUNC_ATTRIBUTE_PTX_VERSION);
  CHECK(kCuSharedBytes == CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN);
  CHECK(kCuMostSharedBytes == CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES);
}
