// Recorded launches: run in order, in bounded pieces where there is a limit, and with inputs that
// stay as they are until the device has read them.
#include "backend/cuda/command_queue.h"

#include <catch2/catch.hpp>
#include <cstring>

#include "mock_cuda.h"

using namespace nemotron;
using namespace nemotron::test;
using kernels::cuda::launch_add;

namespace {

struct Fixture {
  Fixture() : mock(MockCuda::reset()) {
    auto opened = CudaDevice::open(MockCuda::driver(), MockCuda::module(), {});
    REQUIRE(opened.is_ok());
    device = std::move(opened).value();
    pool = std::make_unique<DevicePool>(*device, DevicePool::kNoLimit);
    queue = std::make_unique<CommandQueue>(*device, *pool);
    REQUIRE(queue->reserve(50).is_ok());
    sum = static_cast<float*>(pool->take(sizeof(float)).value());
    *sum = 0.0f;  // the mock's memory is the host's
  }
  ~Fixture() { pool->give_back(sum); }

  // Records sum += value.
  void add(float value) {
    queue->begin();
    const CommandQueue::Input input = queue->add_input(sizeof value);
    REQUIRE(input.host != nullptr);
    std::memcpy(input.host, &value, sizeof value);
    queue->record(launch_add({reinterpret_cast<const float*>(input.device), sum, 1}));
  }

  MockCuda& mock;
  std::unique_ptr<CudaDevice> device;
  std::unique_ptr<DevicePool> pool;
  std::unique_ptr<CommandQueue> queue;
  float* sum = nullptr;
};

}  // namespace

TEST_CASE("what is recorded runs once, when it is asked for") {
  Fixture f;
  for (int i = 1; i <= 10; ++i) f.add(static_cast<float>(i));
  CHECK(*f.sum == 0.0f);
  CHECK(f.queue->advance({}).value());
  CHECK(*f.sum == 55.0f);
  CHECK(f.queue->advance({}).value());
  CHECK(*f.sum == 55.0f);
}

TEST_CASE("where there is no room for an operation, those before it run first") {
  Fixture f;
  for (int i = 1; i <= 300; ++i) f.add(static_cast<float>(i));
  CHECK(*f.sum > 0.0f);
  CHECK(f.queue->advance({}).value());
  CHECK(*f.sum == 300.0f * 301.0f / 2.0f);
}

TEST_CASE("inputs that outgrow their room get more, and earlier ones were read before") {
  Fixture f;
  f.add(1.0f);
  f.queue->begin();
  const std::size_t n = CommandQueue::kInputBytes / sizeof(float) + 5;
  const CommandQueue::Input input = f.queue->add_input(n * sizeof(float));
  REQUIRE(input.host != nullptr);
  CHECK(*f.sum == 1.0f);
  const float last = 8.0f;
  std::memcpy(input.host + (n - 1) * sizeof(float), &last, sizeof last);
  f.queue->record(launch_add({reinterpret_cast<const float*>(input.device) + n - 1, f.sum, 1}));
  CHECK(f.queue->advance({}).value());
  CHECK(*f.sum == 9.0f);
}

TEST_CASE("a call past its deadline leaves a little work with the device, and more calls end it") {
  Fixture f;
  for (int i = 0; i < 19; ++i) f.add(1.0f);
  RunLimit late;
  late.deadline = RunLimit::Clock::now() - std::chrono::seconds(1);
  int n_calls = 0;
  std::int64_t n_launched = 0;
  for (bool is_done = false; !is_done; ++n_calls) {
    const auto result = f.queue->advance(late);
    REQUIRE(result.is_ok());
    is_done = result.value();
    CHECK(f.mock.count("launch") - n_launched <= 8);
    n_launched = f.mock.count("launch");
  }
  CHECK(n_calls > 4);
  CHECK(*f.sum == 19.0f);
  const std::atomic<bool> stop{true};
  RunLimit stopped;
  stopped.stop = &stop;
  for (int i = 0; i < 19; ++i) f.add(1.0f);
  CHECK_FALSE(f.queue->advance(stopped).value());
  CHECK(f.queue->advance({}).value());
  CHECK(*f.sum == 38.0f);
}

TEST_CASE("what fails while it is recorded is told once, by the next call, and then work goes on") {
  Fixture f;
  f.add(1.0f);
  f.mock.memory_bytes = f.mock.used_bytes;
  f.queue->begin();
  CHECK(f.queue->add_input(std::size_t{200} << 20).host == nullptr);
  f.queue->record(launch_add({nullptr, f.sum, 1}));  // not run
  CHECK(f.queue->advance({}).status().code() == StatusCode::kOutOfMemory);
  f.mock.memory_bytes = std::uint64_t{4} << 30;
  REQUIRE(f.queue->reserve(40).is_ok());
  f.add(2.0f);
  CHECK(f.queue->advance({}).value());
  CHECK(*f.sum == 3.0f);
}
