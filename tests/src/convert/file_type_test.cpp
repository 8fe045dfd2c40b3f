// Which type each tensor gets: against the published file of the 4B.
#include "convert/file_type.h"

#include <catch2/catch.hpp>
#include <map>
#include <set>

#include "convert/model_shapes.h"
#include "convert/tensor_plan.h"

using namespace nemotron;

namespace {

ModelConfig shape(std::string_view name) {
  const auto config = model_shape(name);
  REQUIRE(config.has_value());
  CHECK(config->validate().is_ok());
  return *config;
}

std::uint64_t total_bytes(const TensorPlan& plan) {
  std::uint64_t total = 0;
  for (const PlannedTensor& tensor : plan)
    total += tensor_size_bytes(tensor.entry.type, tensor.entry.dims()).value();
  return total;
}

std::uint64_t n_parameters(const TensorPlan& plan) {
  std::uint64_t n = 0;
  for (const PlannedTensor& tensor : plan) n += tensor.entry.n_elements();
  return n;
}

}  // namespace

TEST_CASE("the shapes have the parameters of the published models") {
  CHECK(n_parameters(plan_safetensors(shape("4b"), SafetensorsType::bf16)) == 3'973'556'832u);
  CHECK(n_parameters(plan_safetensors(shape("9b-v2"), SafetensorsType::bf16)) == 8'888'227'328u);
  CHECK(n_parameters(plan_safetensors(shape("12b-v2"), SafetensorsType::bf16)) == 12'310'001'152u);
  CHECK(n_parameters(plan_safetensors(shape("h-8b"), SafetensorsType::bf16)) == 8'100'852'736u);
  CHECK(plan_safetensors(shape("4b"), SafetensorsType::bf16).size() == 263);
  CHECK_FALSE(model_shape("4B ").has_value());
}

TEST_CASE("Q4_K_M of the 4B has the types and the bytes of the published file") {
  const ModelConfig config = shape("4b");
  const TensorPlan plan = plan_gguf(config, FileType::q4_k_m);
  std::map<TensorType, int> n_of_type;
  std::set<int> q6_down, q8_values;
  for (const PlannedTensor& tensor : plan) {
    ++n_of_type[tensor.entry.type];
    const TensorRole role = tensor.slot.role;
    if (role == TensorRole::down_proj && tensor.entry.type == TensorType::kQ6_K)
      q6_down.insert(tensor.slot.layer);
    if (role == TensorRole::v_proj && tensor.entry.type == TensorType::kQ8_0)
      q8_values.insert(tensor.slot.layer);
  }
  CHECK(n_of_type == std::map<TensorType, int>{{TensorType::kF32, 169},
                                               {TensorType::kQ5_0, 49},
                                               {TensorType::kQ8_0, 3},
                                               {TensorType::kQ4_K, 33},
                                               {TensorType::kQ6_K, 9}});
  CHECK(q6_down == std::set<int>{1, 3, 5, 8, 10, 18, 25, 33, 41});
  CHECK(q8_values == std::set<int>{24, 32});
  CHECK(total_bytes(plan) == 2'829'187'200u);
  CHECK(gguf_tensor_type(FileType::q4_k_m, config, {TensorRole::output, kNoLayer}) ==
        TensorType::kQ8_0);
}

TEST_CASE("rows that are no whole blocks fall back") {
  const ModelConfig config = shape("4b");  // d_model 3136 = 12 * 256 + 64
  const auto in_proj = [&](FileType type) {
    return gguf_tensor_type(type, config, {TensorRole::in_proj, 0});
  };
  CHECK(in_proj(FileType::q2_k) == TensorType::kQ4_0);
  CHECK(in_proj(FileType::q3_k_m) == TensorType::kQ4_0);
  CHECK(in_proj(FileType::q5_k_m) == TensorType::kQ5_1);
  CHECK(in_proj(FileType::q6_k) == TensorType::kQ8_0);
  CHECK(in_proj(FileType::iq4_xs) == TensorType::kIQ4_NL);
  CHECK(in_proj(FileType::q4_0) == TensorType::kQ4_0);
  ModelConfig odd = config;
  odd.d_model = 3130;  // not even of 32
  CHECK(gguf_tensor_type(FileType::q4_k_m, odd, {TensorRole::in_proj, 0}) == TensorType::kF16);
  CHECK(gguf_tensor_type(FileType::q4_0, config, {TensorRole::output, kNoLayer}) ==
        TensorType::kQ8_0);
}

TEST_CASE("FP8 of the 4B has the published mix") {
  const ModelConfig config = shape("4b");
  std::uint64_t n_narrow = 0;
  std::set<int> spared;
  int n_scales = 0;
  for (const PlannedTensor& tensor : plan_safetensors(config, SafetensorsType::fp8)) {
    n_scales += tensor.part != PlannedTensor::Part::weight;
    if (tensor.entry.type == TensorType::kF8_E4M3) n_narrow += tensor.entry.n_elements();
    if (tensor.slot.role == TensorRole::in_proj && tensor.part == PlannedTensor::Part::weight &&
        tensor.entry.type == TensorType::kBF16)
      spared.insert(tensor.slot.layer);
  }
  CHECK(n_narrow == 2'680'100'864u);
  CHECK(spared == std::set<int>{11, 16, 23, 31});
  CHECK(n_scales == 2 * 2 * (17 + 17));
}

TEST_CASE("types of files by name") {
  CHECK(parse_file_type("Q4_K_M") == FileType::q4_k_m);
  CHECK(parse_file_type("q5_k") == FileType::q5_k_m);
  CHECK(parse_file_type("bf16") == FileType::bf16);
  CHECK(parse_file_type("Nemo4") == FileType::nemo4);
  CHECK_FALSE(parse_file_type("q7_0").has_value());
  CHECK_FALSE(parse_file_type("").has_value());
}
