// What operations took on the device, by kind, with the bytes and arithmetic that the CPU counts.
#include "cuda_fixture.h"
#include "src/session/saved_case.h"

using namespace nemotron;
using namespace nemotron::test;

namespace {

std::map<std::string, OperationFigures> by_name(const Backend& backend) {
  std::map<std::string, OperationFigures> out;
  for (const OperationFigures& figures : backend.profile()) out[figures.name] = figures;
  return out;
}

// A prompt and some tokens, measured.
std::map<std::string, OperationFigures> measured(const std::shared_ptr<Engine>& engine) {
  engine->backend().set_profiling(true);
  const auto session = make_session(engine);
  const auto tokens = some_tokens(*engine, 12);
  run(*session, std::span(tokens).first(9));
  for (std::size_t i = 9; i < tokens.size(); ++i) run(*session, std::span(tokens).subspan(i, 1));
  return by_name(engine->backend());
}

}  // namespace

TEST_CASE("operations are counted as on the CPU, each with the time of its launches") {
  for (const char* model : {"hf/four_groups_p80", "gguf/mixed.gguf"}) {
    INFO(model);
    MockCuda& mock = MockCuda::reset();
    {
      const auto engine = cuda_engine(kModelData + model, {}, plain_kernels());
      const auto figures = measured(engine);
      const auto expected = measured(load_engine(kModelData + model, kernels::ref_kernels(), 1));
      double all_ns = 0.0;
      for (const auto& [name, cpu] : expected) {
        INFO(name);
        REQUIRE(figures.count(name) == 1);
        const OperationFigures& cuda = figures.at(name);
        CHECK(cuda.n_runs == cpu.n_runs);
        if (name.starts_with("linear")) {  // the CPU's are whole tiles
          CHECK(cuda.n_bytes <= cpu.n_bytes);
          CHECK(cuda.n_bytes > cpu.n_bytes / 10 * 9);
        } else {
          CHECK(cuda.n_bytes == cpu.n_bytes);
        }
        CHECK(cuda.operations == cpu.operations);
        CHECK(cuda.arithmetic == cpu.arithmetic);
        CHECK(static_cast<double>(cuda.ns) ==
              Approx(1e6 * MockCuda::kLaunchMs * static_cast<double>(cuda.n_runs)));
        all_ns += static_cast<double>(cuda.ns);
      }
      CHECK(figures.size() == expected.size());
      CHECK(all_ns == Approx(1e6 * mock.now_ms));
      CHECK(mock.count("launch_graph") == 0);
    }
    CHECK(mock.leftovers() == "");
  }
}

TEST_CASE("an operation of several launches is one, wherever a window ends in it") {
  MockCuda& mock = MockCuda::reset();
  const auto device = CudaDevice::open(MockCuda::driver(), MockCuda::module(), {});
  REQUIRE(device.is_ok());
  DevicePool pool(*device.value(), DevicePool::kNoLimit);
  CommandQueue queue(*device.value(), pool);
  REQUIRE(queue.reserve(40).is_ok());
  auto* sum = static_cast<float*>(pool.take(sizeof(float)).value());
  *sum = 1.0f;
  queue.profile().enable(true);
  for (int i = 0; i < 7; ++i) {
    queue.begin();
    queue.mark({WorkKind::kLinear}, {5.0, 2.0});
    for (int n = 0; n < 3; ++n) queue.record(kernels::cuda::launch_add({sum, sum, 1}));
  }
  RunLimit late;
  late.deadline = RunLimit::Clock::now() - std::chrono::seconds(1);
  while (!queue.advance(late).value()) continue;
  const auto figures = queue.profile().figures();
  REQUIRE(figures.size() == 1);
  CHECK(figures[0].n_runs == 7);
  CHECK(figures[0].n_bytes == 35);
  CHECK(static_cast<double>(figures[0].ns) == Approx(1e6 * MockCuda::kLaunchMs * 21));
  pool.give_back(sum);
  CHECK(mock.faults.empty());
}

TEST_CASE("measuring makes nothing while it runs, and ends: then steps are graphs again") {
  MockCuda& mock = MockCuda::reset();
  const auto engine = cuda_engine(kModelData + "hf/tiny_chat");
  const std::int64_t n_objects = mock.n_objects;
  CHECK(measured(engine).size() > 5);
  CHECK(mock.n_objects == n_objects);
  engine->backend().set_profiling(false);
  const auto before = by_name(engine->backend());
  const auto session = make_session(engine);
  for (int i = 0; i < 3; ++i) run(*session, some_tokens(*engine, 1));
  CHECK(mock.count("launch_graph") == 2);
  for (const auto& [name, figures] : by_name(engine->backend()))
    CHECK(figures.n_runs == before.at(name).n_runs);
  engine->backend().set_profiling(true);
  CHECK(engine->backend().profile().empty());
}

TEST_CASE("what is part of a product on tensor cores is counted with it") {
  MockCuda& mock = MockCuda::reset();
  {
    const auto engine = cuda_engine(kModelData + "gguf/mixed.gguf");
    const double loaded_ms = mock.now_ms;
    const auto figures = measured(engine);
    double all_ns = 0.0;
    for (const auto& [name, cuda] : figures) all_ns += static_cast<double>(cuda.ns);
    CHECK(figures.count("elementwise") == 0);
    CHECK(figures.count("rms_norm") == 1);
    CHECK(all_ns == Approx(1e6 * (mock.now_ms - loaded_ms)));
  }
  CHECK(mock.leftovers() == "");
}
