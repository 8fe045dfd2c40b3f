// States that a device has no room for: they go to the host's memory and come back, and no byte of
// any result tells of it.
#include "cuda_fixture.h"
#include "src/session/saved_case.h"

using namespace nemotron;
using namespace nemotron::test;

namespace {

const std::string kModel = kModelData + "hf/one_group_p10";
constexpr std::uint64_t kPlenty = std::uint64_t{1} << 40;
constexpr std::size_t kTokens = 66;  // a whole block and a begun one

// What an engine takes, and what a session of kTokens takes more.
struct Sizes {
  std::uint64_t engine = 0;
  std::uint64_t session = 0;
};

Sizes measure(std::size_t n_tokens = kTokens) {
  MockCuda::reset();
  const auto engine = cuda_engine(kModel);
  Sizes sizes{engine->stats().used_bytes, 0};
  const auto session = make_session(engine);
  run(*session, some_tokens(*engine, n_tokens));
  sizes.session = engine->stats().used_bytes - sizes.engine;
  return sizes;
}

// Room for `n_halves` / 2 sessions on the device.
EngineOptions room_for(const Sizes& sizes, std::uint64_t n_halves,
                       std::uint64_t offload = kPlenty) {
  EngineOptions options;
  options.max_bytes = sizes.engine + n_halves * sizes.session / 2;
  options.max_offload_bytes = offload;
  return options;
}

using Sessions = std::vector<std::unique_ptr<Session>>;

Sessions some_sessions(const std::shared_ptr<Engine>& engine, std::uint32_t n) {
  Sessions sessions;
  for (std::uint32_t i = 0; i < n; ++i) {
    sessions.push_back(make_session(engine));
    run(*sessions.back(), some_tokens(*engine, kTokens, i));
  }
  return sessions;
}

// Each session goes on.
std::vector<float> once_each(const Sessions& sessions) {
  std::vector<float> out;
  for (const auto& session : sessions) {
    const auto logits = continued(*session);
    out.insert(out.end(), logits.begin(), logits.end());
  }
  return out;
}

bool is_on_host(const Session& session) {
  const LayerState& state = session.sequence()->state;
  return state.position() > 0 && state.recurrent().is_on_host();
}

std::uint64_t n_computed(const Engine& engine) {
  return engine.stats().n_prefill_rows + engine.stats().n_decode_rows;
}

}  // namespace

TEST_CASE("sessions that do not fit on the device take turns, and nothing is computed twice") {
  const Sizes sizes = measure();
  MockCuda& mock = MockCuda::reset();
  {
    const auto roomy = cuda_engine(kModel);
    const Sessions with_room = some_sessions(roomy, 3);
    const auto first_round = once_each(with_room);
    const auto second_round = once_each(with_room);
    const EngineOptions options = room_for(sizes, 5);
    const auto engine = cuda_engine(kModel, options);
    {
      const Sessions sessions = some_sessions(engine, 3);
      CHECK(same_bytes(once_each(sessions), first_round));
      CHECK(same_bytes(once_each(sessions), second_round));
      const EngineStats stats = engine->stats();
      CHECK(stats.moves.n_out > 8);
      CHECK(stats.moves.n_back > 8);
      CHECK(stats.n_parked == 0);
      CHECK(n_computed(*engine) == n_computed(*roomy));
      CHECK(stats.peak_bytes <= options.max_bytes);
      CHECK(stats.offload_bytes > 0);
    }
    CHECK(engine->stats().offload_bytes == 0);
    CHECK(engine->stats().state_bytes == 0);
  }
  CHECK(mock.leftovers() == "");
}

