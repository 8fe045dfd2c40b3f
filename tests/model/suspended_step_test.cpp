// A step that is left after any slice and taken up again gives the bytes of one that ran through.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstring>
#include <functional>
#include <optional>
#include <thread>

#include "golden_case.h"
#include "model/forward.h"

using namespace nemotron;
using namespace nemotron::test;

namespace {

using Clock = RunLimit::Clock;

// How a step is run: returns how often advance() was called.
using RunStep = std::function<int(Backend&)>;

int run_through(Backend& backend) {
  REQUIRE(backend.synchronize().is_ok());
  return 1;
}

// Each call of advance() with the limit that `next` gives.
int run_with(Backend& backend, const std::function<RunLimit()>& next) {
  for (int n = 1;; ++n) {
    const auto done = backend.advance(next());
    if (!done.is_ok() || n > 1000000) FAIL("advance() came to no end");
    if (done.value()) return n;
  }
}

int run_past_deadline(Backend& backend) {
  return run_with(backend, [] { return RunLimit{Clock::time_point::min(), nullptr}; });
}

int run_stopped(Backend& backend) {
  static const std::atomic<bool> stop = true;
  return run_with(backend, [] { return RunLimit{Clock::time_point::max(), &stop}; });
}

int run_by_microseconds(Backend& backend) {
  std::uint32_t state = 1;
  return run_with(backend, [&] {
    state = state * 1664525u + 1013904223u;
    return RunLimit{Clock::now() + std::chrono::microseconds(state >> 27), nullptr};
  });
}

// Two sequences that go through the model in the same steps, in pieces of different lengths.
class Pair {
 public:
  explicit Pair(Engine& engine) : engine_(engine) {
    auto layout =
        StateLayout::create(engine.backend(), engine.config(), KvType::kBF16, StateType::kF32);
    REQUIRE(layout.is_ok());
    layout_.emplace(std::move(layout).value());
    states_.assign(2, LayerState(*layout_));
  }

  // One step: the next n[i] of `tokens` for sequence i. Returns the logits of all rows.
  std::vector<float> step(const std::vector<std::int32_t>& tokens, std::array<std::int32_t, 2> n,
                          const RunStep& run) {
    std::vector<std::int32_t> step_tokens;
    std::array<Span, 2> spans;
    std::array<LayerState::Extension, 2> extensions;
    std::int32_t n_rows = 0;
    for (std::size_t i = 0; i < 2; ++i) {
      auto extension = states_[i].extend(engine_.backend(), engine_.pool(), n[i]);
      REQUIRE(extension.is_ok());
      extensions[i] = std::move(extension).value();
      spans[i] = {static_cast<std::int32_t>(i), n_rows, n[i], position_[i]};
      const auto* first = tokens.data() + position_[i];
      step_tokens.insert(step_tokens.end(), first, first + n[i]);
      n_rows += n[i];
      position_[i] += n[i];
    }
    const std::array views = {extensions[0].view, extensions[1].view};
    forward(engine_.backend(), engine_.weights(), engine_.activations(),
            {n_rows, step_tokens, spans, views});
    n_advances += run(engine_.backend());
    return logits(n_rows, run);
  }

  int n_advances = 0;

 private:
  std::vector<float> logits(std::int64_t n_rows, const RunStep& run) {
    Backend& backend = engine_.backend();
    const Activations& a = engine_.activations();
    std::vector<float> all;
    for (std::int32_t first = 0; first < n_rows; ++first) {
      const std::array rows = {first};
      backend.gather_rows(a.hidden(n_rows), rows, a.mixed(1));
      backend.rms_norm(a.mixed(1), engine_.weights().final_norm, a.normed(1));
      backend.linear(a.normed(1), engine_.weights().output, a.logits(1));
      n_advances += run(backend);
      const TensorView view = a.logits(1);
      all.insert(all.end(), view.data, view.data + view.n_columns);
    }
    return all;
  }

