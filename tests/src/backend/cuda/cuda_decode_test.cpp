// A decode step as the driver sees it: one graph, the inputs and the logits, and nothing else.
#include "cuda_fixture.h"
#include "src/session/saved_case.h"

using namespace nemotron;
using namespace nemotron::test;

namespace {

using Counts = std::map<std::string, std::int64_t>;

struct Decode {
  explicit Decode(MockCuda& mock) : mock_(mock), golden("mixed") {
    engine = cuda_engine(golden.model_path);
    logits.resize(static_cast<std::size_t>(engine->config().n_vocab));
  }

  // Of each call of the driver, how often it is made.
  Counts counts(const std::function<void()>& work) const {
    const Counts before = mock_.counts;
    work();
    Counts made;
    for (const auto& [name, n] : mock_.counts) {
      const auto found = before.find(name);
      const std::int64_t more = n - (found == before.end() ? 0 : found->second);
      if (more > 0) made[name] = more;
    }
    return made;
  }
  // The token behind those of the session.
  Counts step(Session& session) {
    const auto at = static_cast<std::size_t>(session.position());
    return counts(
        [&] { REQUIRE(session.eval(std::span(golden.tokens).subspan(at, 1), logits).is_ok()); });
  }

  MockCuda& mock_;
  GoldenCase golden;
  std::shared_ptr<Engine> engine;
  std::vector<float> logits;
};

std::int64_t launches_of_step(const ModelConfig& c) {
  const auto n = [&](LayerKind kind) { return std::int64_t{c.count(kind)}; };
  // A norm each; in_proj, conv, scan, norm, out_proj; q, k, v, store, attention, o; up,
  // down: squares and residuals are part of products. Then embedding, gathering, norm and head.
  return c.n_layers + 5 * n(LayerKind::mamba2) + 6 * n(LayerKind::attention) +
         2 * n(LayerKind::mlp) + 4;
}

}  // namespace

TEST_CASE("a decode step is one graph, its inputs and its logits, and makes nothing") {
  MockCuda& mock = MockCuda::reset();
  Decode decode(mock);
  const auto session = make_session(decode.engine);
  run(*session, std::span(decode.golden.tokens).first(10));
  const Counts first = decode.step(*session);
  CHECK(first.at("launch") == launches_of_step(decode.engine->config()));
  CHECK(first.count("begin_capture") == 0);  // most prompts come only once
  const Counts second = decode.step(*session);
  CHECK(second.at("instantiate_graph") == 1);
  CHECK(second.at("launch") == launches_of_step(decode.engine->config()));  // captured
  CHECK(decode.step(*session).at("elapsed") == 1);  // short enough for a graph
  const auto copied = mock.copied_to_host_bytes;
  const std::int64_t n_objects = mock.n_objects;
  CHECK(decode.step(*session) == Counts{{"launch_graph", 1},
                                        {"copy_to_device", 1},
                                        {"record_event", 1},
                                        {"wait_event", 1},
                                        {"copy_to_host", 1},
                                        {"synchronize", 1},
                                        {"push", 4},
                                        {"pop", 4}});
  CHECK(mock.copied_to_host_bytes - copied == decode.logits.size() * sizeof(float));
  CHECK(mock.n_objects == n_objects);
}

TEST_CASE("the graph stays while the session grows, and the logits are those of plain launches") {
  MockCuda& mock = MockCuda::reset();
  Decode decode(mock);
  constexpr std::size_t kPrompt = 120;
  constexpr std::size_t kTokens = 135;  // into a third KV block
  decode.golden.tokens = some_tokens(*decode.engine, kTokens);
  const auto plain = make_session(decode.engine);
  run(*plain, decode.golden.tokens);
  const auto session = make_session(decode.engine);
  run(*session, std::span(decode.golden.tokens).first(kPrompt));
  const Counts made = decode.counts([&] {
    for (std::size_t i = kPrompt; i < kTokens; ++i) decode.step(*session);
  });
  CHECK(made.at("instantiate_graph") == 1);
  CHECK(made.at("launch_graph") == std::int64_t{kTokens - kPrompt - 1});
  // The same step from the same state, of which one was made by graphs and one without.
  const auto next = some_tokens(*decode.engine, 40);
  std::vector<float> expected(decode.logits.size());
  REQUIRE(plain->eval(next, expected).is_ok());
  REQUIRE(session->eval(next, decode.logits).is_ok());
  CHECK(same_bytes(decode.logits, expected));
}

TEST_CASE("another shape of step is captured once, and the first one's graph stays") {
  MockCuda& mock = MockCuda::reset();
  Decode decode(mock);
  const auto session = make_session(decode.engine);
  run(*session, std::span(decode.golden.tokens).first(5));
  for (int i = 0; i < 3; ++i) decode.step(*session);
  const Counts made = decode.counts([&] {
    for (std::size_t at = 8; at < 16; at += 2)
      REQUIRE(session->eval(std::span(decode.golden.tokens).subspan(at, 2), {}).is_ok());
    decode.step(*session);
  });
  CHECK(made.at("instantiate_graph") == 1);
  CHECK(made.at("launch_graph") == 4);  // all but the first
}
