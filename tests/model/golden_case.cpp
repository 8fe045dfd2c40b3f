#include "golden_case.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "backend/cpu/cpu_backend.h"
#include "cpu/cpu_features.h"
#include "formats/open_model.h"

namespace nemotron::test {

nlohmann::json read_json(const std::string& path) {
  std::ifstream file(path);
  INFO(path);
  REQUIRE(file);
  return nlohmann::json::parse(file);
}

std::vector<float> read_floats(const std::string& path) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  INFO(path);
  REQUIRE(file);
  std::vector<float> values(static_cast<std::size_t>(file.tellg()) / sizeof(float));
  file.seekg(0);
  file.read(reinterpret_cast<char*>(values.data()),
            static_cast<std::streamsize>(values.size() * sizeof(float)));
  return values;
}

GoldenCase::GoldenCase(const std::string& case_name) : name(case_name) {
  const auto description = read_json(kModelData + "golden/" + name + ".json");
  std::ifstream file(kModelData + description["tokens"].get<std::string>());
  for (std::int32_t id; file >> id;) tokens.push_back(id);
  logits = read_floats(kModelData + description["logits"]["file"].get<std::string>());
  hidden = read_floats(kModelData + description["hidden"]["file"].get<std::string>());
  n_hidden_tokens = description["hidden"]["shape"][1].get<std::size_t>();
  model_path = kModelData + description["model"].get<std::string>();
}

std::vector<std::string> golden_names() {
  return read_json(kModelData + "index.json")["cases"].get<std::vector<std::string>>();
}

double rms(std::span<const float> values) {
  double sum = 0;
  for (const float v : values) sum += double{v} * v;
  return std::sqrt(sum / static_cast<double>(values.size()));
}

double largest_difference(std::span<const float> a, std::span<const float> b) {
  double largest = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double difference = std::abs(double{a[i]} - b[i]);
    if (!(difference <= largest)) largest = difference;  // a NaN is the largest
  }
  return largest;
}

double rms_difference(std::span<const float> a, std::span<const float> b) {
  std::vector<float> difference(a.size());
  for (std::size_t i = 0; i < a.size(); ++i) difference[i] = a[i] - b[i];
  return rms(difference);
}

std::vector<const kernels::KernelTable*> all_levels() {
  std::vector<const kernels::KernelTable*> levels = {&kernels::ref_kernels()};
  const CpuFeatures cpu = detect_cpu_features();
  if (cpu.has_avx2_fma_f16c) levels.push_back(kernels::avx2_kernels());
  if (cpu.has_avx_vnni) levels.push_back(kernels::avx2_vnni_kernels());
  if (cpu.has_avx512) levels.push_back(kernels::avx512_kernels());
  if (const auto* neon = kernels::neon_kernels(cpu.has_dot_product)) levels.push_back(neon);
  return levels;
}

bool keeps_f32(const kernels::KernelTable& level, const TensorTable& tensors) {
  if (&level == kernels::avx512_kernels()) return false;
  return std::all_of(tensors.begin(), tensors.end(), [&](const TensorEntry& tensor) {
    const auto n_in = static_cast<std::int64_t>(tensor.dims().back());
    return tensor.n_dims < 2 || level.arithmetic(tensor.type, n_in) == kernels::Arithmetic::kF32;
  });
}

static std::vector<const kernels::KernelTable*> levels_that(bool keep_f32,
                                                            const std::string& model_path) {
  const auto file = open_model(model_path);
  INFO(model_path << ": " << file.status().message());
  REQUIRE(file.is_ok());
  auto levels = all_levels();
  std::erase_if(levels, [&](const kernels::KernelTable* level) {
    return keeps_f32(*level, file->table()) != keep_f32;
  });
  return levels;
}

std::vector<const kernels::KernelTable*> f32_levels(const std::string& model_path) {
  return levels_that(true, model_path);
}
std::vector<const kernels::KernelTable*> narrow_levels(const std::string& model_path) {
  return levels_that(false, model_path);
}
const kernels::KernelTable& best_f32_kernels(const std::string& model_path) {
  return *f32_levels(model_path).back();
}

const kernels::KernelTable& best_kernels() { return *all_levels().back(); }

std::shared_ptr<Engine> load_engine(const std::string& path, const kernels::KernelTable& kernels,
                                    int n_threads, const EngineOptions& options) {
  auto file = open_model(path);
  INFO(file.status().message());
  REQUIRE(file.is_ok());
  auto backend = make_cpu_backend({n_threads, &kernels});
  REQUIRE(backend.is_ok());
  auto engine = Engine::create(file.value(), std::move(backend).value(), options, {});
  INFO(engine.status().message());
  REQUIRE(engine.is_ok());
  return std::move(engine).value();
}

std::shared_ptr<Engine> load_engine(const std::string& path, const kernels::KernelTable& kernels,
                                    int n_threads, int max_step_rows) {
  EngineOptions options;
  options.max_step_rows = max_step_rows;
  return load_engine(path, kernels, n_threads, options);
}

bool has_kv_type(const Engine& engine, KvType type) {
  const ModelConfig& c = engine.config();
  return type != KvType::kQ8 || !c.has(LayerKind::attention) || c.head_dim % 32 == 0;
}

std::unique_ptr<Session> make_session(const std::shared_ptr<Engine>& engine, KvType kv_type,
                                      StateType state_type) {
  auto session = Session::create(engine, {engine->config().max_context, kv_type, state_type});
  REQUIRE(session.is_ok());
  return std::move(session).value();
}

std::vector<float> eval_in_pieces(Session& session, std::span<const std::int32_t> tokens,
                                  std::size_t piece) {
  const auto n_vocab = static_cast<std::size_t>(session.engine().config().n_vocab);
  std::vector<float> logits(tokens.size() * n_vocab);
  for (std::size_t first = 0; first < tokens.size(); first += piece) {
    const auto part = tokens.subspan(first, std::min(piece, tokens.size() - first));
    const Status status =
        session.eval(part, std::span(logits).subspan(first * n_vocab, part.size() * n_vocab));
    INFO(status.message());
    REQUIRE(status.is_ok());
  }
  return logits;
}

}  // namespace nemotron::test
