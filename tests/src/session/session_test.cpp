// A failed or cancelled call leaves the session at its last committed token.
#include <atomic>
#include <cstring>
#include <thread>

#include "model/golden_case.h"

using namespace nemotron;
using namespace nemotron::test;

namespace {

std::vector<float> next_logits(Session& session, std::int32_t token) {
  std::vector<float> logits(static_cast<std::size_t>(session.engine().config().n_vocab));
  const Status status = session.eval({&token, 1}, logits);
  INFO(status.message());
  REQUIRE(status.is_ok());
  return logits;
}

}  // namespace

TEST_CASE("bad arguments are named and change nothing") {
  const GoldenCase golden("two_groups_p24");
  const auto engine = load_engine(golden.model_path, best_kernels());
  const auto n_vocab = engine->config().n_vocab;
  const auto reference = make_session(engine);
  const auto session = make_session(engine);
  const std::vector<std::int32_t> prompt(golden.tokens.begin(), golden.tokens.begin() + 20);
  REQUIRE(reference->eval(prompt, {}).is_ok());
  REQUIRE(session->eval(prompt, {}).is_ok());

  const std::vector<std::int32_t> negative = {1, -1};
  const std::vector<std::int32_t> too_large = {1, 2, n_vocab};
  const std::vector<std::int32_t> too_many(static_cast<std::size_t>(engine->config().max_context),
                                           1);
  std::vector<float> wrong_size(static_cast<std::size_t>(n_vocab) + 1);
  CHECK(session->eval(negative, {}).code() == StatusCode::kInvalidToken);
  const Status status = session->eval(too_large, {});
  CHECK(status.code() == StatusCode::kInvalidToken);
  CHECK(status.message().find("token 2") != std::string::npos);
  CHECK(session->eval(too_many, {}).code() == StatusCode::kContextFull);
  CHECK(session->eval({}, {}).code() == StatusCode::kInvalidArgument);
  CHECK(session->eval(prompt, wrong_size).code() == StatusCode::kInvalidArgument);

  CHECK(session->position() == 20);
  CHECK(next_logits(*session, 3) == next_logits(*reference, 3));
}

TEST_CASE("a session can be filled to its last token and not further") {
  const GoldenCase golden("one_group_p10");
  const auto engine = load_engine(golden.model_path, best_kernels());
  auto session = Session::create(engine, {70, KvType::kBF16});
  REQUIRE(session.is_ok());
  const std::vector<std::int32_t> tokens(70, 1);
  REQUIRE(session.value()->eval(tokens, {}).is_ok());
  CHECK(session.value()->eval(std::span(tokens).first(1), {}).code() == StatusCode::kContextFull);
  CHECK(session.value()->position() == 70);
}

TEST_CASE("a cancelled prompt stays committed up to its position and can be continued") {
  const GoldenCase golden("mixed");
  const auto engine = load_engine(golden.model_path, kernels::ref_kernels(), 1, 1);
  const std::vector<std::int32_t> prompt(500, 7);
  const auto session = make_session(engine);
  std::atomic<bool> ended = false;
  std::thread canceller([&] {
    while (session->position() < 5 && !ended) std::this_thread::yield();
    session->cancel();
  });
  const Status status = session->eval(prompt, {});
  ended = true;
  canceller.join();
  CHECK(status.code() == StatusCode::kCancelled);
  const auto done = static_cast<std::size_t>(session->position());
  REQUIRE(done >= 5);
  REQUIRE(done < prompt.size());
  REQUIRE(session->tokens().size() == done);
  REQUIRE(session->eval(std::span(prompt).subspan(done), {}).is_ok());
  const auto reference = make_session(engine);
  REQUIRE(reference->eval(prompt, {}).is_ok());
  CHECK(next_logits(*session, 3) == next_logits(*reference, 3));
}

TEST_CASE("the state costs what it says") {
  const GoldenCase golden("mixed");
  const auto engine = load_engine(golden.model_path, best_kernels());
  const ModelConfig& c = engine->config();
  const auto recurrent = LayerState::recurrent_bytes_of(c, StateType::kF32);
  const auto block = 64 * LayerState::kv_bytes_per_token(c, KvType::kBF16);
  const auto session = make_session(engine, KvType::kBF16);
  CHECK(engine->pool().held_bytes() == 0);  // nothing before the first token
  REQUIRE(session->eval(std::vector<std::int32_t>(65, 1), {}).is_ok());
  CHECK(engine->pool().held_bytes() == recurrent + 2 * block);
  CHECK(LayerState::kv_bytes_per_token(c, KvType::kBF16) ==
        static_cast<std::uint64_t>(c.count(LayerKind::attention) * 2 * c.kv_dim() * 2));
  CHECK(LayerState::kv_bytes_per_token(c, KvType::kF32) ==
        2 * LayerState::kv_bytes_per_token(c, KvType::kBF16));
  CHECK(LayerState::kv_bytes_per_token(c, KvType::kQ8) * 32 ==
        17 * LayerState::kv_bytes_per_token(c, KvType::kBF16));
}

TEST_CASE("keys and values in q8 need heads of a multiple of 32 elements") {
  const GoldenCase golden("one_group_p10.bf16");
  const auto engine = load_engine(golden.model_path, best_kernels());
  REQUIRE(engine->config().head_dim == 18);
  const auto session = Session::create(engine, {70, KvType::kQ8});
  CHECK(session.status().code() == StatusCode::kInvalidArgument);
  CHECK(session.status().message().find("this model's have 18") != std::string::npos);
}
