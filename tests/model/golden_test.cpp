// The layer stack against the official code, layer by layer and at the logits, at every level.
#include "golden_case.h"
#include "model/forward.h"

using namespace nemotron;
using namespace nemotron::test;

namespace {

// The residual stream after the first `n_layers` layers.
std::vector<float> hidden_after(Engine& engine, const ModelWeights& weights,
                                std::span<const std::int32_t> tokens) {
  auto layout =
      StateLayout::create(engine.backend(), engine.config(), KvType::kF32, StateType::kF32);
  REQUIRE(layout.is_ok());
  LayerState state(layout.value());
  const auto n_rows = static_cast<std::int32_t>(tokens.size());
  const auto extension = state.extend(engine.backend(), engine.pool(), n_rows);
  REQUIRE(extension.is_ok());
  const std::array spans = {Span{0, 0, n_rows, 0}};
  const std::array states = {extension->view};
  forward(engine.backend(), weights, engine.activations(), {n_rows, tokens, spans, states});
  REQUIRE(engine.backend().synchronize().is_ok());
  const TensorView hidden = engine.activations().hidden(n_rows);
  return {hidden.data, hidden.data + n_rows * hidden.n_columns};
}

}  // namespace

TEST_CASE("logits equal the official code's") {
  for (const std::string& name : golden_names()) {
    const GoldenCase golden(name);
    for (const kernels::KernelTable* kernels : f32_levels(golden.model_path)) {
      INFO(name << " at level " << kernels->name);
      const auto engine = load_engine(golden.model_path, *kernels, 2);
      const auto session = make_session(engine);
      const auto logits = eval_in_pieces(*session, golden.tokens, golden.tokens.size());
      REQUIRE(logits.size() == golden.logits.size());
      CHECK(largest_difference(logits, golden.logits) <= 1e-4 * rms(golden.logits));
    }
  }
}

// Activations rounded to int8 or bf16 before each product: the logits' error is what that costs on
// these random models, whose layers do not damp it as trained ones do.
TEST_CASE("levels with narrow activations agree with the official code within 5 percent") {
  for (const std::string& name : golden_names()) {
    const GoldenCase golden(name);
    for (const kernels::KernelTable* kernels : narrow_levels(golden.model_path)) {
      const auto engine = load_engine(golden.model_path, *kernels, 2);
      const auto session = make_session(engine);
      const auto logits = eval_in_pieces(*session, golden.tokens, golden.tokens.size());
      const double error = rms_difference(logits, golden.logits) / rms(golden.logits);
      INFO(name << " at level " << kernels->name << ": " << error);
      CHECK(error <= 0.05);
    }
  }
}

// A group's largest element is some 2.3 times its root mean square, so rounding to 127ths of it is
// an error of 2.3 / 127 / sqrt(12) of an element: 0.5 percent.
TEST_CASE("with keys and values in q8 the logits move by less than 1 percent") {
  int n_cases = 0;
  for (const std::string& name : golden_names()) {
    const GoldenCase golden(name);
    const auto engine = load_engine(golden.model_path, best_f32_kernels(golden.model_path), 2);
    if (!engine->config().has(LayerKind::attention) || !has_kv_type(*engine, KvType::kQ8)) continue;
    const auto session = make_session(engine, KvType::kQ8);
    const auto logits = eval_in_pieces(*session, golden.tokens, golden.tokens.size());
    const double error = rms_difference(logits, golden.logits) / rms(golden.logits);
    INFO(name << ": " << error);
    CHECK(error <= 0.01);
    CHECK(error > 1e-4);  // something was rounded
    ++n_cases;
  }
  CHECK(n_cases >= 3);
}

// A rounding is an error of at most 2^-9; a state holds the errors of as many tokens as it
// remembers.
TEST_CASE("with a bf16 state the logits move by less than 2 percent") {
  for (const std::string& name : golden_names()) {
    const GoldenCase golden(name);
    const auto engine = load_engine(golden.model_path, best_f32_kernels(golden.model_path), 2);
    if (!engine->config().has(LayerKind::mamba2)) continue;
    const auto session = make_session(engine, KvType::kF32, StateType::kBF16);
    const auto logits = eval_in_pieces(*session, golden.tokens, golden.tokens.size());
    const double error = rms_difference(logits, golden.logits) / rms(golden.logits);
    INFO(name << ": " << error);
    CHECK(error <= 0.02);
    CHECK(error > 1e-4);  // something was rounded
  }
}

TEST_CASE("the residual stream equals the official code's after each layer") {
  const bool is_ref = GENERATE(true, false);
  for (const std::string& name : golden_names()) {
    const GoldenCase golden(name);
    const kernels::KernelTable& kernels =
        is_ref ? kernels::ref_kernels() : best_f32_kernels(golden.model_path);
    const auto n_tokens = golden.n_hidden_tokens;
    const auto engine = load_engine(golden.model_path, kernels);
    auto file = open_model(golden.model_path);
    auto weights = load_weights(file.value(), engine->backend(), {});
    REQUIRE(weights.is_ok());
    const std::size_t n_values = n_tokens * static_cast<std::size_t>(engine->config().d_model);
    for (std::size_t n_layers = weights->layers.size();; --n_layers) {
      INFO(name << " at level " << kernels.name << ", after " << n_layers << " layers");
      weights->layers.resize(n_layers);
      const auto hidden =
          hidden_after(*engine, weights.value(), std::span(golden.tokens).first(n_tokens));
      const auto expected = std::span(golden.hidden).subspan(n_layers * n_values, n_values);
      REQUIRE(hidden.size() == expected.size());
      CHECK(largest_difference(hidden, expected) <= 2e-5 * rms(expected));
      if (n_layers == 0) break;
    }
  }
}
