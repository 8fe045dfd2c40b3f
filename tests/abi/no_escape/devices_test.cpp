// Listing devices, and asking for one that is not there.
#include <string>
#include <string_view>
#include <vector>

#include "fixture.h"

using namespace no_escape;

namespace {
const std::string kChat = model_path("gguf/tiny_chat.gguf");

std::vector<nemo_device_info> list() {
  std::vector<nemo_device_info> devices(16, nemo_device_info NEMO_DEVICE_INFO_INIT);
  std::size_t n = 0;
  REQUIRE(nemo_device_list(nullptr, devices.data(), devices.size(), sizeof(nemo_device_info), &n,
                           nullptr) == NEMO_OK);
  devices.resize(n);
  return devices;
}
}  // namespace

TEST_CASE("the CPU is always there, and of CUDA there is a device or a reason") {
  const Silence silence;
  const auto devices = list();
  REQUIRE(devices.size() >= 2);
  CHECK(devices[0].kind == NEMO_DEVICE_CPU);
  CHECK(devices[0].is_usable == 1);
  CHECK(devices[0].n_processors > 0);
  CHECK(devices[0].name[0] != '\0');
  CHECK(devices[1].kind == NEMO_DEVICE_CUDA);
  CHECK((devices[1].is_usable == 1) == (devices[1].reason[0] == '\0'));
}

TEST_CASE("a list of devices is asked for wrongly") {
  const Silence silence;
  constexpr std::size_t kStride = sizeof(nemo_device_info);
  std::size_t n = 99;
  nemo_device_info devices[16];
  Failure failure;
  nemo_error* e = failure.out();
  failure.check(nemo_device_list(nullptr, nullptr, 0, kStride, &n, e), NEMO_E_BUFFER_TOO_SMALL);
  CHECK(n >= 2);
  failure.check(nemo_device_list(nullptr, nullptr, 16, kStride, &n, e), NEMO_E_INVALID_ARGUMENT);
  failure.check(nemo_device_list(nullptr, devices, 16, kStride, nullptr, e),
                NEMO_E_INVALID_ARGUMENT);
  for (const std::size_t stride : {std::size_t{8}, kStride + 1})
    failure.check(nemo_device_list(nullptr, devices, 16, stride, &n, e), NEMO_E_STRUCT_SIZE);
  for (const std::uint32_t size : {0u, 4u, 4000u}) {
    for (nemo_device_info& device : devices) device.struct_size = size;
    failure.check(nemo_device_list(nullptr, devices, 16, kStride, &n, e), NEMO_E_STRUCT_SIZE);
  }
}

TEST_CASE("a list with one bad element is not written") {
  const Silence silence;
  const nemo_device_info empty = NEMO_DEVICE_INFO_INIT;
  std::vector<nemo_device_info> devices(16, empty);
  devices[1].struct_size = 4;
  std::size_t n = 0;
  Failure failure;
  failure.check(nemo_device_list(nullptr, devices.data(), devices.size(), sizeof(nemo_device_info),
                                 &n, failure.out()),
                NEMO_E_STRUCT_SIZE);
  CHECK(std::string_view(failure.error.message).starts_with("'devices[1]'.struct_size is 4"));
  CHECK(devices[0].name[0] == '\0');
}

TEST_CASE("a CUDA module that is none is a reason, and a device that is not there no device") {
  const Silence silence;
  nemo_context_options options = NEMO_CONTEXT_OPTIONS_INIT;
  options.n_threads = 1;
  options.device = NEMO_DEVICE_CUDA;
  options.cuda_module = "/nowhere/libnemotron-cuda.so";
  nemo_context* context = nullptr;
  Failure failure;
  CHECK(nemo_context_load(kChat.c_str(), &options, &context, failure.out()) == NEMO_E_NO_DEVICE);
  CHECK(context == nullptr);
  // This one is there, and is no module.
  options.cuda_module = "libc.so.6";
  CHECK(nemo_context_load(kChat.c_str(), &options, &context, failure.out()) == NEMO_E_NO_DEVICE);
  options.device = NEMO_DEVICE_AUTO;
  CHECK(nemo_context_load(kChat.c_str(), &options, &context, failure.out()) == NEMO_OK);
  nemo_context_free(context);
  options.device = 7;
  CHECK(nemo_context_load(kChat.c_str(), &options, &context, failure.out()) ==
        NEMO_E_INVALID_ARGUMENT);
  options.device = NEMO_DEVICE_CPU;
  options.cuda_context = &options;
  CHECK(nemo_context_load(kChat.c_str(), &options, &context, failure.out()) ==
        NEMO_E_INVALID_ARGUMENT);
  options.cuda_context = nullptr;
  options.cuda_stream = &options;
  CHECK(nemo_context_load(kChat.c_str(), &options, &context, failure.out()) ==
        NEMO_E_INVALID_ARGUMENT);
  options.cuda_stream = nullptr;
  options.cuda_priority = -3;  // means nothing here
  CHECK(nemo_context_load(kChat.c_str(), &options, &context, failure.out()) == NEMO_OK);
  nemo_context_free(context);
  options.cuda_plain_kernels = NEMO_CUDA_PLAIN_ALL;  // nor this
  CHECK(nemo_context_load(kChat.c_str(), &options, &context, failure.out()) == NEMO_OK);
  nemo_context_free(context);
  options.cuda_plain_kernels = NEMO_CUDA_PLAIN_ALL + 1;
  CHECK(nemo_context_load(kChat.c_str(), &options, &context, failure.out()) ==
        NEMO_E_INVALID_ARGUMENT);
}

TEST_CASE("memory is planned for the device that would be taken") {
  const Silence silence;
  nemo_context_options options = NEMO_CONTEXT_OPTIONS_INIT;
  options.device = NEMO_DEVICE_CUDA;
  options.cuda_module = "/nowhere/libnemotron-cuda.so";
  nemo_memory_plan plan = NEMO_MEMORY_PLAN_INIT;
  Failure failure;
  CHECK(nemo_plan(kChat.c_str(), &options, nullptr, &plan, failure.out()) == NEMO_E_NO_DEVICE);
  options.device = NEMO_DEVICE_AUTO;
  CHECK(nemo_plan(kChat.c_str(), &options, nullptr, &plan, failure.out()) == NEMO_OK);
}

TEST_CASE("a self-test needs a device") {
  const Silence silence;
  Failure failure;
  CHECK(nemo_device_selftest("/nowhere/libnemotron-cuda.so", 0, nullptr, nullptr, nullptr,
                             failure.out()) == NEMO_E_NO_DEVICE);
  std::uint32_t plain_kernels = 77;
  CHECK(nemo_device_selftest(nullptr, 1000, nullptr, nullptr, &plain_kernels, failure.out()) ==
        NEMO_E_NO_DEVICE);
  CHECK(plain_kernels == 0);
}
