// What is said of devices, and of why there are none.
#include "backend/cuda/cuda_devices.h"

#include <catch2/catch.hpp>

#include "mock_cuda.h"

using namespace nemotron;
using namespace nemotron::test;

namespace {
const Result<CudaModule> kNoModule = Status(StatusCode::kNoDevice, "no module");

nemo_cuda_module module_from(std::uint32_t least) {
  nemo_cuda_module table = *MockCuda::module().table;
  table.min_compute_capability = least;
  return table;
}
}  // namespace

TEST_CASE("devices are described, and usable with a module for their architecture") {
  MockCuda& mock = MockCuda::reset();
  mock.n_devices = 2;
  const auto devices = list_cuda_devices(MockCuda::driver(), MockCuda::module());
  REQUIRE(devices.size() == 2);
  CHECK(devices[1].index == 1);
  CHECK(devices[1].name == "Mock GPU");
  CHECK(devices[1].total_bytes == mock.memory_bytes);
  CHECK(devices[1].n_processors == 132);
  CHECK(devices[1].compute_capability == 90);
  CHECK(devices[1].usable.is_ok());
  CHECK(mock.count("retain_primary") == 0);  // nothing is made on a device

  const nemo_cuda_module newer = module_from(100);
  const CudaModule for_newer{{std::shared_ptr<void>(), &newer}, "newer"};
  CHECK(list_cuda_devices(MockCuda::driver(), for_newer)[0].usable.message() ==
        "its compute capability is 9.0; the kernels need 10.0");
  const auto without = list_cuda_devices(MockCuda::driver(), kNoModule);
  CHECK(without[0].name == "Mock GPU");
  CHECK(without[0].usable.message() == "no module");
}

TEST_CASE("without a driver or a device there is one entry that says why") {
  MockCuda& mock = MockCuda::reset();
  const Result<CudaDriver> none = Status(StatusCode::kNoDevice, "no driver");
  const auto devices = list_cuda_devices(none, MockCuda::module());
  REQUIRE(devices.size() == 1);
  CHECK(devices[0].name.empty());
  CHECK(devices[0].usable.message() == "no driver");
  mock.n_devices = 0;
  CHECK(list_cuda_devices(MockCuda::driver(), MockCuda::module())[0].usable.message() ==
        "the NVIDIA driver finds no device");
}

TEST_CASE("whatever a driver does not tell of a device makes that one unusable, with a reason") {
  for (std::int64_t call = 0; call < 7; ++call) {
    MockCuda& mock = MockCuda::reset();
    mock.fail_at = call;
    mock.failure = 999;
    const auto devices = list_cuda_devices(MockCuda::driver(), MockCuda::module());
    REQUIRE(devices.size() == 1);
    INFO(mock.failed_call);
    CHECK(devices[0].usable.code() == StatusCode::kNoDevice);
    CHECK(devices[0].usable.message().find("CUDA error 999") != std::string::npos);
  }
}
