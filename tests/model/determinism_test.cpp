// "Same input, same bytes": what may change how a result is computed never changes the result.
#include <cstring>
#include <thread>

#include "golden_case.h"

using namespace nemotron;
using namespace nemotron::test;

namespace {

bool same_bytes(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

// A long prompt over the vocabulary of `engine`, from a fixed generator.
std::vector<std::int32_t> long_prompt(const Engine& engine, std::size_t n) {
  std::vector<std::int32_t> tokens(n);
  std::uint32_t state = 12345;
  for (std::int32_t& token : tokens) {
    state = state * 1664525u + 1013904223u;
    token = static_cast<std::int32_t>((state >> 8) %
                                      static_cast<std::uint32_t>(engine.config().n_vocab));
  }
  return tokens;
}

}  // namespace

TEST_CASE("one row, many rows and any split give the same bytes") {
  const kernels::KernelTable& kernels = *GENERATE(from_range(all_levels()));
  const KvType kv_type = GENERATE(KvType::kF32, KvType::kBF16, KvType::kQ8);
  for (const std::string& name : golden_names()) {
    const GoldenCase golden(name);
    const auto engine = load_engine(golden.model_path, kernels, 1, 512);
    if (!has_kv_type(*engine, kv_type)) continue;
    const auto tokens = long_prompt(*engine, 150);
    const auto whole = eval_in_pieces(*make_session(engine, kv_type), tokens, tokens.size());
    for (const std::size_t piece : {1, 2, 3, 16, 63, 64, 65, 149}) {
      INFO(name << " in pieces of " << piece << ", level " << kernels.name);
      CHECK(same_bytes(eval_in_pieces(*make_session(engine, kv_type), tokens, piece), whole));
    }
  }
}

TEST_CASE("with a bf16 state any split gives the same bytes, others than f32's") {
  const kernels::KernelTable& kernels = *GENERATE(from_range(all_levels()));
  const auto eval = [&](const std::shared_ptr<Engine>& engine, StateType type, std::size_t piece) {
    return eval_in_pieces(*make_session(engine, KvType::kBF16, type), long_prompt(*engine, 150),
                          piece);
  };
  for (const char* name : {"four_groups_p80.q8_0", "only_mamba_p16", "three_taps_p20"}) {
    const auto engine = load_engine(GoldenCase(name).model_path, kernels, 2, 512);
    const auto whole = eval(engine, StateType::kBF16, 150);
    for (const std::size_t piece : {1, 3, 64, 65}) {
      INFO(name << " in pieces of " << piece << ", level " << kernels.name);
      CHECK(same_bytes(eval(engine, StateType::kBF16, piece), whole));
    }
    CHECK_FALSE(same_bytes(eval(engine, StateType::kF32, 150), whole));
  }
}

TEST_CASE("512 rows in one step equal 512 steps of one row") {
  const GoldenCase golden("four_groups_p80.q8_0");
  const auto engine = load_engine(golden.model_path, best_kernels(), 2, 512);
  const auto tokens = long_prompt(*engine, 512);
  const auto whole = eval_in_pieces(*make_session(engine, KvType::kBF16), tokens, 512);
  CHECK(same_bytes(eval_in_pieces(*make_session(engine, KvType::kBF16), tokens, 1), whole));
}

TEST_CASE("the number of threads and the rows per step change no byte") {
  for (const std::string& name : golden_names()) {
    const GoldenCase golden(name);
    std::vector<float> expected;
    for (const int n_threads : {1, 2, 3, 7}) {
      for (const int max_step_rows : {1, 5, 64}) {
        const auto engine =
            load_engine(golden.model_path, best_kernels(), n_threads, max_step_rows);
        const auto logits = eval_in_pieces(*make_session(engine), golden.tokens, 4096);
        INFO(name << " with " << n_threads << " threads, " << max_step_rows << " rows");
        if (expected.empty()) expected = logits;
        CHECK(same_bytes(logits, expected));
      }
    }
  }
}

TEST_CASE("the logits of the last token alone equal its row of all logits") {
  const GoldenCase golden("mixed");
  const auto engine = load_engine(golden.model_path, best_kernels());
  const auto all = eval_in_pieces(*make_session(engine), golden.tokens, 4096);
  const auto n_vocab = static_cast<std::size_t>(engine->config().n_vocab);
  std::vector<float> last(n_vocab);
  REQUIRE(make_session(engine)->eval(golden.tokens, last).is_ok());
  CHECK(same_bytes(last, {all.end() - static_cast<std::ptrdiff_t>(n_vocab), all.end()}));
}

TEST_CASE("sessions that share an engine do not see each other") {
  const GoldenCase golden("two_groups_p24");
  const auto engine = load_engine(golden.model_path, best_kernels(), 2, 8);
  const auto other_tokens = long_prompt(*engine, 100);
  const auto expected = eval_in_pieces(*make_session(engine), golden.tokens, 4096);
  const auto other_expected = eval_in_pieces(*make_session(engine), other_tokens, 4096);
  const auto session = make_session(engine);
  const auto other = make_session(engine);
  std::vector<float> other_logits;
  std::thread thread([&] { other_logits = eval_in_pieces(*other, other_tokens, 3); });
  const auto logits = eval_in_pieces(*session, golden.tokens, 2);
  thread.join();
  CHECK(same_bytes(logits, expected));
  CHECK(same_bytes(other_logits, other_expected));
}

TEST_CASE("a session that was reset is as new") {
  const GoldenCase golden("mixed");
  const auto engine = load_engine(golden.model_path, best_kernels());
  const auto expected = eval_in_pieces(*make_session(engine), golden.tokens, 4096);
  const auto session = make_session(engine);
  eval_in_pieces(*session, long_prompt(*engine, 70), 4096);
  REQUIRE(session->reset().is_ok());
  CHECK(session->position() == 0);
  CHECK(same_bytes(eval_in_pieces(*session, golden.tokens, 4096), expected));
}
