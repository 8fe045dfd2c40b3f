// A restored session continues with the bytes of one that was never saved.
#include <atomic>
#include <thread>

#include "lib/io/temp_folder.h"
#include "session/saved_format.h"
#include "src/session/saved_case.h"

using namespace nemotron;
using namespace nemotron::test;

namespace {

std::unique_ptr<Session> session_at(const std::shared_ptr<Engine>& engine, std::size_t n_tokens,
                                    KvType kv_type = KvType::kBF16,
                                    StateType state_type = StateType::kF32) {
  auto session = Session::create(engine, {engine->config().max_context, kv_type, state_type});
  REQUIRE(session.is_ok());
  if (n_tokens > 0) run(*session.value(), some_tokens(*engine, n_tokens));
  return std::move(session).value();
}

}  // namespace

TEST_CASE("what follows a restored session is what follows one that was never saved") {
  const std::string model = GENERATE("hf/one_group_p10", "hf/two_groups_p24", "hf/only_mamba_p16",
                                     "gguf/four_groups_p80.q8_0.gguf", "gguf/mixed.gguf");
  const auto levels = all_levels();
  const auto* level = GENERATE_COPY(from_range(levels));
  const auto kv_type = GENERATE(KvType::kBF16, KvType::kF32, KvType::kQ8);
  const auto state_type = kv_type == KvType::kF32 ? StateType::kBF16 : StateType::kF32;
  const auto engine = load_engine(kModelData + model, *level);
  if (!has_kv_type(*engine, kv_type)) return;
  const auto fresh_engine = load_engine(kModelData + model, *level, 2, 5);
  for (const std::size_t n : {0, 1, 63, 64, 65, 150}) {
    INFO(model << " " << level->name << " at " << n);
    const auto session = session_at(engine, n, kv_type, state_type);
    const Bytes bytes = save_bytes(*session);
    const auto from_memory = restore_bytes(fresh_engine, bytes);
    CHECK(from_memory->position() == static_cast<std::int64_t>(n));
    CHECK(from_memory->tokens() == session->tokens());
    CHECK(from_memory->options().kv_type == kv_type);
    CHECK(from_memory->options().state_type == state_type);
    CHECK(from_memory->max_tokens() == session->max_tokens());
    CHECK((save_bytes(*from_memory) == bytes));
    const std::vector<float> expected = continued(*session);
    CHECK(same_bytes(continued(*from_memory), expected));
  }
  // Nothing was computed again.
  const EngineStats stats = fresh_engine->stats();
  CHECK(stats.n_prefill_rows + stats.n_decode_rows == 6 * 9);
}