TEST_CASE("what several share moves once, and is shared afterwards") {
  const Sizes sizes = measure();
  MockCuda::reset();
  const auto engine = cuda_engine(kModel, room_for(sizes, 5));
  const auto first = make_session(engine);
  run(*first, some_tokens(*engine, kTokens));
  const auto second = first->fork().value();
  const std::uint64_t n_shared = engine->stats().state_bytes;
  const Sessions others = some_sessions(engine, 2);
  REQUIRE(is_on_host(*first));
  CHECK(is_on_host(*second));
  CHECK(engine->stats().offload_bytes == n_shared);
  CHECK(engine->stats().moves.n_out == 3);  // the recurrent state, two blocks
  CHECK(first->sequence()->state.kv_blocks()[0] == second->sequence()->state.kv_blocks()[0]);
  const auto a = continued(*first);
  CHECK(first->sequence()->state.kv_blocks()[0] == second->sequence()->state.kv_blocks()[0]);
  CHECK(first->sequence()->state.kv_blocks()[1] != second->sequence()->state.kv_blocks()[1]);
  CHECK(same_bytes(continued(*second), a));
  CHECK(n_computed(*engine) == 3 * kTokens + 2 * 9);
}

TEST_CASE("what a busy session shares with an idle one stays on the device") {
  const Sizes sizes = measure();
  MockCuda::reset();
  const auto engine = cuda_engine(kModel, room_for(sizes, 2));
  const auto first = make_session(engine);
  run(*first, some_tokens(*engine, kTokens));
  const auto second = first->fork().value();
  const auto logits = continued(*second);  // has no room to copy what both hold
  CHECK(engine->stats().moves.n_out == 0);
  CHECK(engine->stats().n_parked == 1);
  CHECK(same_bytes(continued(*first), logits));
}

TEST_CASE("snapshots move before they are forgotten, and are found on the host") {
  const Sizes sizes = measure();
  MockCuda::reset();
  const auto engine = cuda_engine(kModel, room_for(sizes, 5));
  auto tokens = some_tokens(*engine, kTokens);
  std::vector<float> expected;
  {
    const auto session = make_session(engine);
    run(*session, tokens);
    REQUIRE(session->keep().is_ok());
    expected = continued(*session);
  }
  const Sessions others = some_sessions(engine, 3);
  EngineStats stats = engine->stats();
  CHECK(stats.cache.n_evictions == 0);
  CHECK(stats.cache.n_snapshots == 1);
  CHECK(stats.offload_bytes >= stats.cache.size_bytes);
  const auto again = make_session(engine);
  tokens.push_back(1);
  REQUIRE(engine->seek(again->sequence(), tokens).is_ok());
  CHECK(again->sequence()->state.position() == static_cast<std::int64_t>(kTokens));
  CHECK(same_bytes(continued(*again), expected));
  CHECK(engine->stats().cache.n_reused_tokens == kTokens);
  CHECK(engine->stats().n_parked == 0);
}

TEST_CASE("the bound on the host's memory is kept, and then states are computed again") {
  const Sizes sizes = measure();
  MockCuda::reset();
  const std::vector<float> expected = once_each(some_sessions(cuda_engine(kModel), 3));
  for (const std::uint64_t n_thirds : {2u, 4u}) {
    const std::uint64_t offload = n_thirds * sizes.session / 3;
    INFO("room for " << n_thirds << " thirds of a session on the host");
    const auto engine = cuda_engine(kModel, room_for(sizes, 3, offload));
    const Sessions sessions = some_sessions(engine, 3);
    CHECK(same_bytes(once_each(sessions), expected));
    const EngineStats stats = engine->stats();
    CHECK(stats.offload_bytes <= offload);
    // No whole session fits into two thirds of its bytes.
    CHECK((stats.moves.n_out > 0) == (n_thirds == 4));
    CHECK(stats.n_parked > 0);
  }
}

TEST_CASE("on the CPU nothing moves: there it would save nothing") {
  const auto probe = load_engine(kModel, kernels::ref_kernels(), 1);
  const std::uint64_t before = probe->stats().used_bytes;
  run(*make_session(probe), some_tokens(*probe, kTokens));
  EngineOptions options;
  options.max_bytes = before + (probe->stats().used_bytes - before) * 5 / 2;
  options.max_offload_bytes = kPlenty;
  const auto engine = load_engine(kModel, kernels::ref_kernels(), 1, options);
  once_each(some_sessions(engine, 4));
  CHECK(engine->stats().n_parked > 0);
  CHECK(engine->stats().moves.n_out == 0);
  CHECK(engine->stats().offload_bytes == 0);
}