  Engine& engine_;
  std::optional<StateLayout> layout_;
  std::vector<LayerState> states_;
  std::array<std::int64_t, 2> position_ = {};
};

std::vector<float> run_steps(Engine& engine, const GoldenCase& golden, const RunStep& run,
                             int* n_advances = nullptr) {
  Pair pair(engine);
  // Rows of a step: at most the engine's 64.
  const auto n = std::min<std::int32_t>(60, static_cast<std::int32_t>(golden.tokens.size()) / 2);
  std::vector<float> all;
  for (const std::array<std::int32_t, 2> piece :
       {std::array{n, 1}, std::array{1, n}, std::array{1, 1}}) {
    const auto logits = pair.step(golden.tokens, piece, run);
    all.insert(all.end(), logits.begin(), logits.end());
  }
  if (n_advances != nullptr) *n_advances = pair.n_advances;
  return all;
}

bool same_bytes(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

std::shared_ptr<Engine> engine_on(const GoldenCase& golden, const CpuBackendOptions& options) {
  auto file = open_model(golden.model_path);
  REQUIRE(file.is_ok());
  auto backend = make_cpu_backend(options);
  REQUIRE(backend.is_ok());
  auto engine = Engine::create(file.value(), std::move(backend).value(), EngineOptions{}, {});
  REQUIRE(engine.is_ok());
  return std::move(engine).value();
}

void host_in_reverse(Job job, void* arg, std::uint32_t n_jobs, void*) {
  for (std::uint32_t i = n_jobs; i-- > 0;) job(arg, i);
}

void host_with_threads(Job job, void* arg, std::uint32_t n_jobs, void*) {
  std::vector<std::thread> threads;
  for (std::uint32_t i = 0; i < n_jobs; ++i) threads.emplace_back(job, arg, i);
  for (std::thread& thread : threads) thread.join();
}

}  // namespace

TEST_CASE("interrupted after every slice, a step gives the same bytes") {
  const kernels::KernelTable& kernels = *GENERATE(from_range(all_levels()));
  const int n_threads = GENERATE(1, 3);
  for (const std::string& name : golden_names()) {
    const GoldenCase golden(name);
    const auto engine = load_engine(golden.model_path, kernels, n_threads);
    const auto expected = run_steps(*engine, golden, run_through);
    INFO(name << " at level " << kernels.name << ", " << n_threads << " threads");
    int n_past = 0;
    CHECK(same_bytes(run_steps(*engine, golden, run_past_deadline, &n_past), expected));
    // Each call runs one slice: at least as many as there are operations.
    CHECK(n_past > 3 * static_cast<int>(5 * engine->config().n_layers));
    int n_stopped = 0;
    CHECK(same_bytes(run_steps(*engine, golden, run_stopped, &n_stopped), expected));
    CHECK(n_stopped > 3 * static_cast<int>(5 * engine->config().n_layers));
    CHECK(same_bytes(run_steps(*engine, golden, run_by_microseconds), expected));
  }
}

TEST_CASE("steps recorded without room for them run, and give the same bytes") {
  const GoldenCase golden("mixed");
  auto backend = make_cpu_backend({2, &best_kernels()});
  REQUIRE(backend.is_ok());
  auto file = open_model(golden.model_path);
  REQUIRE(file.is_ok());
  auto weights = load_weights(file.value(), *backend.value(), {});
  REQUIRE(weights.is_ok());
  const ModelConfig& config = file->config();
  auto activations = Activations::create(*backend.value(), config, 64);
  REQUIRE(activations.is_ok());
  auto layout = StateLayout::create(*backend.value(), config, KvType::kF32, StateType::kF32);
  REQUIRE(layout.is_ok());
  MemoryBudget budget;
  StatePool pool(*backend.value(), budget);
  LayerState state(layout.value());
  const std::array<std::int32_t, 1> tokens = {golden.tokens[0]};
  const auto extension = state.extend(*backend.value(), pool, 1);
  REQUIRE(extension.is_ok());
  const std::array spans = {Span{0, 0, 1, 0}};
  const std::array states = {extension->view};
  // Longer than what a new backend has room for.
  REQUIRE(max_step_operations(weights->layers.size()) > 16);
  forward(*backend.value(), weights.value(), activations.value(), {1, tokens, spans, states});
  std::vector<float> logits(static_cast<std::size_t>(config.n_vocab));
  const std::array<std::int32_t, 1> rows = {0};
  output_head(*backend.value(), weights.value(), activations.value(), 1, rows);
  REQUIRE(backend.value()->read(activations->logits(1).data, logits).is_ok());
  std::vector<float> expected(logits.size());
  const auto engine = load_engine(golden.model_path, best_kernels());
  REQUIRE(make_session(engine)->eval(tokens, expected).is_ok());
  CHECK(same_bytes(logits, expected));
}

TEST_CASE("a host's threads, many or one, give the same bytes") {
  for (const std::string& name : golden_names()) {
    const GoldenCase golden(name);
    const auto engine = load_engine(golden.model_path, best_kernels());
    const auto expected = run_steps(*engine, golden, run_through);
    for (const auto host : {host_in_reverse, host_with_threads}) {
      CpuBackendOptions options;
      options.kernels = &best_kernels();
      options.n_threads = 3;
      options.parallel_for = {host, nullptr};
      const auto hosted = engine_on(golden, options);
      INFO(name);
      CHECK(same_bytes(run_steps(*hosted, golden, run_through), expected));
      CHECK(same_bytes(run_steps(*hosted, golden, run_by_microseconds), expected));
    }
  }
}

TEST_CASE("two engines on one pool, limited or not, give the bytes of one") {
  const GoldenCase golden("two_groups_p24");
  auto pool = ThreadPool::create(3);
  REQUIRE(pool.is_ok());
  CpuBackendOptions options;
  options.kernels = &best_kernels();
  options.pool = std::move(pool).value();
  const auto first = engine_on(golden, options);
  const auto second = engine_on(golden, options);
  const auto expected =
      run_steps(*load_engine(golden.model_path, best_kernels()), golden, run_through);
  std::vector<float> others[8];
  std::thread thread([&] {
    for (auto& logits : others) logits = run_steps(*second, golden, run_through);
  });
  for (int i = 0; i < 8; ++i) {
    const RunStep run = i % 2 == 0 ? RunStep(run_by_microseconds) : RunStep(run_through);
    CHECK(same_bytes(run_steps(*first, golden, run), expected));
  }
  thread.join();
  for (const auto& logits : others) CHECK(same_bytes(logits, expected));
}
