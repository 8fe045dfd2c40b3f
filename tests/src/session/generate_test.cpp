#include "session/generate.h"

#include "model/golden_case.h"

using namespace nemotron;
using namespace nemotron::test;

namespace {

struct Chat {
  Chat() {
    const std::string folder = kModelData + "hf/tiny_chat";
    engine = load_engine(folder, best_kernels());
    auto file = open_model(folder);
    auto made = Tokenizer::from_json(file->tokenizer().tokenizer_json, "");
    INFO(made.status().message());
    REQUIRE(made.is_ok());
    tokenizer.emplace(std::move(made).value());
    REQUIRE(tokenizer->encode("Hello there", false, prompt).is_ok());
  }

  GenerateRequest request() {
    GenerateRequest out;
    out.prompt = prompt;
    out.params.max_tokens = 30;
    out.params.ignore_stop_tokens = true;
    out.sink = [this](const Event& event) {
      if (event.token >= 0) tokens.push_back(event.token);
      text += event.text;
      return true;
    };
    return out;
  }

  std::shared_ptr<Engine> engine;
  std::optional<Tokenizer> tokenizer;
  std::vector<std::int32_t> prompt;
  std::vector<std::int32_t> tokens;
  std::string text;
};

}  // namespace

TEST_CASE("greedy generation follows the largest logit") {
  Chat chat;
  auto request = chat.request();
  request.params.sampling.mode = SamplingMode::kGreedy;
  const auto session = make_session(chat.engine);
  const auto result = generate(*session, *chat.tokenizer, request);
  REQUIRE(result.is_ok());
  CHECK(result->finish_reason == FinishReason::kLength);
  CHECK(result->n_prompt_tokens == static_cast<std::int64_t>(chat.prompt.size()));
  CHECK(result->n_generated_tokens == 30);
  REQUIRE(chat.tokens.size() == 30);
  CHECK(session->position() == static_cast<std::int64_t>(chat.prompt.size()) + 29);

  const auto by_hand = make_session(chat.engine);
  const auto n_known = static_cast<std::size_t>(chat.tokenizer->n_vocab());
  std::vector<float> logits(static_cast<std::size_t>(chat.engine->config().n_vocab));
  REQUIRE(by_hand->eval(chat.prompt, logits).is_ok());
  for (const std::int32_t token : chat.tokens) {
    const auto known = std::span(logits).first(std::min(n_known, logits.size()));
    REQUIRE(token == std::max_element(known.begin(), known.end()) - known.begin());
    REQUIRE(by_hand->eval({&token, 1}, logits).is_ok());
  }
}

TEST_CASE("the same seed gives the same reply, another seed another") {
  const auto reply = [](std::uint64_t seed) {
    Chat chat;
    auto request = chat.request();
    request.params.sampling.seed = seed;
    REQUIRE(generate(*make_session(chat.engine), *chat.tokenizer, request).is_ok());
    return chat.tokens;
  };
  CHECK(reply(1) == reply(1));
  CHECK(reply(1) != reply(2));
}

TEST_CASE("the sink can stop, and is not called again") {
  Chat chat;
  auto request = chat.request();
  int n_calls = 0;
  request.sink = [&](const Event&) { return ++n_calls < 3; };
  const auto session = make_session(chat.engine);
  const auto result = generate(*session, *chat.tokenizer, request);
  REQUIRE(result.is_ok());
  CHECK(result->finish_reason == FinishReason::kCancelled);
  CHECK(n_calls == 3);
  CHECK(session->position() == static_cast<std::int64_t>(chat.prompt.size()) + 2);
}

TEST_CASE("a stop string ends the text before it") {
  Chat chat;
  auto request = chat.request();
  request.params.sampling.mode = SamplingMode::kGreedy;
  REQUIRE(generate(*make_session(chat.engine), *chat.tokenizer, request).is_ok());
  const std::string whole = chat.text;
  REQUIRE(whole.size() > 12);
  const std::string stop = whole.substr(8, 3);
  chat.text.clear();
  auto stopped = chat.request();
  stopped.params.sampling.mode = SamplingMode::kGreedy;
  const std::string_view stops[] = {stop};
  stopped.params.stop_strings = StopMatcher::create(stops).value();
  const auto result = generate(*make_session(chat.engine), *chat.tokenizer, stopped);
  REQUIRE(result.is_ok());
  CHECK(result->finish_reason == FinishReason::kStop);
  CHECK(chat.text == whole.substr(0, whole.find(stop)));
}

TEST_CASE("a full session ends generation, a prompt that does not fit is refused") {
  Chat chat;
  const auto n_prompt = static_cast<std::int64_t>(chat.prompt.size());
  auto session = Session::create(chat.engine, {n_prompt + 4, KvType::kBF16});
  auto request = chat.request();
  const auto result = generate(*session.value(), *chat.tokenizer, request);
  REQUIRE(result.is_ok());
  CHECK(result->finish_reason == FinishReason::kLength);
  CHECK(result->n_generated_tokens == 5);  // the last one needs no room
  auto again = chat.request();
  const auto refused = generate(*session.value(), *chat.tokenizer, again);
  CHECK(refused.status().code() == StatusCode::kContextFull);
  CHECK(session.value()->position() == n_prompt + 4);
}
