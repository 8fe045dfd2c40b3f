// Device memory in pieces: slabs are shared, kept while they are used, and given back whole.
#include "backend/cuda/device_pool.h"

#include <catch2/catch.hpp>
#include <random>
#include <set>

#include "mock_cuda.h"

using namespace nemotron;
using namespace nemotron::test;

namespace {
std::unique_ptr<CudaDevice> open_device() {
  auto device = CudaDevice::open(MockCuda::driver(), MockCuda::module(), {});
  INFO(device.status().message());
  REQUIRE(device.is_ok());
  return std::move(device).value();
}
}  // namespace

TEST_CASE("pieces do not overlap, are aligned, and go back to the driver in the end") {
  MockCuda& mock = MockCuda::reset();
  const auto device = open_device();
  DevicePool pool(*device, DevicePool::kNoLimit);
  std::mt19937 random(7);
  std::map<std::uintptr_t, std::size_t> taken;
  for (int i = 0; i < 1500; ++i) {
    if (!taken.empty() && random() % 5 < 2) {
      auto victim = taken.begin();
      std::advance(victim, random() % taken.size());
      pool.give_back(reinterpret_cast<void*>(victim->first));
      taken.erase(victim);
      continue;
    }
    const std::size_t size = random() % 50 == 0 ? (40u << 20) : random() % (1u << 18);
    if (taken.size() > 300) continue;
    auto memory = pool.take(size);
    REQUIRE(memory.is_ok());
    const auto at = reinterpret_cast<std::uintptr_t>(memory.value());
    CHECK(at % DevicePool::kAlignment == 0);
    const auto next = taken.lower_bound(at);
    if (next != taken.end()) CHECK(at + size <= next->first);
    if (next != taken.begin()) CHECK(std::prev(next)->first + std::prev(next)->second <= at);
    taken[at] = std::max<std::size_t>(size, 1);
  }
  for (const auto& [at, size] : taken) pool.give_back(reinterpret_cast<void*>(at));
  CHECK(pool.reserved_bytes() == 0);
  CHECK(mock.used_bytes == 0);
}

TEST_CASE("small things share a slab, and a gap is used again") {
  MockCuda& mock = MockCuda::reset();
  const auto device = open_device();
  DevicePool pool(*device, DevicePool::kNoLimit);
  std::vector<void*> taken;
  for (int i = 0; i < 100; ++i) taken.push_back(pool.take(1000).value());
  CHECK(mock.count("allocate") == 1);
  CHECK(pool.reserved_bytes() == DevicePool::kSlabBytes);
  pool.give_back(taken[40]);
  pool.give_back(taken[42]);
  pool.give_back(taken[41]);
  CHECK(pool.take(3072).value() == taken[40]);  // the three are one gap
}

TEST_CASE("the cap holds, to the byte that fits") {
  MockCuda& mock = MockCuda::reset();
  const auto device = open_device();
  DevicePool pool(*device, std::uint64_t{1} << 20);
  auto first = pool.take(600 << 10);
  REQUIRE(first.is_ok());
  CHECK(pool.take(600 << 10).status().code() == StatusCode::kOverBudget);
  CHECK(pool.take(400 << 10).is_ok());
  CHECK(mock.used_bytes <= std::uint64_t{1} << 20);
}

TEST_CASE("a device that is not there, and a module of another version, are no device") {
  MockCuda::reset();
  CudaDeviceOptions missing;
  missing.index = 5;
  const auto device = CudaDevice::open(MockCuda::driver(), MockCuda::module(), missing);
  CHECK(device.status().code() == StatusCode::kNoDevice);

  nemo_cuda_module other = *MockCuda::module().table;
  CHECK(check_cuda_module(&other, "m").is_ok());
  other.kernel_signature ^= 1;
  CHECK(check_cuda_module(&other, "m").message() ==
        "'m' has kernels of another version of the library");
  other = *MockCuda::module().table;
  ++other.abi_version;
  CHECK(check_cuda_module(&other, "m").code() == StatusCode::kNoDevice);
  CHECK(check_cuda_module(nullptr, "m").code() == StatusCode::kNoDevice);
  const auto nowhere = open_cuda_module("/nowhere/libnemotron-cuda.so");
  CHECK(nowhere.status().code() == StatusCode::kNoDevice);
  CHECK(nowhere.status().message().find("/nowhere/libnemotron-cuda.so") != std::string::npos);
}
