// Launches that come again go as one graph: when, how many, and what becomes of failures.
#include "backend/cuda/graph_cache.h"

#include "queue_fixture.h"

using namespace nemotron;
using namespace nemotron::test;
using kernels::cuda::Launch;

namespace {

// A step of n additions, each of one more than the last one: n (n + 1) / 2.
Status step(QueueFixture& f, int n, const RunLimit& limit = {}, std::int64_t n_rows = 1) {
  f.queue->begin(n_rows);
  for (int i = 1; i <= n; ++i) f.add(static_cast<float>(i));
  return f.queue->advance(limit).status();
}

}  // namespace

TEST_CASE("what comes again goes as a graph, and reads what was sent this time") {
  QueueFixture f;
  CHECK(step(f, 4).is_ok());
  CHECK(f.mock.count("launch_graph") == 0);
  CHECK(step(f, 4).is_ok());
  CHECK(f.mock.count("instantiate_graph") == 1);
  CHECK(*f.sum == 20.0f);
  f.add(100.0f);
  for (int i = 2; i <= 4; ++i) f.add(0.5f);
  const std::int64_t n_launched = f.mock.count("launch");
  CHECK(f.queue->advance({}).value());
  CHECK(*f.sum == 121.5f);
  CHECK(f.mock.count("launch") == n_launched);
  CHECK(f.mock.count("launch_graph") == 2);
}

TEST_CASE("a graph is for exactly its launches") {
  QueueFixture f;
  for (int round = 0; round < 3; ++round)
    for (const int n : {3, 4, 5}) CHECK(step(f, n).is_ok());
  CHECK(f.mock.count("instantiate_graph") == 3);
  CHECK(f.mock.count("launch_graph") == 6);
  CHECK(*f.sum == 3 * (6.0f + 10.0f + 15.0f));
  // The same number of launches, and the last one differs in its arguments.
  for (int i = 1; i <= 3; ++i) f.add(1.0f);
  f.queue->record(kernels::cuda::launch_add({f.sum, f.sum, 1}));
  CHECK(f.queue->advance({}).value());
  CHECK(*f.sum == 2 * (93.0f + 3.0f));
  CHECK(f.mock.count("launch_graph") == 6);
}

TEST_CASE("what takes long is measured once, and given up: a cancel would wait for all of it") {
  QueueFixture f;
  constexpr int kLong = 1 + static_cast<int>(GraphCache::kMostMs / MockCuda::kLaunchMs);
  REQUIRE(f.queue->reserve(kLong + 10).is_ok());
  for (int i = 0; i < 5; ++i) {
    CHECK(step(f, kLong).is_ok());
    CHECK(step(f, kLong - 1).is_ok());
  }
  CHECK(f.mock.count("instantiate_graph") == 2);
  CHECK(f.mock.count("elapsed") == 2);
  CHECK(f.mock.count("launch_graph") == 2 + 4);
  CHECK(f.mock.count("destroy_executable") == 1);
  const auto n = static_cast<float>(kLong);
  CHECK(*f.sum == 5.0f * (n * (n + 1) / 2 + n * (n - 1) / 2));
}

TEST_CASE("steps with a deadline, of many rows, or of too many launches are never graphs") {
  QueueFixture f;
  RunLimit soon;
  soon.deadline = RunLimit::Clock::now() + std::chrono::hours(1);
  for (int i = 0; i < 3; ++i) {
    CHECK(step(f, 4, soon).is_ok());
    CHECK(step(f, 4, {}, CommandQueue::kGraphRows + 1).is_ok());
  }
  REQUIRE(f.queue->reserve(GraphCache::kMostLaunches + 100).is_ok());
  for (int i = 0; i < 3; ++i)
    CHECK(step(f, static_cast<int>(GraphCache::kMostLaunches) + 1).is_ok());
  CHECK(f.mock.count("begin_capture") == 0);
  const std::atomic<bool> stop{false};
  RunLimit stoppable;
  stoppable.stop = &stop;
  for (int i = 0; i < 3; ++i) CHECK(step(f, 4, stoppable, CommandQueue::kGraphRows).is_ok());
  CHECK(f.mock.count("launch_graph") == 2);
}

TEST_CASE("the graph that was not used for longest goes, and none is left over") {
  {
    QueueFixture f;
    constexpr int kMost = GraphCache::kMostSequences;
    for (int n = 1; n <= kMost; ++n)
      for (int i = 0; i < 2; ++i) CHECK(step(f, n).is_ok());
    CHECK(f.mock.count("instantiate_graph") == kMost);
    CHECK(step(f, 1).is_ok());          // so the one of 2 is the oldest
    CHECK(step(f, kMost + 1).is_ok());  // takes its place
    CHECK(f.mock.count("destroy_executable") == 1);
    CHECK(step(f, 1).is_ok());
    CHECK(f.mock.count("instantiate_graph") == kMost);
    CHECK(f.mock.count("launch_graph") == kMost + 2);
    for (int i = 0; i < 2; ++i) CHECK(step(f, 2).is_ok());
    CHECK(f.mock.count("instantiate_graph") == kMost + 1);
  }
  const MockCuda* mock = nullptr;
  {
    QueueFixture f;
    mock = &f.mock;
    for (int i = 0; i < 2; ++i) CHECK(step(f, 3).is_ok());
  }
  CHECK(mock->leftovers() == "");
}

