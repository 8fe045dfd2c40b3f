// The layouts of the relatives and the published types against the official code, at every level.
// What made the goldens is tests/data/model/make_relatives.py.
#include <cmath>

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
    auto engine = Engine::create(file.value(), std::move(backend).value(), 64, {});
    REQUIRE(engine.is_ok());
    const auto session = make_session(engine.value());
    return eval_in_pieces(*session, tokens, piece);
  }

  std::string name;
  std::string model_path;
  std::vector<std::int32_t> tokens;
  std::vector<float> expected;  // [n_tokens, n_vocab]
  bool weight_only;
  double
      error;  // relative RMS of the official logits to those of the BF16 model; -1: no such model
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

double rms(std::span<const float> values) {
  double sum = 0;
  for (const float v : values) sum += double{v} * v;
  return std::sqrt(sum / static_cast<double>(values.size()));
}

std::vector<float> difference(std::span<const float> a, std::span<const float> b) {
  REQUIRE(a.size() == b.size());
  std::vector<float> out(a.size());
  for (std::size_t i = 0; i < a.size(); ++i) out[i] = a[i] - b[i];
  return out;
}

double largest(std::span<const float> values) {
  double found = 0;
  for (const float v : values)
    if (!(std::abs(v) <= found)) found = std::abs(v);  // a NaN is the largest
  return found;
}

const kernels::KernelTable& kernels_at(int level) {
  const bool has_avx2 = kernels::avx2_kernels() != nullptr && __builtin_cpu_supports("avx2");
  return level == 0 || !has_avx2 ? kernels::ref_kernels() : *kernels::avx2_kernels();
}

}  // namespace

TEST_CASE("relatives and types: logits equal the official code's with the same weights") {
  const int level = GENERATE(0, 1);
  for (const Case& one : cases()) {
    const auto logits = one.run(kernels_at(level));
    INFO(one.name << " at level " << kernels_at(level).name);
    CHECK(largest(difference(logits, one.expected)) <= 1e-4 * rms(one.expected));
  }
}

TEST_CASE("the error of each type against BF16 is the official one") {
  const std::vector<float> exact = find_case("types_bf16").expected;
  for (const Case& one : cases()) {
    if (one.error <= 0) continue;
    const double error = rms(difference(one.run(kernels_at(1)), exact)) / rms(exact);
    INFO(one.name << ": " << error);
    CHECK(std::abs(error - one.error) <= 0.01 * one.error + 1e-6);
  }
}

TEST_CASE("FP8: both scales are the default, and neither threads nor splits change a byte") {
  const Case both = find_case("types_fp8");
  const Case weight_only = find_case("types_fp8_weight_only");
  for (const Case& one : {both, weight_only}) {
    const auto whole = one.run(kernels_at(1), 1);
    CHECK(whole == one.run(kernels_at(1), 3));
    CHECK(whole == one.run(kernels_at(1), 2, 1));
    CHECK(whole == one.run(kernels_at(1), 2, 7));
  }
  CHECK(rms(difference(both.expected, weight_only.expected)) > 1e-3 * rms(both.expected));
  CHECK_FALSE(CpuBackendOptions{}.fp8_weight_only);
}
