// What the CUDA backend asks of a driver, and what it makes of its failures: no crash, a status
// that says what happened, contexts popped as they were pushed.
#include "cuda_fixture.h"
#include "src/session/saved_case.h"

using namespace nemotron;
using namespace nemotron::test;

namespace {

const std::string kModel = kModelData + "hf/tiny_chat";

// Loads, runs, forks, saves and restores; the first status that is not ok.
Status scenario() {
  NEMO_ASSIGN(const auto engine, try_cuda_engine(kModel));
  NEMO_ASSIGN(const auto session, Session::create(engine, {engine->config().max_context,
                                                           KvType::kBF16, StateType::kF32}));
  const auto tokens = some_tokens(*engine, 12);
  NEMO_TRY(session->eval(tokens, {}));
  NEMO_ASSIGN(const auto fork, session->fork());
  NEMO_TRY(fork->eval(std::span(tokens).first(3), {}));
  for (std::size_t i = 0; i < 3; ++i)  // the second of them makes a graph
    NEMO_TRY(fork->eval(std::span(tokens).subspan(i, 1), {}));
  std::uint64_t size = 0;
  NEMO_TRY([&] {
    Status status = save_session(*fork, {}, kSave, size);
    return status.code() == StatusCode::kBufferTooSmall ? Status::ok() : status;
  }());
  Bytes bytes(size);
  NEMO_TRY(save_session(*fork, bytes, kSave, size));
  NEMO_ASSIGN(const auto restored, try_restore(engine, bytes));
  return restored->eval(std::span(tokens).first(2), {});
}

}  // namespace

TEST_CASE("whichever call of the driver fails, the status says so and nothing is left over") {
  std::int64_t n_hidden = 0;
  for (std::int64_t call = 0;; call += call < 80 ? 1 : 7) {  // later ones are alike
    MockCuda& mock = MockCuda::reset();
    mock.memory_bytes = std::uint64_t{8} << 20;  // quick to fill; slabs do not fit
    mock.fail_at = call;
    const Status status = scenario();
    INFO("call " << call << ", " << mock.failed_call << ": " << status.message());
    CHECK(mock.leftovers() == "");
    if (mock.failed_call.empty()) {
      CHECK(status.is_ok());
      CHECK(call > 500);
      break;
    }
    if (status.is_ok()) {  // only while everything is given back at the end
      ++n_hidden;
      continue;
    }
    const bool is_loading = mock.count("launch") == 0;
    CHECK((status.code() == StatusCode::kDeviceLost ||
           (is_loading && status.code() == StatusCode::kNoDevice)));
  }
  CHECK(n_hidden < 30);
}

// Without memory for these there is another way.
const std::set<std::string> kOtherWays = {
    "allocate",          "begin_capture",        "captured launch", "launch_graph",
    "instantiate_graph", "captured end_capture", "create_event"};

TEST_CASE("whatever the driver has no memory for, the status says so and nothing is left over") {
  std::int64_t n_other_ways = 0;
  std::int64_t n_events = 0;  // of those
  for (std::int64_t call = 0;; ++call) {
    MockCuda& mock = MockCuda::reset();
    mock.may_fail = {"retain_primary", "load_module",   "create_stream",    "create_event",
                     "allocate",       "allocate_host", "launch",           "begin_capture",
                     "end_capture",    "launch_graph",  "instantiate_graph"};
    mock.memory_bytes = std::uint64_t{8} << 20;
    mock.fail_at = call;
    mock.failure = kCuOutOfMemory;
    const Status status = scenario();
    INFO("call " << call << ", " << mock.failed_call << ": " << status.message());
    CHECK(mock.leftovers() == "");
    if (mock.failed_call.empty()) {
      CHECK(status.is_ok());
      CHECK(call > 100);
      break;
    }
    if (status.is_ok()) {  // a slab, or a graph, that is not to be had, or others give way
      CHECK(kOtherWays.count(mock.failed_call) == 1);
      ++n_other_ways;
      n_events += mock.failed_call == "create_event" ? 1 : 0;
      continue;
    }
    CHECK(status.code() == StatusCode::kOutOfMemory);
  }
  CHECK(n_other_ways > 0);
  CHECK(n_events == 2);  // those that measure a graph: it is done without
}

TEST_CASE("a lost device says so from then on, and another context goes on") {
  MockCuda& mock = MockCuda::reset();
  const auto engine = cuda_engine(kModel);
  const auto session = make_session(engine);
  const auto tokens = some_tokens(*engine, 10);
  run(*session, tokens);
  mock.fail_at = mock.n_calls + 20;
  const Status first = session->eval(tokens, {});
  CHECK(first.code() == StatusCode::kDeviceLost);
  CHECK(first.message().find("CUDA_ERROR_LAUNCH_FAILED") != std::string::npos);
  mock.is_lost = false;  // the others of the process: theirs was not
  const Status second = session->eval(tokens, {});
  CHECK(second.code() == StatusCode::kDeviceLost);
  CHECK(second.message().find("lost earlier") != std::string::npos);
  const auto other = cuda_engine(kModel);
  run(*make_session(other), tokens);
}

TEST_CASE("want of device memory is a status, at load and later, and the cap is kept") {
  MockCuda& mock = MockCuda::reset();
  mock.memory_bytes = 1 << 20;
  CHECK(try_cuda_engine(kModel).status().code() == StatusCode::kOutOfMemory);
  CHECK(mock.leftovers() == "");

  MockCuda::reset();
  CudaBackendOptions capped;
  capped.max_bytes = 1 << 20;
  CHECK(try_cuda_engine(kModel, {}, capped).status().code() == StatusCode::kOverBudget);

  // Room for the model, but not for a slab of 64 MiB: what is there is used.
  MockCuda& tight = MockCuda::reset();
  tight.memory_bytes = std::uint64_t{40} << 20;
  {
    const auto engine = cuda_engine(kModel);
    const auto session = make_session(engine);
    run(*session, some_tokens(*engine, 20));
    tight.memory_bytes = tight.used_bytes;  // another program takes the rest
    Status status = Status::ok();
    std::vector<std::unique_ptr<Session>> sessions;
    for (int i = 0; i < 150 && status.is_ok(); ++i) {
      sessions.push_back(make_session(engine));
      status = sessions.back()->eval(some_tokens(*engine, 2), {});
    }
    // Idle sessions give way, so it goes on; and what they hold is computed again.
    CHECK(status.is_ok());
    CHECK(engine->stats().n_parked > 0);
    CHECK(tight.used_bytes <= tight.memory_bytes);
  }
  CHECK(tight.leftovers() == "");
}