TEST_CASE("a session on the host is saved as it is, and stays on the device while it is written") {
  const Sizes sizes = measure();
  MockCuda::reset();
  const auto engine = cuda_engine(kModel, room_for(sizes, 5));
  Sessions sessions = some_sessions(engine, 1);
  const Bytes expected = save_bytes(*sessions[0]);
  for (auto& more : some_sessions(engine, 2)) sessions.push_back(std::move(more));
  REQUIRE(is_on_host(*sessions[0]));
  CHECK(save_bytes(*sessions[0]) == expected);
  CHECK_FALSE(is_on_host(*sessions[0]));

  std::vector<SequenceContents> held;  // as savers hold them
  for (const int i : {0, 1})
    held.push_back(engine->contents(sessions[static_cast<std::size_t>(i)]->sequence(), 0).value());
  CHECK_FALSE(is_on_host(*sessions[0]));
  CHECK_FALSE(is_on_host(*sessions[1]));
  CHECK(is_on_host(*sessions[2]));
  CHECK(sessions[2]->eval(some_tokens(*engine, 1), {}).code() == StatusCode::kOverBudget);
  CHECK(sessions[2]->position() == static_cast<std::int64_t>(kTokens));
  // No room to bring a third one back: its tokens are what can be said of it.
  const auto third = engine->contents(sessions[2]->sequence(), 2);
  REQUIRE(third.is_ok());
  CHECK(third->tokens.size() == kTokens);
  CHECK(third->state.position() == 0);
  CHECK(held[0].state.recurrent_data() != nullptr);
  held.clear();
  run(*sessions[2], some_tokens(*engine, 1));
}

namespace {

Status turns_under_a_cap(const Sizes& sizes) {
  NEMO_ASSIGN(const auto engine, try_cuda_engine(kModel, room_for(sizes, 3)));
  Sessions sessions;
  for (std::uint32_t i = 0; i < 6; ++i) {
    if (i < 2) {
      NEMO_ASSIGN(auto session, Session::create(engine, {engine->config().max_context, KvType::kF32,
                                                         StateType::kF32}));
      sessions.push_back(std::move(session));
    }
    NEMO_TRY(sessions[i % 2]->eval(some_tokens(*engine, 2, i), {}));
  }
  if (engine->stats().moves.n_back < 4) return {StatusCode::kInternal, "nothing came back"};
  std::uint64_t size = 0;
  const Status saved = save_session(*sessions[0], {}, kSave, size);
  return saved.code() == StatusCode::kBufferTooSmall ? Status::ok() : saved;
}

}  // namespace

TEST_CASE("whichever call of the driver fails while states move, the status says so") {
  const Sizes sizes = measure(2);
  for (const bool is_memory : {false, true}) {
    std::int64_t n_failed = 0;
    for (std::int64_t call = 0;; call += is_memory ? 1 : 11) {
      MockCuda& mock = MockCuda::reset();
      mock.memory_bytes = std::uint64_t{8} << 20;
      mock.fail_at = call;
      if (is_memory) {
        mock.failure = kCuOutOfMemory;
        mock.may_fail = {"allocate", "allocate_host", "create_event", "create_stream"};
      }
      const Status status = turns_under_a_cap(sizes);
      INFO("call " << call << ", " << mock.failed_call << ": " << status.message());
      CHECK(mock.leftovers() == "");
      CHECK(status.code() != StatusCode::kInternal);
      n_failed += status.is_ok() ? 0 : 1;
      if (!mock.failed_call.empty()) continue;
      CHECK(status.is_ok());
      CHECK(n_failed > 4);
      break;
    }
  }
}
