// The plain CUDA store of keys and values, and attention, run on the host: the bytes of the CPU's
// reference, for several sequences whose types differ, in any layer.
#include "kernels/cuda/attention_step.h"
#include "kernels/cuda/prepared_rows.cuh"

using namespace nemotron;
using namespace nemotron::test;

namespace {

void run_cuda(AttentionStep& step) {
  REQUIRE(simt::run_launch(launch_kv_store(step.args(), step.n_rows)) == "");
  REQUIRE(simt::run_launch(launch_attention(step.args(), step.n_rows)) == "");
}

}  // namespace

TEST_CASE("CUDA stores keys and values, and attends, with the CPU's bytes") {
  const Heads heads = GENERATE(Heads{4, 2, 64}, Heads{3, 1, 18}, Heads{5, 1, 32}, Heads{2, 2, 160},
                               Heads{8, 2, 96});
  const bool has_q8 = heads.head_dim % 32 == 0;
  Random random(static_cast<std::uint64_t>(heads.head_dim));
  std::vector<KvSequence> sequences;
  sequences.emplace_back(heads, KvType::kBF16, 0, 1, random);    // the first token
  sequences.emplace_back(heads, KvType::kF32, 63, 1, random);    // the last of a block
  sequences.emplace_back(heads, KvType::kBF16, 64, 1, random);   // the first of a block
  sequences.emplace_back(heads, KvType::kF32, 120, 20, random);  // over a block's end
  if (has_q8) sequences.emplace_back(heads, KvType::kQ8, 0, 70, random);
  if (has_q8) sequences.emplace_back(heads, KvType::kQ8, 127, 1, random);
  AttentionStep step(heads, std::move(sequences), random);
  step.k[3] = 0.0f;
  step.run_cpu();
  run_cuda(step);
  INFO(heads.n_heads << " heads of " << heads.head_dim);
  for (const KvSequence& s : step.sequences) CHECK(s.cuda.blocks == s.cpu.blocks);
  CHECK(same_bytes(step.out, step.expected));
}

TEST_CASE("what is not finite is stored by CUDA as by the CPU, and a group of zeros is zero") {
  const Heads heads{1, 1, 32};
  for (const float bad : {NAN, INFINITY, -INFINITY, 0.0f, 1e38f}) {
    Random random(3);
    std::vector<KvSequence> sequences;
    for (const KvType type : {KvType::kQ8, KvType::kBF16, KvType::kF32})
      sequences.emplace_back(heads, type, 5, 1, random);
    AttentionStep step(heads, std::move(sequences), random);
    for (std::size_t i = 0; i < step.k.size(); i += 32) step.k[i + 7] = step.v[i + 31] = bad;
    if (bad == 0.0f) std::fill(step.k.begin(), step.k.end(), 0.0f);
    step.run_cpu();
    run_cuda(step);
    for (const KvSequence& s : step.sequences) CHECK(s.cuda.blocks == s.cpu.blocks);
  }
}
