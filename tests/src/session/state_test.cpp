// Forks, rewinds, cached prefixes, caps: recurrent state that moves about and stays what it is.
#include <cstring>

#include "model/golden_case.h"

using namespace nemotron;
using namespace nemotron::test;

namespace {

std::vector<std::int32_t> some_tokens(const Engine& engine, std::size_t n, std::uint32_t seed = 1) {
  std::vector<std::int32_t> tokens(n);
  std::uint32_t state = seed;
  for (std::int32_t& token : tokens) {
    state = state * 1664525u + 1013904223u;
    token = static_cast<std::int32_t>((state >> 8) %
                                      static_cast<std::uint32_t>(engine.config().n_vocab));
  }
  return tokens;
}

std::vector<float> logits_after(Session& session, std::span<const std::int32_t> tokens) {
  std::vector<float> logits(static_cast<std::size_t>(session.engine().config().n_vocab));
  const Status status = session.eval(tokens, logits);
  INFO(status.message());
  REQUIRE(status.is_ok());
  return logits;
}

bool same_bytes(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

std::shared_ptr<Engine> mixed_engine(const EngineOptions& options = {}) {
  return load_engine(GoldenCase("mixed").model_path, best_kernels(), 2, options);
}

std::vector<std::int32_t> joined(std::span<const std::int32_t> a, std::span<const std::int32_t> b) {
  std::vector<std::int32_t> out(a.begin(), a.end());
  out.insert(out.end(), b.begin(), b.end());
  return out;
}

}  // namespace

TEST_CASE("a fork and its origin go their own ways") {
  const auto engine = mixed_engine();
  const KvType kv_type = GENERATE(KvType::kF32, KvType::kBF16);
  const std::size_t at = GENERATE(1u, 63u, 64u, 65u, 130u);
  const auto common = some_tokens(*engine, at);
  const auto left = some_tokens(*engine, 70, 2);
  const auto right = some_tokens(*engine, 70, 3);
  const auto session = make_session(engine, kv_type);
  REQUIRE(session->eval(common, {}).is_ok());
  const auto held = engine->pool().held_bytes();
  auto fork = session->fork();
  REQUIRE(fork.is_ok());
  CHECK(engine->pool().held_bytes() == held);  // shared
  CHECK(fork.value()->position() == static_cast<std::int64_t>(at));
  const auto right_logits = logits_after(*fork.value(), right);
  const auto left_logits = logits_after(*session, left);
  CHECK(same_bytes(right_logits,
                   logits_after(*make_session(engine, kv_type), joined(common, right))));
  CHECK(
      same_bytes(left_logits, logits_after(*make_session(engine, kv_type), joined(common, left))));
  CHECK(session->tokens() == joined(common, left));
}

TEST_CASE("a rewound session is one that never went further") {
  const auto engine = mixed_engine();
  const std::size_t to = GENERATE(0u, 1u, 50u, 64u, 99u, 100u);
  const bool is_kept = GENERATE(false, true);
  const auto tokens = some_tokens(*engine, 100);
  const auto next = some_tokens(*engine, 5, 7);
  const auto session = make_session(engine, KvType::kBF16);
  const std::size_t n_first = is_kept ? to : 0;
  if (n_first > 0) {
    REQUIRE(session->eval(std::span(tokens).first(n_first), {}).is_ok());
    REQUIRE(session->keep().is_ok());
  }
  if (n_first < tokens.size())
    REQUIRE(session->eval(std::span(tokens).subspan(n_first), {}).is_ok());
  REQUIRE(session->rewind(static_cast<std::int64_t>(to)).is_ok());
  CHECK(session->position() == static_cast<std::int64_t>(to));
  CHECK(session->stats().n_computed_tokens ==
        (is_kept || to == 100 ? static_cast<std::int64_t>(to) : 0));
  const auto expected =
      logits_after(*make_session(engine, KvType::kBF16), joined(std::span(tokens).first(to), next));
  CHECK(same_bytes(logits_after(*session, next), expected));
  CHECK(session->rewind(1000).code() == StatusCode::kInvalidArgument);
  CHECK(session->rewind(-1).code() == StatusCode::kInvalidArgument);
}

TEST_CASE("a session adopts what its fork computed") {
  const auto engine = mixed_engine();
  const auto tokens = some_tokens(*engine, 80);
  const auto more = some_tokens(*engine, 9, 5);
  const auto session = make_session(engine, KvType::kBF16);
  REQUIRE(session->eval(tokens, {}).is_ok());
  auto fork = session->fork().value();
  REQUIRE(fork->eval(more, {}).is_ok());
  REQUIRE(session->adopt(*fork).is_ok());
  CHECK(session->tokens() == joined(tokens, more));
  CHECK(fork->position() == 0);
  const std::int32_t one[] = {3};
  CHECK(same_bytes(logits_after(*session, one), logits_after(*make_session(engine, KvType::kBF16),
                                                             joined(joined(tokens, more), one))));
  CHECK(same_bytes(logits_after(*fork, one),
                   logits_after(*make_session(engine, KvType::kBF16), one)));
  const auto other_type = make_session(engine, KvType::kF32);
  CHECK(session->adopt(*other_type).code() == StatusCode::kInvalidArgument);
}

TEST_CASE("a prefix that some session kept is not computed again") {
  const auto engine = mixed_engine();
  const auto system = some_tokens(*engine, 150);
  const auto chat = joined(system, some_tokens(*engine, 10, 8));
  const auto first = make_session(engine, KvType::kBF16);
  REQUIRE(first->eval(system, {}).is_ok());
  REQUIRE(first->keep().is_ok());
  const auto second = make_session(engine, KvType::kBF16);
  REQUIRE(engine->seek(second->sequence(), chat).is_ok());
  CHECK(second->position() == 150);
  CHECK(same_bytes(logits_after(*second, std::span(chat).subspan(150)),
                   logits_after(*make_session(engine, KvType::kBF16), chat)));
  const auto other_type = make_session(engine, KvType::kF32);
  REQUIRE(engine->seek(other_type->sequence(), chat).is_ok());
  CHECK(other_type->position() == 0);
  // The whole prompt is known: its last token is computed for the logits.
  REQUIRE(second->keep().is_ok());
  const auto third = make_session(engine, KvType::kBF16);
  REQUIRE(engine->seek(third->sequence(), chat).is_ok());
  CHECK(third->position() == 150);
}

TEST_CASE("turns leave snapshots as the policy says") {
  const auto engine = mixed_engine();
  const auto make = [&](SnapshotPolicy policy) {
    Session::Options options;
    options.max_tokens = 500;
    options.snapshot_policy = policy;
    options.turn_starts = {1};
    return Session::create(engine, options).value();
  };
  std::vector<std::int32_t> prompt(100, 5);
  for (const std::size_t start : {0u, 20u, 40u, 60u, 80u}) prompt[start] = 1;
  const auto n_kept = [&](SnapshotPolicy policy) {
    const auto before = engine->stats().cache.n_snapshots;
    prompt[1] += 1;  // another conversation
    REQUIRE(make(policy)->eval(prompt, {}).is_ok());
    return engine->stats().cache.n_snapshots - before;
  };
  CHECK(n_kept(SnapshotPolicy::kNone) == 0);
  CHECK(n_kept(SnapshotPolicy::kTurns) == 3);
  CHECK(n_kept(SnapshotPolicy::kAllTurns) == 4);
}

TEST_CASE("a cap is a cap: snapshots go, then idle states, and then it says no") {
  EngineOptions unlimited;
  const auto probe = mixed_engine(unlimited);
  const auto tokens = some_tokens(*probe, 100);
  const auto before = probe->stats().used_bytes;
  const auto probe_session = make_session(probe, KvType::kBF16);
  REQUIRE(probe_session->eval(tokens, {}).is_ok());
  const auto one_session = probe->stats().used_bytes - before;

  EngineOptions options;
  options.max_bytes = before + 2 * one_session + one_session / 2;
  const auto engine = mixed_engine(options);
  std::vector<std::unique_ptr<Session>> sessions;
  for (std::uint32_t i = 0; i < 5; ++i) {
    sessions.push_back(make_session(engine, KvType::kBF16));
    REQUIRE(sessions.back()->eval(tokens, {}).is_ok());
    REQUIRE(sessions.back()->keep().is_ok());
    CHECK(engine->stats().peak_bytes <= options.max_bytes);
  }
  CHECK(engine->stats().n_parked >= 2);
  const std::int32_t one[] = {3};
  const auto expected = logits_after(*probe_session, one);
  for (const auto& session : sessions) CHECK(same_bytes(logits_after(*session, one), expected));
  CHECK(engine->stats().peak_bytes <= options.max_bytes);

  options.max_bytes = before + one_session / 2;
  const auto small = mixed_engine(options);
  const auto refused = make_session(small, KvType::kBF16);
  CHECK(refused->eval(tokens, {}).code() == StatusCode::kOverBudget);
  CHECK(refused->position() == 0);
  CHECK(refused->tokens().empty());
}
