// Beside its caller the device runs a token while its text is told. Whatever a host says to that
// text, a session holds what it would hold had the device waited, to the byte.
#include <algorithm>
#include <random>

#include "cuda_fixture.h"
#include "session/generate.h"
#include "src/session/saved_case.h"

using namespace nemotron;
using namespace nemotron::test;

namespace {

using Tokens = std::vector<std::int32_t>;

const std::string kModel = kModelData + "hf/tiny_chat";

Tokenizer chat_tokenizer() {
  auto file = open_model(kModel);
  return Tokenizer::from_json(file->tokenizer().tokenizer_json, "").value();
}

GenerateParams params_of(std::int64_t max_tokens, std::uint64_t seed = 3) {
  GenerateParams params;
  params.sampling = {SamplingMode::kLiteral, 1.0f, 0, 0.9f, seed};
  params.max_tokens = max_tokens;
  params.ignore_stop_tokens = true;
  return params;
}

// A host that hears a reply, and has had enough after some tokens of it.
struct Host {
  std::size_t n_wanted = 1000000;
  Tokens heard;
  std::string text;
  // At each token: steps the device had been given, and times that it was waited for.
  std::vector<std::int64_t> n_sent, n_waited;
  bool is_over = false;
  Status status;

  EventSink sink(const MockCuda* mock = nullptr) {
    return [this, mock](const Event& event) {
      CHECK_FALSE(is_over);
      text += event.type == EventType::kText ? event.text : std::string_view();
      if (event.token >= 0) heard.push_back(event.token);
      if (event.token >= 0 && mock != nullptr) {
        n_sent.push_back(mock->count("copy_to_device"));
        n_waited.push_back(mock->count("wait_event"));
      }
      if (event.type == EventType::kError) status = {event.code, std::string(event.text)};
      is_over |= event.type == EventType::kFinish || event.type == EventType::kError;
      return heard.size() < n_wanted;
    };
  }
};

// What a session holds that ran these tokens and never generated.
Bytes evaluated(const std::shared_ptr<Engine>& engine, std::span<const std::int32_t> tokens,
                KvType kv_type = KvType::kF32, StateType state_type = StateType::kF32) {
  const auto session = make_session(engine, kv_type, state_type);
  run(*session, tokens);
  return save_bytes(*session);
}

Tokens joined(const Tokens& prompt, const Tokens& reply, std::size_t n_reply) {
  Tokens all = prompt;
  all.insert(all.end(), reply.begin(), reply.begin() + static_cast<std::ptrdiff_t>(n_reply));
  return all;
}

}  // namespace

TEST_CASE("the next step is with the device when a token is told") {
  const Tokenizer tokenizer = chat_tokenizer();
  MockCuda& mock = MockCuda::reset();
  {
    const auto engine = cuda_engine(kModel);
    const auto session = make_session(engine);
    Host host;
    const std::int64_t n_before = mock.count("copy_to_device");
    const std::int64_t n_reads = mock.count("copy_to_host");
    const Tokens prompt = some_tokens(*engine, 5);
    REQUIRE(session->submit(tokenizer, prompt, false, params_of(6), host.sink(&mock)).is_ok());
    REQUIRE(engine->pump(Engine::kNever).is_ok());
    // The prompt gave the first token; the last one is run by nobody.
    std::vector<std::int64_t> expected;
    for (std::int64_t i = 0; i < 5; ++i) expected.push_back(n_before + i + 2);
    expected.push_back(n_before + 6);
    CHECK(host.n_sent == expected);
    CHECK(mock.count("copy_to_device") == n_before + 6);
    CHECK(mock.count("launch_graph") == 4);  // all but the prompt's and the first of its kind
    CHECK(host.n_waited[4] == host.n_waited[3] + 1);
    CHECK(mock.count("copy_to_host") == n_reads);
  }
  CHECK(mock.leftovers() == "");
}

