// The layouts of the relatives and the published types against the official code, at every level.
// What made the goldens is tests/data/model/make_relatives.py.
#include <cmath>
#include <nlohmann/json.hpp>

#include "golden_case.h"

using namespace nemotron;
using namespace nemotron::test;

namespace {

const std::string kFolder = kModelData + "relatives/";

struct Case {
  explicit Case(const nlohmann::json& description)
      : name(description["case"].get<std::string>()),
        model_path(kFolder + description["model"].get<std::string>()),
        tokens(description["tokens"].get<std::vector<std::int32_t>>()),
        expected(read_floats(kFolder + description["logits"].get<std::string>())),
        weight_only(description.value("weight_only", false)),
        error(description.value("error", -1.0)) {}

  std::vector<float> run(const kernels::KernelTable& kernels, int n_threads = 2,
                         std::size_t piece = 64) const {
    auto file = open_model(model_path);
    INFO(name << ": " << file.status().message());
    REQUIRE(file.is_ok());
    auto backend = make_cpu_backend({n_threads, &kernels, weight_only});
    REQUIRE(backend.is_ok());
    auto engine = Engine::create(file.value(), std::move(backend).value(), EngineOptions{}, {});
    REQUIRE(engine.is_ok());
    const auto session = make_session(engine.value());
    return eval_in_pieces(*session, tokens, piece);
  }

  std::string name;
  std::string model_path;
  std::vector<std::int32_t> tokens;
  std::vector<float> expected;  // [n_tokens, n_vocab]
  bool weight_only;
  double error;  // relative RMS of the official logits to the BF16 model's; -1: no such model
};

std::vector<Case> cases() {
  std::vector<Case> out;
  const nlohmann::json index = read_json(kFolder + "index.json");
  for (const auto& description : index["cases"]) out.emplace_back(description);
  REQUIRE_FALSE(out.empty());
  return out;
}

Case find_case(const std::string& name) {
  for (Case& one : cases())
    if (one.name == name) return std::move(one);
  FAIL("no case " << name);
  return Case({});
}

}  // namespace

TEST_CASE("relatives and types: logits equal the official code's with the same weights") {
  for (const Case& one : cases()) {
    for (const kernels::KernelTable* kernels : f32_levels(one.model_path)) {
      INFO(one.name << " at level " << kernels->name);
      const auto logits = one.run(*kernels);
      REQUIRE(logits.size() == one.expected.size());
      CHECK(largest_difference(logits, one.expected) <= 1e-4 * rms(one.expected));
    }
  }
}

TEST_CASE("relatives and types: levels with narrow activations agree within 5 percent") {
  for (const Case& one : cases()) {
    for (const kernels::KernelTable* kernels : narrow_levels(one.model_path)) {
      const auto logits = one.run(*kernels);
      REQUIRE(logits.size() == one.expected.size());
      const double error = rms_difference(logits, one.expected) / rms(one.expected);
      INFO(one.name << " at level " << kernels->name << ": " << error);
      CHECK(error <= 0.05);
    }
  }
}

TEST_CASE("the error of each type against BF16 is the official one") {
  const std::vector<float> exact = find_case("types_bf16").expected;
  for (const Case& one : cases()) {
    if (one.error <= 0) continue;
    const double error =
        rms_difference(one.run(best_f32_kernels(one.model_path)), exact) / rms(exact);
    INFO(one.name << ": " << error);
    CHECK(std::abs(error - one.error) <= 0.01 * one.error + 1e-6);
  }
}

TEST_CASE("FP8: both scales are the default, and neither threads nor splits change a byte") {
  const Case both = find_case("types_fp8");
  const Case weight_only = find_case("types_fp8_weight_only");
  for (const kernels::KernelTable* kernels : all_levels()) {
    for (const Case& one : {both, weight_only}) {
      INFO(one.name << " at level " << kernels->name);
      const auto whole = one.run(*kernels, 1);
      CHECK(whole == one.run(*kernels, 3));
      CHECK(whole == one.run(*kernels, 2, 1));
      CHECK(whole == one.run(*kernels, 2, 7));
    }
  }
  CHECK(rms_difference(both.expected, weight_only.expected) > 1e-3 * rms(both.expected));
  CHECK_FALSE(CpuBackendOptions{}.fp8_weight_only);
}
