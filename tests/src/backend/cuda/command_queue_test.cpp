// Recorded launches: run in order, in bounded pieces where there is a limit, and with inputs that
// stay as they are until the device has read them.
#include "queue_fixture.h"

using namespace nemotron;
using namespace nemotron::test;
using kernels::cuda::launch_add;

TEST_CASE("what is recorded runs once, when it is asked for") {
  QueueFixture f;
  for (int i = 1; i <= 10; ++i) f.add(static_cast<float>(i));
  CHECK(*f.sum == 0.0f);
  CHECK(f.queue->advance({}).value());
  CHECK(*f.sum == 55.0f);
  CHECK(f.queue->advance({}).value());
  CHECK(*f.sum == 55.0f);
}

TEST_CASE("where there is no room for an operation, those before it run first") {
  QueueFixture f;
  for (int i = 1; i <= 300; ++i) f.add(static_cast<float>(i));
  CHECK(*f.sum > 0.0f);
  CHECK(f.queue->advance({}).value());
  CHECK(*f.sum == 300.0f * 301.0f / 2.0f);
}

TEST_CASE("inputs that outgrow their room get more, and earlier ones were read before") {
  QueueFixture f;
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
  QueueFixture f;
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

TEST_CASE("a stop while work runs is seen within a window, with at most another one enqueued") {
  QueueFixture f;
  REQUIRE(f.queue->reserve(200).is_ok());
  std::atomic<bool> stop{false};
  RunLimit limit;
  limit.stop = &stop;
  std::int64_t n_run = 0;
  f.mock.on_kernel = [&] {
    if (++n_run == 20) stop = true;
  };
  for (int i = 0; i < 100; ++i) f.add(1.0f);
  CHECK_FALSE(f.queue->advance(limit).value());
  CHECK(n_run == 24);                   // the third window is waited for
  CHECK(f.mock.count("launch") == 32);  // the fourth is with the device
  CHECK(f.queue->advance({}).value());
  CHECK(*f.sum == 100.0f);
}

TEST_CASE("within a budget, too, no more than two windows are with the device") {
  QueueFixture f;
  REQUIRE(f.queue->reserve(200).is_ok());
  RunLimit limit;
  limit.deadline = RunLimit::Clock::now() + std::chrono::hours(1);
  std::int64_t n_run = 0;
  std::int64_t most_waiting = 0;
  f.mock.on_kernel = [&] {
    most_waiting = std::max(most_waiting, f.mock.count("launch") - n_run++);
  };
  for (int i = 0; i < 100; ++i) f.add(1.0f);
  CHECK(f.queue->advance(limit).value());
  CHECK(most_waiting == 16);
  CHECK(f.mock.count("wait_event") == 13);
  CHECK(*f.sum == 100.0f);
}

TEST_CASE("what fails while it is recorded is told once, by the next call, and then work goes on") {
  QueueFixture f;
  f.add(1.0f);
  f.mock.memory_bytes = f.mock.used_bytes;
  f.queue->begin();
  CHECK(f.queue->add_input(std::size_t{200} << 20).host == nullptr);
  f.queue->record(launch_add({nullptr, f.sum, 1}));  // not run
  CHECK(f.queue->advance({}).status().code() == StatusCode::kOutOfMemory);
  f.mock.memory_bytes = std::uint64_t{4} << 30;
  REQUIRE(f.queue->reserve(50).is_ok());
  f.add(2.0f);
  CHECK(f.queue->advance({}).value());
  CHECK(*f.sum == 3.0f);
}