TEST_CASE("a host that stops at a token finds the session as if the device had waited") {
  const Tokenizer tokenizer = chat_tokenizer();
  constexpr std::size_t kReply = 9;
  for (const bool is_narrow : {false, true}) {
    MockCuda& mock = MockCuda::reset();
    {
      const auto engine = cuda_engine(kModel);
      const KvType kv_type = is_narrow ? KvType::kBF16 : KvType::kF32;
      const StateType state_type = is_narrow ? StateType::kBF16 : StateType::kF32;
      const Tokens prompt = some_tokens(*engine, 60);  // a KV block ends in the reply
      Host all;
      GenerateRequest whole{prompt, false, params_of(kReply), all.sink()};
      REQUIRE(generate(*make_session(engine, kv_type, state_type), tokenizer, whole).is_ok());
      for (std::size_t n = 1; n <= kReply; ++n) {
        // By the pump's callback, and between two waits of a blocking call.
        for (const bool is_blocking : {false, true}) {
          const auto session = make_session(engine, kv_type, state_type);
          Host host;
          host.n_wanted = n;
          if (is_blocking) {
            GenerateRequest request{prompt, false, params_of(kReply), host.sink()};
            REQUIRE(generate(*session, tokenizer, request).is_ok());
          } else {
            REQUIRE(
                session->submit(tokenizer, prompt, false, params_of(kReply), host.sink()).is_ok());
            REQUIRE(engine->pump(Engine::kNever).is_ok());
          }
          CHECK(joined({}, host.heard, n) == joined({}, all.heard, n));
          CHECK(host.heard.size() == n);
          const Tokens held = joined(prompt, all.heard, n - 1);
          CHECK(session->tokens() == held);
          CHECK((save_bytes(*session) == evaluated(engine, held, kv_type, state_type)));
        }
      }
    }
    CHECK(mock.leftovers() == "");
  }
}

TEST_CASE("a stop string ends the reply where it does on the CPU, and the chat goes on") {
  const Tokenizer tokenizer = chat_tokenizer();
  MockCuda::reset();
  const auto engine = cuda_engine(kModel);
  const Tokens prompt = some_tokens(*engine, 7);
  Host all;
  GenerateRequest whole{prompt, false, params_of(12), all.sink()};
  REQUIRE(generate(*make_session(engine), tokenizer, whole).is_ok());
  REQUIRE(all.text.size() > 8);
  const auto session = make_session(engine);
  Host host;
  GenerateRequest request{prompt, false, params_of(12), host.sink()};
  const std::string stop = all.text.substr(5, 2);
  const std::string_view stops[] = {stop};
  request.params.stop_strings = StopMatcher::create(stops).value();
  const auto result = generate(*session, tokenizer, request);
  REQUIRE(result.is_ok());
  CHECK(result->finish_reason == FinishReason::kStop);
  CHECK(all.text.starts_with(host.text));
  CHECK(host.text.size() <= 5);
  const auto n = static_cast<std::size_t>(result->n_generated_tokens);
  REQUIRE(n < 12);
  const Tokens held = joined(prompt, all.heard, n - 1);
  CHECK((save_bytes(*session) == evaluated(engine, held)));
  // Another turn, and a fork of what was undone.
  const auto fork = session->fork().value();
  const Tokens more = some_tokens(*engine, 4, 9);
  run(*session, more);
  run(*fork, more);
  const Bytes expected = evaluated(engine, joined(held, more, more.size()));
  CHECK((save_bytes(*session) == expected));
  CHECK((save_bytes(*fork) == expected));
}

TEST_CASE("without memory to undo, the device waits, and what another wants is given up") {
  const Tokenizer tokenizer = chat_tokenizer();
  MockCuda& mock = MockCuda::reset();
  EngineOptions options;
  options.snapshot_bytes = 0;
  const auto free_engine = cuda_engine(kModel, options);
  const Tokens prompt = some_tokens(*free_engine, 5);
  const StateLayout& layout = make_session(free_engine)->sequence()->state.layout();
  const std::uint64_t session_bytes = layout.recurrent_bytes() + layout.kv_bytes(64);
  Host expected;
  GenerateRequest whole{prompt, false, params_of(6), expected.sink()};
  REQUIRE(generate(*make_session(free_engine), tokenizer, whole).is_ok());
  REQUIRE(free_engine->pump(Engine::kNever).is_ok());  // ends the step of the session that is gone
  for (const bool is_tight : {true, false}) {  // not for one session, or for one and not for two
    INFO("tight " << is_tight);
    options.max_bytes = free_engine->stats().used_bytes - free_engine->pool().free_bytes() +
                        session_bytes + (is_tight ? layout.recurrent_bytes() / 2 : session_bytes);
    const auto engine = cuda_engine(kModel, options);
    const auto first = make_session(engine);
    const auto second = make_session(engine);
    Host host, other;
    const std::int64_t n_before = mock.count("copy_to_device");
    REQUIRE(first->submit(tokenizer, prompt, false, params_of(6), host.sink(&mock)).is_ok());
    REQUIRE(engine->run_until(Engine::kNever, [&] { return host.heard.size() == 2; }).is_ok());
    CHECK(host.n_sent[0] - n_before == (is_tight ? 1 : 2));
    if (!is_tight)
      REQUIRE(second->submit(tokenizer, prompt, false, params_of(6), other.sink()).is_ok());
    REQUIRE(engine->pump(Engine::kNever).is_ok());
    CHECK(host.status.is_ok());
    CHECK(host.heard == expected.heard);
    if (!is_tight) {
      INFO(other.status.message());
      CHECK(other.status.is_ok());
      CHECK(other.heard == expected.heard);
    }
    CHECK(engine->stats().peak_bytes <= options.max_bytes);
  }
}

