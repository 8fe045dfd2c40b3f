// Whole models through the CUDA backend, its kernels run on the host: the official code's logits
// and text, and what holds for splits, forks and rewinds.
#include <nlohmann/json.hpp>

#include "cuda_fixture.h"
#include "src/session/saved_case.h"

using namespace nemotron;
using namespace nemotron::test;

namespace {

const std::string kDemoModel = NEMO_SOURCE_DIR "/examples/demo-model";
const std::string kDemoGoldens = NEMO_TEST_SOURCE_DIR "/data/demo/goldens/";

std::vector<std::int32_t> greedy(Session& session, std::span<const std::int32_t> prompt,
                                 std::size_t n) {
  std::vector<float> logits(static_cast<std::size_t>(session.engine().config().n_vocab));
  REQUIRE(session.eval(prompt, logits).is_ok());
  std::vector<std::int32_t> out;
  for (;;) {
    out.push_back(
        static_cast<std::int32_t>(std::max_element(logits.begin(), logits.end()) - logits.begin()));
    if (out.size() == n) return out;
    REQUIRE(session.eval({&out.back(), 1}, logits).is_ok());
  }
}

}  // namespace

// Products on tensor cores round their inputs to bf16; plain ones round nothing.
TEST_CASE("logits through CUDA equal the official code's") {
  for (const std::string& name : golden_names()) {
    const GoldenCase golden(name);
    INFO(name);
    const MockCuda& mock = MockCuda::reset();
    for (const bool is_plain : {true, false}) {
      const auto engine =
          cuda_engine(golden.model_path, {}, is_plain ? plain_kernels() : CudaBackendOptions{});
      const auto logits =
          eval_in_pieces(*make_session(engine), golden.tokens, golden.tokens.size());
      REQUIRE(logits.size() == golden.logits.size());
      if (is_plain) {
        CHECK(largest_difference(logits, golden.logits) <= 1e-4 * rms(golden.logits));
      } else {
        CHECK(rms_difference(logits, golden.logits) <= 0.03 * rms(golden.logits));
      }
    }
    CHECK(mock.leftovers() == "");
  }
}

TEST_CASE("the demo model through CUDA writes the official code's text") {
  const auto golden = read_json(kDemoGoldens + "logits.json").at("greedy");
  const auto prompt = golden.at("prompt").get<std::vector<std::int32_t>>();
  auto expected = golden.at("ids").get<std::vector<std::int32_t>>();
  expected.resize(24);
  const MockCuda& mock = MockCuda::reset();
  CHECK(greedy(*make_session(cuda_engine(kDemoModel)), prompt, expected.size()) == expected);
  CHECK(mock.leftovers() == "");
}

TEST_CASE("the demo model's Q8_0 file says through CUDA what it says on the CPU") {
  const std::string path = kDemoModel + "/demo-q8_0.gguf";
  const auto golden = read_json(kDemoGoldens + "logits.json").at("greedy");
  const auto prompt = golden.at("prompt").get<std::vector<std::int32_t>>();
  constexpr std::size_t n = 12;
  const auto cpu = load_engine(path, best_f32_kernels(path), 2);
  const auto expected = greedy(*make_session(cpu, KvType::kBF16), prompt, n);
  const MockCuda& mock = MockCuda::reset();
  CHECK(greedy(*make_session(cuda_engine(path), KvType::kBF16), prompt, n) == expected);
  CHECK(mock.leftovers() == "");
}

// Heads of 64 channels: attention on tensor cores, too. It rounds queries and weights to bf16, as
// products round their inputs.
TEST_CASE(
    "the demo model's logits with tuned kernels are near those with plain ones, however cut") {
  const std::string path = kDemoModel + "/demo-q8_0.gguf";
  constexpr KvType kv_type = KvType::kQ8;
  const MockCuda& mock = MockCuda::reset();
  {
    const auto plain_engine = cuda_engine(path, {}, plain_kernels());
    const auto tokens = some_tokens(*plain_engine, 9);
    const auto expected =
        eval_in_pieces(*make_session(plain_engine, kv_type), tokens, tokens.size());
    const auto engine = cuda_engine(path);
    const auto logits = eval_in_pieces(*make_session(engine, kv_type), tokens, tokens.size());
    CHECK(largest_difference(logits, expected) <= 0x1p-5 * rms(expected));
    CHECK_FALSE(same_bytes(logits, expected));
    CHECK(same_bytes(eval_in_pieces(*make_session(engine, kv_type), tokens, 2), logits));
  }
  CHECK(mock.leftovers() == "");
}

// CUDA is as strict as the CPU: no split of a prompt changes a byte.
TEST_CASE("how a prompt is cut, and how often a step is interrupted, changes no byte") {
  GoldenCase golden("mixed");
  golden.tokens.resize(75);
  constexpr KvType kv_type = KvType::kBF16;
  MockCuda::reset();
  const auto engine = cuda_engine(golden.model_path);
  const auto whole = eval_in_pieces(*make_session(engine, kv_type), golden.tokens, 1000);
  for (const std::size_t piece : {1u, 7u})
    CHECK(same_bytes(eval_in_pieces(*make_session(engine, kv_type), golden.tokens, piece), whole));
  EngineOptions narrow;
  narrow.max_step_rows = 13;
  CHECK(same_bytes(eval_in_pieces(*make_session(cuda_engine(golden.model_path, narrow), kv_type),
                                  golden.tokens, 1000),
                   whole));
}

TEST_CASE("forks and rewinds through CUDA are the sessions that they should be") {
  const GoldenCase golden("mixed");
  MockCuda& mock = MockCuda::reset();
  {
    const auto engine = cuda_engine(golden.model_path);
    const auto all = some_tokens(*engine, 80);
    const std::size_t at = GENERATE(64u, 70u);  // a full last block, and one to be copied
    const auto session = make_session(engine);
    run(*session, std::span(all).first(at));
    auto fork = session->fork();
    REQUIRE(fork.is_ok());
    const auto other = continued(*fork.value());
    run(*session, std::span(all).subspan(at));
    REQUIRE(session->rewind(static_cast<std::int64_t>(at)).is_ok());
    CHECK(same_bytes(continued(*session), other));
    const auto fresh = make_session(engine);
    run(*fresh, std::span(all).first(at));
    CHECK(same_bytes(continued(*fresh), other));
  }
  CHECK(mock.leftovers() == "");
}