TEST_CASE("when the inputs move, graphs that read them are forgotten") {
  QueueFixture f;
  for (int i = 0; i < 2; ++i) CHECK(step(f, 3).is_ok());
  f.queue->begin();
  REQUIRE(f.queue->add_input(2 * CommandQueue::kInputBytes).host != nullptr);
  CHECK(f.queue->advance({}).value());
  CHECK(f.mock.count("destroy_executable") == 1);
  CHECK(step(f, 3).is_ok());
  CHECK(f.mock.count("launch_graph") == 1);
  CHECK(*f.sum == 18.0f);
}

TEST_CASE("without memory for a graph its launches run one by one, and it is not tried again") {
  for (const char* call :
       {"begin_capture", "launch", "end_capture", "instantiate_graph", "launch_graph"}) {
    QueueFixture f;
    INFO(call);
    CHECK(step(f, 4).is_ok());
    f.mock.may_fail = {call};
    f.mock.failure = kCuOutOfMemory;
    f.mock.n_calls = f.mock.fail_at = 0;
    for (int i = 0; i < 3; ++i) CHECK(step(f, 4).is_ok());
    CHECK(f.mock.failed_call != "");
    CHECK(*f.sum == 40.0f);
    CHECK(f.mock.count("begin_capture") == 1);
    f.mock.fail_at = -1;
    for (int i = 0; i < 2; ++i) CHECK(step(f, 5).is_ok());  // others may be
    CHECK(f.mock.count("begin_capture") == 2);
    CHECK(*f.sum == 70.0f);
    CHECK(f.mock.faults.empty());
  }
}

TEST_CASE("whichever call of a graph's fails, the device is lost, and nothing else happens") {
  for (std::int64_t call = 0;; ++call) {
    QueueFixture f;
    CHECK(step(f, 2).is_ok());
    f.mock.fail_at = f.mock.n_calls + call;
    Status status;
    for (int i = 0; i < 2 && status.is_ok(); ++i) status = step(f, 2);
    INFO(f.mock.failed_call << ": " << status.message());
    CHECK(f.mock.faults.empty());
    CHECK(f.mock.contexts.empty());
    if (f.mock.failed_call.empty()) {
      CHECK(status.is_ok());
      CHECK(call > 15);
      break;
    }
    // Of leaving the context the next call tells.
    if (status.is_ok()) status = step(f, 2);
    CHECK(status.code() == StatusCode::kDeviceLost);
  }
}

TEST_CASE("equal arguments are equal bytes, whatever lay in the padding between them") {
#if __has_builtin(__builtin_clear_padding)
  using kernels::cuda::AttentionArgs;
  using kernels::cuda::RmsNormArgs;
  alignas(16) std::array<std::byte, sizeof(AttentionArgs)> memory[2];
  Launch norms[2], attentions[2];
  for (int i = 0; i < 2; ++i) {
    memory[i].fill(std::byte{static_cast<unsigned char>(i * 0xff)});
    auto* norm = reinterpret_cast<RmsNormArgs*>(memory[i].data());
    norm->x = norm->weight = norm->out = nullptr;
    norm->prepared = nullptr;
    norm->n_columns = norm->x_stride = 7;
    norm->eps = 1e-5f;
    norms[i] = kernels::cuda::launch_rms_norm(*norm, 3);
    memory[i].fill(std::byte{static_cast<unsigned char>(i * 0xff)});
    auto* attention = reinterpret_cast<AttentionArgs*>(memory[i].data());
    attention->spans = nullptr;
    attention->row_spans = nullptr;
    attention->q = attention->k = attention->v = attention->out = nullptr;
    attention->q_stride = attention->k_stride = attention->v_stride = attention->n_heads = 1;
    attention->n_kv_heads = attention->head_dim = attention->layer = 1;
    attention->prepared = nullptr;
    attention->scratch = attention->carry = nullptr;
    attention->first_part = attention->n_parts = attention->first_row = 0;
    attention->only_f32 = false;
    attention->scale = 0.5f;
    attentions[i] = kernels::cuda::launch_attention(*attention, 3);
  }
  CHECK(norms[0] == norms[1]);
  CHECK(attentions[0] == attentions[1]);
  CHECK_FALSE(norms[0] == attentions[0]);
#endif
}