TEST_CASE("a file has the bytes that memory has") {
  const auto engine = load_engine(kModelData + "hf/one_group_p10", best_kernels());
  const TempFolder folder;
  const auto session = session_at(engine, 70);
  const Bytes bytes = save_bytes(*session);
  REQUIRE(save_session(*session, folder.file("s"), kSave).is_ok());
  const auto file = open_file(folder.file("s"));
  REQUIRE(file.is_ok());
  CHECK(read_all(*file.value(), bytes.size()).value() ==
        std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
  const auto restored = restore_session(engine, *file.value(), kRestore);
  REQUIRE(restored.is_ok());
  CHECK(same_bytes(continued(*restored.value()), continued(*session)));
}

TEST_CASE("a state behind fewer tokens than the session has is restored, and the rest computed") {
  const auto engine = load_engine(kModelData + "hf/one_group_p10", best_kernels());
  const auto tokens = some_tokens(*engine, 100);
  const auto session = make_session(engine);
  run(*session, std::span(tokens).first(40));
  REQUIRE(session->keep().is_ok());
  run(*session, std::span(tokens).subspan(40));
  REQUIRE(session->rewind(70).is_ok());
  REQUIRE(session->sequence()->state.position() == 40);
  const Bytes bytes = save_bytes(*session);

  const auto fresh = load_engine(kModelData + "hf/one_group_p10", best_kernels());
  const auto restored = restore_bytes(fresh, bytes);
  CHECK(restored->position() == 70);
  CHECK(restored->sequence()->state.position() == 40);
  const auto reference = make_session(engine);
  run(*reference, std::span(tokens).first(70));
  CHECK(same_bytes(continued(*restored), continued(*reference)));
  CHECK(fresh->stats().n_prefill_rows + fresh->stats().n_decode_rows == 30 + 9);
}

TEST_CASE("a session whose state was given up is saved with its tokens") {
  const auto engine = load_engine(kModelData + "hf/one_group_p10", best_kernels());
  const auto session = session_at(engine, 80);
  session->sequence()->state = LayerState(session->sequence()->state.layout());
  const Bytes bytes = save_bytes(*session);
  const auto restored = restore_bytes(engine, bytes);
  CHECK(restored->position() == 80);
  CHECK(same_bytes(continued(*restored), continued(*session_at(engine, 80))));
}

TEST_CASE("restored in a fresh engine, a rewritten last turn computes only its tail") {
  const auto engine = load_engine(kModelData + "hf/one_group_p10", best_kernels());
  const auto tokens = some_tokens(*engine, 200);
  const auto session = make_session(engine);
  const std::vector<std::size_t> turns = {30, 90, 130, 200};
  std::size_t done = 0;
  for (const std::size_t end : turns) {  // kept before each turn, as the chat does it
    run(*session, std::span(tokens).subspan(done, end - done));
    if (end != 200) REQUIRE(session->keep().is_ok());
    done = end;
  }
  const Bytes bytes = save_bytes(*session);
  const Bytes without = save_bytes(*session, {.max_snapshots = 0, .library_version = 7});
  CHECK(bytes.size() > without.size());

  std::vector<std::int32_t> rewritten(tokens.begin(), tokens.begin() + 140);
  const auto tail = some_tokens(*engine, 20, 5);
  rewritten.insert(rewritten.end(), tail.begin(), tail.end());
  const auto turn = GENERATE(90, 130);  // the two latest
  if (turn == 90) rewritten[100] = (rewritten[100] + 1) % engine->config().n_vocab;
  const auto fresh = load_engine(kModelData + "hf/one_group_p10", best_kernels());
  const auto restored = restore_bytes(fresh, bytes);
  REQUIRE(fresh->seek(restored->sequence(), rewritten).is_ok());
  REQUIRE(restored->position() == turn);
  run(*restored, std::span(rewritten).subspan(static_cast<std::size_t>(turn)));
  const EngineStats stats = fresh->stats();
  CHECK(stats.n_prefill_rows + stats.n_decode_rows == static_cast<std::uint64_t>(160 - turn));
  const auto reference = make_session(engine);
  run(*reference, rewritten);
  CHECK(same_bytes(continued(*restored), continued(*reference)));
}

TEST_CASE("sessions are saved and restored while others of the engine run") {
  const auto engine = load_engine(kModelData + "hf/one_group_p10", best_kernels(), 2);
  const auto session = session_at(engine, 70);
  const Bytes bytes = save_bytes(*session);
  const std::vector<float> expected = continued(*session_at(engine, 70));
  std::atomic<bool> is_over = false;
  std::thread other([&] {
    for (std::uint32_t seed = 1; !is_over; ++seed) {
      const auto running = Session::create(engine, {engine->config().max_context});
      const auto tokens = some_tokens(*engine, 150, seed);
      if (!running.is_ok()) return;  // Catch2's checks are for one thread
      (void)running.value()->eval(std::span(tokens).first(100), {});
      (void)running.value()->keep();
      (void)running.value()->eval(std::span(tokens).subspan(100), {});
    }
  });
  std::size_t n_wrong = 0;
  for (int i = 0; i < 50; ++i) {
    n_wrong += save_bytes(*session) != bytes;
    n_wrong += !same_bytes(continued(*restore_bytes(engine, bytes)), expected);
  }
  is_over = true;
  other.join();
  CHECK(n_wrong == 0);
}

TEST_CASE("a session is not saved while a request runs") {
  class Nothing final : public Request {
    Logits logits_wanted() const override { return Logits::kNone; }
    Next on_logits(std::int64_t, std::span<const float>) override { return {}; }
    void on_end(Status) override {}
  };
  const auto engine = load_engine(kModelData + "hf/one_group_p10", best_kernels());
  const auto session = session_at(engine, 20);
  const Bytes bytes = save_bytes(*session);
  const auto tokens = some_tokens(*engine, 10, 2);
  REQUIRE(engine->submit(session->sequence(), tokens, {}, std::make_shared<Nothing>()).is_ok());
  const TempFolder folder;
  CHECK(save_session(*session, folder.file("s"), kSave).code() == StatusCode::kState);
  CHECK_FALSE(open_file(folder.file("s")).is_ok());
  session->cancel();
  REQUIRE(engine->pump(Engine::kNever).is_ok());
  CHECK((save_bytes(*session) == bytes));
}

TEST_CASE("a buffer without room for all snapshots gets fewer of them") {
  const auto engine = load_engine(kModelData + "hf/one_group_p10", best_kernels());
  const auto session = session_at(engine, 40);
  REQUIRE(session->keep().is_ok());
  run(*session, some_tokens(*engine, 10, 3));
  const std::size_t smallest = save_bytes(*session, {.max_snapshots = 0}).size();
  Bytes buffer(save_bytes(*session).size() - 1);
  std::uint64_t size = 0;
  REQUIRE(save_session(*session, buffer, kSave, size).is_ok());
  CHECK(size == smallest);
  buffer.resize(size);
  restore_bytes(engine, buffer);
  buffer.resize(smallest - 1);
  CHECK(save_session(*session, buffer, kSave, size).code() == StatusCode::kBufferTooSmall);
  CHECK(size > smallest);
}

TEST_CASE("restoring asks for a limit of its own") {
  const auto engine = load_engine(kModelData + "hf/one_group_p10", best_kernels());
  const Bytes bytes = save_bytes(*session_at(engine, 40));
  const auto restored = restore_bytes(engine, bytes, {.library_version = 7, .max_tokens = 41});
  CHECK(restored->max_tokens() == 41);
  const auto refused = try_restore(engine, bytes, {.library_version = 7, .max_tokens = 39});
  CHECK(refused.status().code() == StatusCode::kContextFull);
}

TEST_CASE("restoring keeps to the cap, and idle sessions make room") {
  const std::string model = kModelData + "hf/one_group_p10";
  const auto engine = load_engine(model, best_kernels());
  const Bytes bytes = save_bytes(*session_at(engine, 100));
  const std::uint64_t n_state = engine->pool().held_bytes() + engine->pool().free_bytes();
  EngineOptions options;
  options.max_bytes = load_engine(model, best_kernels(), 1, options)->stats().used_bytes + n_state;
  {
    const auto capped = load_engine(model, best_kernels(), 1, options);
    const auto idle = session_at(capped, 100);
    const auto restored = restore_bytes(capped, bytes);
    CHECK(capped->stats().n_parked == 1);
    const std::vector<float> expected = continued(*session_at(engine, 100));
    CHECK(same_bytes(continued(*restored), expected));
    CHECK(same_bytes(continued(*idle), expected));
  }
  options.max_bytes -= 1;
  const auto capped = load_engine(model, best_kernels(), 1, options);
  const auto refused = try_restore(capped, bytes);
  CHECK(refused.status().code() == StatusCode::kOverBudget);
  CHECK(capped->stats().n_sequences == 0);
  CHECK(capped->stats().state_bytes == 0);
}

// The same weights in both formats, but for their rounding to bf16: undone in the file, GGUF's
// order of the channels does not show.
TEST_CASE("keys are saved in the order of the published model") {
  const auto keys_of = [](const std::string& model) {
    const auto engine = load_engine(kModelData + model, kernels::ref_kernels());
    const Bytes bytes = save_bytes(*session_at(engine, 70, KvType::kF32));
    const auto source = memory_source("saved", bytes);
    const auto header = read_header(*source);
    REQUIRE(header.is_ok());
    for (const Section& section : header.value().sections) {
      if (section.kind != SectionKind::kKeys) continue;
      std::vector<float> keys(section.size_bytes / sizeof(float));
      REQUIRE(
          source->read_at(section.offset_bytes, std::as_writable_bytes(std::span(keys))).is_ok());
      return keys;
    }
    return std::vector<float>();
  };
  const auto published = keys_of("hf/tiny_chat");
  const auto gguf = keys_of("gguf/tiny_chat.gguf");
  REQUIRE(published.size() == gguf.size());
  CHECK(rms_difference(published, gguf) < 0.02 * rms(published));
}
