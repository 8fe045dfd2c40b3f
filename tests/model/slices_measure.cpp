// No test: measures how long slices take and how well a pump keeps a budget, on the model that
// NEMO_MEASURE_MODEL names. Run by hand: model_test "[measure]".
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <map>

#include "golden_case.h"
#include "model/forward.h"

using namespace nemotron;
using namespace nemotron::test;

namespace {

using Clock = RunLimit::Clock;

double us_since(Clock::time_point begin) {
  return std::chrono::duration<double, std::micro>(Clock::now() - begin).count();
}

double at_quantile(std::vector<double>& sorted, double q) {
  return sorted.empty()
             ? 0.0
             : sorted[static_cast<std::size_t>(q * static_cast<double>(sorted.size() - 1))];
}

// What one budget gave: times of advance() that used it up, and the longest slices by kind.
struct Measured {
  std::vector<double> advance_us;
  std::map<int, std::vector<double>> longest_us;  // of each advance(), by the kind of its longest
  double total_us = 0.0;
};

class Stepper {
 public:
  Stepper(const std::string& path, int n_threads, std::int64_t position) {
    auto file = open_model(path);
    REQUIRE(file.is_ok());
    CpuBackendOptions options;
    options.n_threads = n_threads;
    options.kernels = &best_kernels();
    auto backend = CpuBackend::create(options);
    REQUIRE(backend.is_ok());
    backend_ = backend.value().get();
    auto engine = Engine::create(file.value(), std::move(backend).value(), EngineOptions{}, {});
    REQUIRE(engine.is_ok());
    engine_ = std::move(engine).value();
    auto layout = StateLayout::create(*backend_, engine_->config(), KvType::kBF16, StateType::kF32);
    REQUIRE(layout.is_ok());
    layout_.emplace(std::move(layout).value());
    // As if so many tokens had been read: their keys are zeros.
    state_.emplace(*layout_, position, StateRef(), std::vector<StateRef>());
    position_ = position;
  }

  void step(std::int32_t n_rows, std::chrono::microseconds budget, Measured& out) {
    const auto extension = state_->extend(*backend_, engine_->pool(), n_rows);
    REQUIRE(extension.is_ok());
    std::vector<std::int32_t> tokens(static_cast<std::size_t>(n_rows));
    for (std::size_t i = 0; i < tokens.size(); ++i)
      tokens[i] = static_cast<std::int32_t>((i * 7919 + static_cast<std::size_t>(position_)) %
                                            static_cast<std::size_t>(engine_->config().n_vocab));
    const std::array spans = {Span{0, 0, n_rows, position_}};
    const std::array states = {extension->view};
    forward(*backend_, engine_->weights(), engine_->activations(), {n_rows, tokens, spans, states});
    const Activations& a = engine_->activations();
    const std::array rows = {n_rows - 1};
    backend_->gather_rows(a.hidden(n_rows), rows, a.mixed(1));
    backend_->rms_norm(a.mixed(1), engine_->weights().final_norm, a.normed(1));
    backend_->linear(a.normed(1), engine_->weights().output, a.logits(1));
    const auto begin = Clock::now();
    for (bool done = false; !done;) {
      const auto call = Clock::now();
      const auto result = backend_->advance({call + budget, nullptr});
      done = result.value();
      if (!done) out.advance_us.push_back(us_since(call));
      const auto longest = backend_->take_longest_range();
      out.longest_us[static_cast<int>(longest.shape.kind)].push_back(
          static_cast<double>(longest.ns) / 1000.0);
    }
    out.total_us += us_since(begin);
    position_ += n_rows;
  }

 private:
  CpuBackend* backend_ = nullptr;
  std::shared_ptr<Engine> engine_;
  std::optional<StateLayout> layout_;
  std::optional<LayerState> state_;
  std::int64_t position_ = 0;
};

void print(const char* what, int n_steps, std::chrono::microseconds budget, Measured& m) {
  std::sort(m.advance_us.begin(), m.advance_us.end());
  std::printf(
      "%s, budget %d us: %.0f us per step; %zu calls of advance used their budget: "
      "p50 %.0f us, p99 %.0f us, most %.0f us\n",
      what, static_cast<int>(budget.count()), m.total_us / n_steps, m.advance_us.size(),
      at_quantile(m.advance_us, 0.5), at_quantile(m.advance_us, 0.99),
      at_quantile(m.advance_us, 1.0));
  for (auto& [kind, longest] : m.longest_us) {
    std::sort(longest.begin(), longest.end());
    std::printf("  longest slice of kind %d: p50 %.0f us, p99 %.0f us, most %.0f us (%zu calls)\n",
                kind, at_quantile(longest, 0.5), at_quantile(longest, 0.99),
                at_quantile(longest, 1.0), longest.size());
  }
}

int from_environment(const char* name, int otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::atoi(text);
}

}  // namespace

TEST_CASE("how long slices take", "[.][measure]") {
  const char* path = std::getenv("NEMO_MEASURE_MODEL");
  REQUIRE(path != nullptr);
  Stepper stepper(path, from_environment("NEMO_MEASURE_THREADS", 2),
                  from_environment("NEMO_MEASURE_DEPTH", 0));
  const int n_steps = from_environment("NEMO_MEASURE_STEPS", 20);
  for (const int rows : {1, 64}) {
    const std::string what = rows == 1 ? "decode" : "prefill of 64 rows";
    Measured first;
    stepper.step(rows, std::chrono::milliseconds(2), first);
    print(("first " + what).c_str(), 1, std::chrono::milliseconds(2), first);
    for (const int budget_ms : {1, 2, 8}) {
      Measured measured;
      for (int i = 0; i < n_steps; ++i)
        stepper.step(rows, std::chrono::milliseconds(budget_ms), measured);
      print(what.c_str(), n_steps, std::chrono::milliseconds(budget_ms), measured);
    }
  }
}
