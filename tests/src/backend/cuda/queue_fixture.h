// A queue over a driver without a device, and a kernel whose runs can be counted.
#pragma once

#include <catch2/catch.hpp>
#include <cstring>

#include "backend/cuda/command_queue.h"
#include "mock_cuda.h"

namespace nemotron::test {

struct QueueFixture {
  QueueFixture() : mock(MockCuda::reset()) {
    auto opened = CudaDevice::open(MockCuda::driver(), MockCuda::module(), {});
    REQUIRE(opened.is_ok());
    device = std::move(opened).value();
    pool = std::make_unique<DevicePool>(*device, DevicePool::kNoLimit);
    queue = std::make_unique<CommandQueue>(*device, *pool);
    REQUIRE(queue->reserve(50).is_ok());
    sum = static_cast<float*>(pool->take(sizeof(float)).value());
    *sum = 0.0f;  // the mock's memory is the host's
  }
  ~QueueFixture() { pool->give_back(sum); }

  // Records sum += value.
  void add(float value) {
    queue->begin();
    const CommandQueue::Input input = queue->add_input(sizeof value);
    REQUIRE(input.host != nullptr);
    std::memcpy(input.host, &value, sizeof value);
    queue->record(
        kernels::cuda::launch_add({reinterpret_cast<const float*>(input.device), sum, 1}));
  }

  MockCuda& mock;
  std::unique_ptr<CudaDevice> device;
  std::unique_ptr<DevicePool> pool;
  std::unique_ptr<CommandQueue> queue;
  float* sum = nullptr;
};

}  // namespace nemotron::test