TEST_CASE("a session is restored into memory that another one only had for undoing") {
  const Tokenizer tokenizer = chat_tokenizer();
  MockCuda::reset();
  EngineOptions options;
  options.snapshot_bytes = 0;
  const auto free_engine = cuda_engine(kModel, options);
  const Tokens prompt = some_tokens(*free_engine, 5);
  Bytes saved;
  {
    const auto session = make_session(free_engine);
    run(*session, prompt);
    saved = save_bytes(*session);
  }
  const auto kept = make_session(free_engine);
  const StateLayout& layout = kept->sequence()->state.layout();
  options.max_bytes = free_engine->stats().used_bytes - free_engine->pool().free_bytes() +
                      2 * (layout.recurrent_bytes() + layout.kv_bytes(64));
  const auto engine = cuda_engine(kModel, options);
  const auto session = make_session(engine);
  Host host;
  REQUIRE(session->submit(tokenizer, prompt, false, params_of(20), host.sink()).is_ok());
  REQUIRE(engine->run_until(Engine::kNever, [&] { return host.heard.size() == 3; }).is_ok());
  REQUIRE(session->sequence()->is_ahead);
  const auto restored = try_restore(engine, saved);
  INFO(restored.status().message());
  REQUIRE(restored.is_ok());
  CHECK((save_bytes(*restored.value()) == saved));
  REQUIRE(engine->pump(Engine::kNever).is_ok());
  CHECK(host.heard.size() == 20);
  CHECK(host.status.is_ok());
}

TEST_CASE("no schedule of generations, ends and cancels changes a byte of what sessions hold") {
  const Tokenizer tokenizer = chat_tokenizer();
  for (std::uint32_t seed = 0; seed < 12; ++seed) {
    INFO("schedule " << seed);
    MockCuda& mock = MockCuda::reset();
    std::mt19937 random(seed);
    const auto pick = [&](std::uint32_t n) { return random() % n; };
    {
      EngineOptions options;
      options.max_step_rows = pick(2) == 0 ? 3 : 64;
      options.snapshot_bytes = pick(2) * std::uint64_t{1000000};
      options.has_worker = false;
      const auto engine = cuda_engine(kModel, options);
      std::vector<std::unique_ptr<Session>> sessions;
      for (std::uint32_t i = 0; i < 3; ++i) {
        Session::Options o{engine->config().max_context, KvType::kF32, StateType::kF32};
        o.snapshot_every = pick(2) * 3;
        sessions.push_back(Session::create(engine, o).value());
      }
      for (int round = 0; round < 3; ++round) {
        std::vector<Host> hosts(sessions.size());
        std::vector<Tokens> before;
        for (std::size_t i = 0; i < sessions.size(); ++i) {
          const Tokens prompt = some_tokens(*engine, 1 + pick(9), pick(100));
          before.push_back(joined(sessions[i]->tokens(), prompt, prompt.size()));
          hosts[i].n_wanted = pick(3) == 0 ? 1 + pick(5) : 1000;
          REQUIRE(sessions[i]
                      ->submit(tokenizer, prompt, false, params_of(1 + pick(6), pick(9)),
                               hosts[i].sink())
                      .is_ok());
        }
        const bool in_slices = pick(2) == 0;
        const auto until = [&] { return in_slices ? Engine::Clock::now() : Engine::kNever; };
        while (engine->pump(until()).value() == Engine::Progress::kMore)
          if (pick(20) == 0) sessions[pick(3)]->cancel();
        for (std::size_t i = 0; i < sessions.size(); ++i) {
          REQUIRE(hosts[i].is_over);
          const Tokens held = sessions[i]->tokens();
          const Tokens said = joined(before[i], hosts[i].heard, hosts[i].heard.size());
          REQUIRE(held.size() <= said.size());
          REQUIRE(std::equal(held.begin(), held.end(), said.begin()));
          if (hosts[i].heard.size() == hosts[i].n_wanted) REQUIRE(held.size() + 1 == said.size());
          if (held.empty()) continue;
          const auto fresh = make_session(engine);
          run(*fresh, held);
          REQUIRE(same_bytes(continued(*sessions[i]->fork().value()), continued(*fresh)));
        }
      }
    }
    CHECK(mock.leftovers() == "");
  }
}
