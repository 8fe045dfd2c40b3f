// Request, pump, events: whatever pumps, in whatever company, the reply is the same.
#include <thread>

#include "model/golden_case.h"
#include "session/generate.h"

using namespace nemotron;
using namespace nemotron::test;
using namespace std::chrono_literals;

namespace {

struct Chat {
  explicit Chat(EngineOptions options = {}) {
    const std::string folder = kModelData + "hf/tiny_chat";
    engine = load_engine(folder, best_kernels(), 1, options);
    auto file = open_model(folder);
    tokenizer.emplace(Tokenizer::from_json(file->tokenizer().tokenizer_json, "").value());
  }

  static GenerateParams params(std::uint64_t seed, std::int64_t max_tokens = 20) {
    GenerateParams out;
    out.sampling.seed = seed;
    out.max_tokens = max_tokens;
    out.ignore_stop_tokens = true;
    return out;
  }

  std::vector<std::int32_t> prompt(std::uint32_t seed, std::size_t n) const {
    std::vector<std::int32_t> tokens(n);
    std::uint32_t state = seed * 2654435761u + 1;
    for (std::int32_t& token : tokens) {
      state = state * 1664525u + 1013904223u;
      token = static_cast<std::int32_t>((state >> 8) %
                                        static_cast<std::uint32_t>(tokenizer->n_vocab()));
    }
    return tokens;
  }

  std::unique_ptr<Session> session(Session::Options options = {}) {
    if (options.max_tokens == 0) options.max_tokens = engine->config().max_context;
    return Session::create(engine, options).value();
  }

  // What a session of its own says, alone.
  std::vector<std::int32_t> reply(std::span<const std::int32_t> of_prompt, std::uint64_t seed) {
    Chat alone;
    const auto s = alone.session();
    std::vector<std::int32_t> tokens;
    GenerateRequest request;
    request.prompt = of_prompt;
    request.params = params(seed);
    request.sink = [&](const Event& event) {
      if (event.token >= 0) tokens.push_back(event.token);
      return true;
    };
    REQUIRE(generate(*s, *alone.tokenizer, request).is_ok());
    return tokens;
  }

  std::shared_ptr<Engine> engine;
  std::optional<Tokenizer> tokenizer;
};

struct Reply {
  std::vector<std::int32_t> tokens;
  bool is_finished = false;
  GenerateResult result;
};

void fetch(Session& session, Reply& reply) {
  for (Event event; session.poll(event);) {
    REQUIRE_FALSE(reply.is_finished);  // nothing comes after the finish
    if (event.type == EventType::kText && event.token >= 0) reply.tokens.push_back(event.token);
    if (event.type == EventType::kFinish) {
      reply.is_finished = true;
      reply.result = event.result;
    }
    REQUIRE(event.type != EventType::kError);
  }
}

}  // namespace

TEST_CASE("sessions that run together say what each says alone") {
  EngineOptions options;
  options.max_running = GENERATE(std::size_t{1}, std::size_t{3}, std::size_t{64});
  Chat chat(options);
  std::vector<std::unique_ptr<Session>> sessions;
  std::vector<Reply> replies(7);
  for (std::uint32_t i = 0; i < replies.size(); ++i) {
    sessions.push_back(chat.session());
    REQUIRE(sessions[i]
                ->submit(*chat.tokenizer, chat.prompt(i, 5 + 40 * i), false, Chat::params(i), {})
                .is_ok());
  }
  while (chat.engine->pump(Engine::Clock::now()).value() == Engine::Progress::kMore)
    for (std::size_t i = 0; i < replies.size(); ++i) fetch(*sessions[i], replies[i]);
  for (std::uint32_t i = 0; i < replies.size(); ++i) {
    fetch(*sessions[i], replies[i]);
    REQUIRE(replies[i].is_finished);
    CHECK(replies[i].result.finish_reason == FinishReason::kLength);
    CHECK(replies[i].tokens == chat.reply(chat.prompt(i, 5 + 40 * i), i));
  }
}

TEST_CASE("a worker and threads that generate share the steps") {
  EngineOptions options;
  options.has_worker = GENERATE(false, true);
  Chat chat(options);
  std::vector<std::vector<std::int32_t>> replies(4);
  std::vector<std::thread> threads;
  for (std::uint32_t i = 0; i < replies.size(); ++i)
    threads.emplace_back([&, i] {
      const auto session = chat.session();
      const auto prompt = chat.prompt(i, 30 + i);
      GenerateRequest request;
      request.prompt = prompt;
      request.params = Chat::params(i);
      request.sink = [&](const Event& event) {
        if (event.token >= 0) replies[i].push_back(event.token);
        return true;
      };
      (void)generate(*session, *chat.tokenizer, request);
    });
  for (std::thread& thread : threads) thread.join();
  for (std::uint32_t i = 0; i < replies.size(); ++i)
    CHECK(replies[i] == chat.reply(chat.prompt(i, 30 + i), i));
  const auto pumped = chat.engine->pump(Engine::kNever);
  CHECK(pumped.is_ok() != options.has_worker);
}

TEST_CASE("callbacks come on the pumping thread and may submit the next request") {
  Chat chat;
  const auto session = chat.session();
  int n_finished = 0;
  EventSink sink;
  sink = [&](const Event& event) {
    CHECK(chat.engine->pump(Engine::kNever).status().code() == StatusCode::kReentrant);
    if (event.type == EventType::kFinish && ++n_finished < 3) {
      CHECK(session->submit(*chat.tokenizer, chat.prompt(9, 4), false, Chat::params(1, 5), sink)
                .is_ok());
    }
    return true;
  };
  REQUIRE(
      session->submit(*chat.tokenizer, chat.prompt(9, 4), false, Chat::params(1, 5), sink).is_ok());
  CHECK(session->submit(*chat.tokenizer, chat.prompt(9, 4), false, Chat::params(1, 5), sink)
            .status()
            .code() == StatusCode::kState);
  REQUIRE(chat.engine->pump(Engine::kNever).value() == Engine::Progress::kIdle);
  CHECK(n_finished == 3);
  CHECK(session->position() == 3 * (4 + 4));
}

