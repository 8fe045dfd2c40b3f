// A golden case of tests/data/model: a tiny model and what the official code computes with it.
#pragma once

#include <catch2/catch.hpp>
#include <cstdint>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <vector>

#include "backend/cpu/cpu_backend.h"
#include "engine/engine.h"
#include "formats/open_model.h"
#include "session/session.h"

namespace nemotron::test {

inline const std::string kModelData = NEMO_TEST_SOURCE_DIR "/data/model/";

// Who calls it includes nlohmann/json.hpp: most need not, and it takes seconds to compile.
nlohmann::json read_json(const std::string& path);
std::vector<float> read_floats(const std::string& path);

struct GoldenCase {
  explicit GoldenCase(const std::string& case_name);

  std::string name;
  std::string model_path;
  std::vector<std::int32_t> tokens;
  std::vector<float> logits;  // [n_tokens, n_vocab]
  std::vector<float> hidden;  // [n_layers + 1, n_hidden_tokens, d_model]
  std::size_t n_hidden_tokens = 0;
};

std::vector<std::string> golden_names();

double rms(std::span<const float> values);
double largest_difference(std::span<const float> a, std::span<const float> b);
double rms_difference(std::span<const float> a, std::span<const float> b);

// All levels of this processor, the fastest last.
std::vector<const kernels::KernelTable*> all_levels();
// Whether a level leaves the activations of a model in f32: `avx2` rounds them before they meet
// quantized weights, `avx512` also for BF16 and FP8, and in attention.
bool keeps_f32(const kernels::KernelTable& level, const TensorTable& tensors);
// The levels that do so, or those that do not.
std::vector<const kernels::KernelTable*> f32_levels(const std::string& model_path);
std::vector<const kernels::KernelTable*> narrow_levels(const std::string& model_path);
const kernels::KernelTable& best_f32_kernels(const std::string& model_path);
const kernels::KernelTable& best_kernels();

std::shared_ptr<Engine> load_engine(const std::string& path, const kernels::KernelTable& kernels,
                                    int n_threads, const EngineOptions& options);
std::shared_ptr<Engine> load_engine(const std::string& path, const kernels::KernelTable& kernels,
                                    int n_threads = 1, int max_step_rows = 64);

bool has_kv_type(const Engine& engine, KvType type);
std::unique_ptr<Session> make_session(const std::shared_ptr<Engine>& engine,
                                      KvType kv_type = KvType::kF32,
                                      StateType state_type = StateType::kF32);

// All logits of a prompt, evaluated in pieces of at most `piece` tokens.
std::vector<float> eval_in_pieces(Session& session, std::span<const std::int32_t> tokens,
                                  std::size_t piece);

}  // namespace nemotron::test
