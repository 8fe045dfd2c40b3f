// Sessions that move between the CPU and CUDA: saved there, resumed here.
#include "cuda_fixture.h"
#include "src/session/saved_case.h"

using namespace nemotron;
using namespace nemotron::test;

namespace {

struct Kind {
  const char* model;
  KvType kv_type;
  StateType state_type;
};

// Keys of GGUF lie in another order than those of safetensors; q8 has scales.
const std::vector<Kind> kKinds = {
    {"hf/four_groups_p80", KvType::kF32, StateType::kF32},
    {"hf/four_groups_p80", KvType::kQ8, StateType::kBF16},
    {"gguf/mixed.gguf", KvType::kBF16, StateType::kF32},
    {"hf/only_mamba_p16", KvType::kBF16, StateType::kBF16},
};

constexpr double kBound = 0.03;  // products on tensor cores round their inputs to bf16

double difference(std::span<const float> a, std::span<const float> b) {
  return rms_difference(a, b) / rms(b);
}

}  // namespace

TEST_CASE("a session saved on the CPU goes on through CUDA, and the reverse") {
  for (const Kind& kind : kKinds) {
    const std::string path = kModelData + kind.model;
    INFO(kind.model << ", keys " << static_cast<int>(kind.kv_type));
    const MockCuda& mock = MockCuda::reset();
    {
      const auto cpu = load_engine(path, kernels::ref_kernels(), 1);
      if (!has_kv_type(*cpu, kind.kv_type)) continue;
      const auto cuda = cuda_engine(path);
      CHECK(cpu->fingerprint() == cuda->fingerprint());
      const auto tokens = some_tokens(*cpu, 70);
      const auto on_cpu = make_session(cpu, kind.kv_type, kind.state_type);
      const auto on_cuda = make_session(cuda, kind.kv_type, kind.state_type);
      run(*on_cpu, tokens);
      run(*on_cuda, tokens);
      const Bytes from_cpu = save_bytes(*on_cpu);
      const Bytes from_cuda = save_bytes(*on_cuda);
      // What is written again is what was read, wherever it lay meanwhile.
      CHECK(save_bytes(*restore_bytes(cuda, from_cpu)) == from_cpu);
      CHECK(save_bytes(*restore_bytes(cpu, from_cuda)) == from_cuda);
      const auto expected = continued(*restore_bytes(cpu, from_cpu));
      CHECK(difference(continued(*restore_bytes(cuda, from_cpu)), expected) < kBound);
      CHECK(difference(continued(*restore_bytes(cpu, from_cuda)), expected) < kBound);
      // On one side it is exact.
      CHECK(same_bytes(continued(*restore_bytes(cuda, from_cuda)), continued(*on_cuda)));
    }
    CHECK(mock.leftovers() == "");
  }
}