TEST_CASE("a session whose events nobody fetches waits, and loses none") {
  Chat chat;
  const auto session = chat.session();
  const auto other = chat.session();
  const auto submit = [&] {
    REQUIRE(session->reset().is_ok());
    REQUIRE(session->submit(*chat.tokenizer, chat.prompt(1, 4), false, Chat::params(3, 400), {})
                .is_ok());
    REQUIRE(chat.engine->pump(Engine::kNever).value() == Engine::Progress::kIdle);
  };
  submit();
  REQUIRE_FALSE(session->stats().is_running);
  submit();  // on top of what waits already
  REQUIRE(session->stats().is_running);
  REQUIRE(other->submit(*chat.tokenizer, chat.prompt(2, 4), false, Chat::params(4), {}).is_ok());
  REQUIRE(chat.engine->pump(Engine::kNever).value() == Engine::Progress::kIdle);
  CHECK_FALSE(other->stats().is_running);  // is not kept waiting
  int n_tokens = 0;
  int n_finished = 0;
  for (Event event; n_finished < 2;) {
    REQUIRE(session->wait(event).is_ok());
    n_tokens += event.type == EventType::kText && event.token >= 0 ? 1 : 0;
    n_finished += event.type == EventType::kFinish ? 1 : 0;
  }
  CHECK(n_tokens == 800);
}

TEST_CASE("higher priority runs first") {
  EngineOptions options;
  options.max_step_rows = 4;
  options.max_running = 1;
  Chat chat(options);
  std::vector<int> order;
  std::vector<std::unique_ptr<Session>> sessions;
  for (const int priority : {0, 5, 2}) {
    Session::Options session_options;
    session_options.priority = priority;
    sessions.push_back(chat.session(session_options));
    REQUIRE(sessions.back()
                ->submit(*chat.tokenizer, chat.prompt(1, 20), false, Chat::params(1, 3),
                         [&order, priority](const Event& event) {
                           if (event.type == EventType::kFinish) order.push_back(priority);
                           return true;
                         })
                .is_ok());
  }
  REQUIRE(chat.engine->pump(Engine::kNever).is_ok());
  CHECK(order == std::vector<int>{5, 2, 0});
}

TEST_CASE("a cancelled prompt goes on as if it had not been cancelled") {
  Chat chat;
  const auto prompt = chat.prompt(5, 400);
  const auto session = chat.session();
  REQUIRE(session->submit(*chat.tokenizer, prompt, false, Chat::params(1), {}).is_ok());
  for (int i = 0; i < 3; ++i) REQUIRE(chat.engine->pump(Engine::Clock::now()).is_ok());
  session->cancel();
  Event event;
  REQUIRE(session->wait(event).is_ok());
  CHECK(event.type == EventType::kFinish);
  CHECK(event.result.finish_reason == FinishReason::kCancelled);
  const auto done = static_cast<std::size_t>(session->position());
  REQUIRE(done < prompt.size());
  CHECK(session->tokens() ==
        std::vector<std::int32_t>(prompt.begin(), prompt.begin() + session->position()));
  Reply reply;
  REQUIRE(
      session->submit(*chat.tokenizer, std::span(prompt).subspan(done), false, Chat::params(1), {})
          .is_ok());
  REQUIRE(chat.engine->pump(Engine::kNever).is_ok());
  fetch(*session, reply);
  CHECK(reply.tokens == chat.reply(prompt, 1));
}

TEST_CASE("a session whose cancelled prompt is still in a step can be adopted") {
  Chat chat;
  const auto session = chat.session();
  const auto from = chat.session();
  const auto prompt = chat.prompt(5, 64);
  REQUIRE(from->submit(*chat.tokenizer, prompt, false, Chat::params(1), {}).is_ok());
  REQUIRE(chat.engine->pump(Engine::Clock::now()).is_ok());
  from->cancel();
  Event event;
  REQUIRE(from->wait(event).is_ok());
  REQUIRE(from->sequence()->in_step);
  REQUIRE(session->adopt(*from).is_ok());
  CHECK(session->tokens() == prompt);
  CHECK(from->position() == 0);
}

TEST_CASE("a session may be freed while its request runs") {
  Chat chat;
  auto session = chat.session();
  const auto other = chat.session();
  int n_calls = 0;
  REQUIRE(session
              ->submit(*chat.tokenizer, chat.prompt(5, 300), false, Chat::params(1),
                       [&](const Event&) {
                         ++n_calls;
                         return true;
                       })
              .is_ok());
  REQUIRE(other->submit(*chat.tokenizer, chat.prompt(6, 30), false, Chat::params(2), {}).is_ok());
  REQUIRE(chat.engine->pump(Engine::Clock::now()).is_ok());
  session.reset();
  Reply reply;
  REQUIRE(chat.engine->pump(Engine::kNever).value() == Engine::Progress::kIdle);
  fetch(*other, reply);
  CHECK(n_calls == 0);
  CHECK(reply.tokens == chat.reply(chat.prompt(6, 30), 2));
  CHECK(chat.engine->stats().n_sequences == 1);
}
