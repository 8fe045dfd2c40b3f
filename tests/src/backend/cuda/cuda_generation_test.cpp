// Generations whose tokens are chosen on the device: those of logits that come to the host, and
// nothing is copied for them.
#include "cuda_fixture.h"
#include "session/generate.h"
#include "src/session/saved_case.h"

using namespace nemotron;
using namespace nemotron::test;

namespace {

const std::string kModel = kModelData + "hf/tiny_chat";
constexpr std::size_t kReply = 12;

const std::vector<SamplingParams> kParams = {
    {},
    {SamplingMode::kGreedy},
    {SamplingMode::kLiteral, 0.8f, 0, 1.0f, 3},
    {SamplingMode::kLiteral, 1.3f, 20, 0.9f, 4},
    {SamplingMode::kLiteral, 1.0f, 0, 0.7f, 5},
};

Tokenizer chat_tokenizer() {
  auto file = open_model(kModel);
  return Tokenizer::from_json(file->tokenizer().tokenizer_json, "").value();
}

GenerateParams params_of(const SamplingParams& sampling) {
  GenerateParams params;
  params.sampling = sampling;
  params.max_tokens = kReply;
  params.ignore_stop_tokens = true;
  return params;
}

using Tokens = std::vector<std::int32_t>;

// By logits, on the host.
Tokens expected_reply(const std::shared_ptr<Engine>& engine, const Tokenizer& tokenizer,
                      const Tokens& prompt, const SamplingParams& sampling) {
  const auto session = make_session(engine);
  std::vector<float> logits(static_cast<std::size_t>(engine->config().n_vocab));
  SamplerScratch scratch;
  Tokens reply;
  REQUIRE(session->eval(prompt, logits).is_ok());
  for (;;) {
    const auto known =
        std::span<const float>(logits).first(static_cast<std::size_t>(tokenizer.n_vocab()));
    const auto position = static_cast<std::uint64_t>(session->position());
    reply.push_back(sample(known, sampling, position, scratch).value());
    if (reply.size() == kReply) return reply;
    REQUIRE(session->eval({&reply.back(), 1}, logits).is_ok());
  }
}

struct Reply {
  Tokens tokens;
  bool is_over = false;
  EventSink sink() {
    return [this](const Event& event) {
      if (event.token >= 0) tokens.push_back(event.token);
      is_over |= event.type == EventType::kFinish;
      return true;
    };
  }
};

// Wants the logits themselves.
class LastLogits final : public Request {
 public:
  Logits logits_wanted() const override { return Logits::kLast; }
  Next on_logits(std::int64_t, std::span<const float> row) override {
    logits.assign(row.begin(), row.end());
    return {};
  }
  void on_end(Status s) override { status = std::move(s); }
  std::vector<float> logits;
  Status status;
};

}  // namespace

TEST_CASE("what is generated through CUDA is what its logits say, and they stay on the device") {
  const Tokenizer tokenizer = chat_tokenizer();
  for (const SamplingParams& sampling : kParams) {
    MockCuda& mock = MockCuda::reset();
    {
      const auto engine = cuda_engine(kModel);
      const auto prompt = some_tokens(*engine, 9);
      const auto expected = expected_reply(engine, tokenizer, prompt, sampling);
      const auto session = make_session(engine);
      Reply reply;
      const std::uint64_t copied = mock.copied_to_host_bytes;
      GenerateRequest request{prompt, false, params_of(sampling), reply.sink()};
      REQUIRE(generate(*session, tokenizer, request).is_ok());
      CHECK(reply.tokens == expected);
      CHECK(mock.copied_to_host_bytes == copied);
    }
    CHECK(mock.leftovers() == "");
  }
}

TEST_CASE("in one step some requests get tokens and others logits") {
  const Tokenizer tokenizer = chat_tokenizer();
  MockCuda::reset();
  const auto engine = cuda_engine(kModel);
  const auto prompt = some_tokens(*engine, 9);
  const auto other = some_tokens(*engine, 5, 8);
  std::vector<float> expected_logits(static_cast<std::size_t>(engine->config().n_vocab));
  REQUIRE(make_session(engine)->eval(other, expected_logits).is_ok());
  std::vector<Tokens> expected;
  for (const SamplingParams& sampling : kParams)
    expected.push_back(expected_reply(engine, tokenizer, prompt, sampling));

  const std::uint64_t n_before = engine->stats().n_steps;
  std::vector<std::unique_ptr<Session>> sessions;
  std::vector<Reply> replies(kParams.size());
  const auto asking = make_session(engine);
  const auto logits = std::make_shared<LastLogits>();
  for (std::size_t i = 0; i < kParams.size(); ++i) {
    sessions.push_back(make_session(engine));
    REQUIRE(sessions[i]
                ->submit(tokenizer, prompt, false, params_of(kParams[i]), replies[i].sink())
                .is_ok());
    if (i == 2)  // between the others
      REQUIRE(engine->submit(asking->sequence(), other, {}, logits).is_ok());
  }
  REQUIRE(engine->pump(Engine::kNever).is_ok());
  CHECK(engine->stats().n_steps - n_before == kReply);  // all together
  CHECK(logits->status.is_ok());
  CHECK(same_bytes(logits->logits, expected_logits));
  for (std::size_t i = 0; i < kParams.size(); ++i) {
    CHECK(replies[i].is_over);
    CHECK(replies[i].tokens == expected[i]);
  }
}

TEST_CASE("a device that fails while it chooses tokens ends the generation with a status") {
  const Tokenizer tokenizer = chat_tokenizer();
  std::int64_t n_failed = 0;
  for (std::int64_t call = 1;; call += 3) {
    MockCuda& mock = MockCuda::reset();
    Status status;
    {
      const auto engine = cuda_engine(kModel);
      const auto session = make_session(engine);
      const auto prompt = some_tokens(*engine, 3);
      mock.fail_at = mock.n_calls + call;
      GenerateRequest request{prompt, false, params_of({}), {}};
      request.params.max_tokens = 2;
      status = generate(*session, tokenizer, request).status();
    }
    INFO(mock.failed_call << ": " << status.message());
    CHECK(mock.leftovers() == "");
    if (status.is_ok()) break;
    CHECK(status.code() == StatusCode::kDeviceLost);
    ++n_failed;
  }
  CHECK(n_failed > 20);
}
