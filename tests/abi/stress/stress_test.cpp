// 64 threads and 1,000 sessions on one context: random calls through the C ABI, some on sessions
// that other threads use, under a byte cap, pumped by everybody or by a worker. Nothing may hang,
// race (run it under ThreadSanitizer), leak, or return a status that the header does not promise.
#include <nemotron/nemotron.h>

#include <array>
#include <atomic>
#include <catch2/catch.hpp>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <random>
#include <shared_mutex>
#include <string>
#include <thread>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kThreads = 64;
constexpr std::size_t kSessions = 1000;
constexpr auto kStuck = std::chrono::seconds(60);

double seconds_per_case() {
  const char* text = std::getenv("NEMO_STRESS_SECONDS");
  return text == nullptr ? 2.5 : std::atof(text);
}

// A session that any thread may call at any time, but free only alone.
struct Slot {
  std::shared_mutex mutex;  // exclusive: to replace the session
  nemo_session* session = nullptr;
};

struct Shared {
  nemo_context* context = nullptr;
  std::array<Slot, kSessions> slots;
  std::atomic<bool> is_over{false};
  std::atomic<std::int64_t> n_calls{0};
  std::atomic<std::int64_t> n_tokens{0};
  std::atomic<std::int32_t> wrong{0};
};

// What a call on a session that others use, too, may return.
void expect(Shared& shared, nemo_status status) {
  ++shared.n_calls;
  switch (status) {
    case NEMO_OK:
    case NEMO_E_BUSY:
    case NEMO_E_STATE:
    case NEMO_E_CANCELLED:
    case NEMO_E_CONTEXT_FULL:
    case NEMO_E_OVER_BUDGET:
    case NEMO_E_INVALID_ARGUMENT:  // a position beyond the tokens
      return;
    default:
      shared.wrong = status;
  }
}

class Player {
 public:
  Player(Shared& shared, unsigned seed) : shared_(shared), random_(seed) {
    for (std::int32_t& token : prompt_) token = static_cast<std::int32_t>(20 + below(280));
    prompt_[0] = 10;
  }

  void play() {
    while (!shared_.is_over) {
      Slot& slot = shared_.slots[below(kSessions)];
      const unsigned what = below(100);
      if (what < 6) {
        replace(slot);
      } else if (what < 12) {
        fork_into(slot, shared_.slots[below(kSessions)]);
      } else if (what < 30) {
        pump();
      } else {
        const std::shared_lock lock(slot.mutex, std::try_to_lock);
        if (lock.owns_lock() && slot.session != nullptr) call(slot.session, what);
      }
    }
  }

 private:
  unsigned below(std::size_t n) { return static_cast<unsigned>(random_() % n); }
  std::size_t length() { return 1 + below(below(4) == 0 ? prompt_.size() : 8); }

  nemo_session* create() {
    nemo_session_options options = NEMO_SESSION_OPTIONS_INIT;
    options.max_tokens = 300;
    options.priority = static_cast<std::int32_t>(below(3));
    options.snapshot_every = below(2) * 50;
    nemo_session* session = nullptr;
    expect(shared_, nemo_session_create(shared_.context, &options, &session, nullptr));
    return session;
  }

  void replace(Slot& slot) {
    nemo_session* made = create();
    const std::unique_lock lock(slot.mutex, std::try_to_lock);
    if (lock.owns_lock()) std::swap(made, slot.session);
    nemo_session_free(made);  // perhaps while its request runs
  }

  void fork_into(Slot& from, Slot& to) {
    nemo_session* made = nullptr;
    {
      const std::shared_lock lock(from.mutex, std::try_to_lock);
      if (!lock.owns_lock() || from.session == nullptr) return;
      expect(shared_, nemo_session_fork(from.session, &made, nullptr));
    }
    if (made == nullptr) return;
    const std::unique_lock lock(to.mutex, std::try_to_lock);
    if (lock.owns_lock()) std::swap(made, to.session);
    nemo_session_free(made);
  }

  void pump() {
    nemo_pump_result result = NEMO_PUMP_RESULT_INIT;
    expect(shared_, nemo_context_pump(shared_.context, 100 + below(2000), &result, nullptr));
  }

  void call(nemo_session* session, unsigned what) {
    if (what < 55) return submit(session);
    if (what < 65) return expect(shared_, nemo_session_cancel(session, 0, nullptr));
    if (what < 80) return take_events(session);
    if (what < 84) return expect(shared_, nemo_session_rewind(session, below(80), nullptr));
    if (what < 87) return expect(shared_, nemo_session_keep(session, nullptr));
    if (what < 91) return eval(session);
    if (what < 94) return generate(session);
    look(session, what);
  }

  void submit(nemo_session* session) {
    nemo_generate_options options = make_options();
    nemo_request request = NEMO_REQUEST_INIT;
    request.prompt = prompt_.data();
    request.n_prompt = length();
    request.options = &options;
    if (below(3) == 0) {
      request.user = &shared_;
      request.on_event = [](const nemo_event* event, void* user) -> std::int32_t {
        auto& shared = *static_cast<Shared*>(user);
        if (event->type == NEMO_EVENT_TEXT) ++shared.n_tokens;
        if (event->type == NEMO_EVENT_ERROR) expect(shared, event->status);
        return event->token % 17 == 3;
      };
    }
    expect(shared_, nemo_session_submit(session, &request, nullptr, nullptr));
  }

  nemo_generate_options make_options() {
    nemo_generate_options options = NEMO_GENERATE_OPTIONS_INIT;
    options.max_tokens = 1 + below(12);
    options.ignore_stop_tokens = 1;
    options.seed = below(1000);
    options.flags = below(2) == 0 ? NEMO_GENERATE_WHOLE_PROMPT : 0;
    return options;
  }

  void take_events(nemo_session* session) {
    for (int i = 0; i < 8; ++i) {
      nemo_event event = NEMO_EVENT_INIT;
      expect(shared_, nemo_session_wait(session, below(3) * 500, &event, nullptr));
      if (event.type == NEMO_EVENT_NONE) return;
      if (event.type == NEMO_EVENT_TEXT) ++shared_.n_tokens;
      if (event.type == NEMO_EVENT_ERROR) expect(shared_, event.status);
    }
  }

  void eval(nemo_session* session) {
    expect(shared_, nemo_session_eval(session, prompt_.data(), length(), logits_.data(),
                                      logits_.size(), nullptr));
  }

  void generate(nemo_session* session) {
    nemo_generate_options options = make_options();
    expect(shared_,
           nemo_session_generate(session, prompt_.data(), length(), &options, nullptr, nullptr));
  }

  void look(nemo_session* session, unsigned what) {
    nemo_session_stats session_stats = NEMO_SESSION_STATS_INIT;
    nemo_context_stats stats = NEMO_CONTEXT_STATS_INIT;
    std::array<std::int32_t, 300> tokens;
    std::size_t n = 0;
    (void)nemo_session_position(session);
    if (what % 2 == 0) {
      expect(shared_, nemo_session_get_stats(session, &session_stats, nullptr));
      expect(shared_, nemo_session_tokens(session, tokens.data(), tokens.size(), &n, nullptr));
    } else {
      expect(shared_, nemo_context_get_stats(shared_.context, &stats, nullptr));
    }
  }

  Shared& shared_;
  std::mt19937 random_;
  std::array<std::int32_t, 150> prompt_{};
  std::array<float, 320> logits_{};
};

nemo_context* load(bool has_worker, std::uint64_t max_bytes) {
  nemo_context_options options = NEMO_CONTEXT_OPTIONS_INIT;
  options.n_threads = 2;
  options.worker = has_worker ? 1 : 0;
  options.max_bytes = max_bytes;
  options.max_running = 48;
  options.max_step_rows = 32;
  nemo_context* context = nullptr;
  REQUIRE(nemo_context_load(NEMO_TEST_SOURCE_DIR "/data/model/hf/tiny_chat", &options, &context,
                            nullptr) == NEMO_OK);
  return context;
}

// Ends the process when nothing has been called for a long time, so that a hang has a core.
void watch(const Shared& shared, const std::atomic<bool>& is_done) {
  std::int64_t before = -1;
  Clock::time_point since = Clock::now();
  while (!is_done) {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    if (shared.n_calls != before) {
      before = shared.n_calls;
      since = Clock::now();
    } else if (Clock::now() - since > kStuck) {
      std::fputs("stress_test: no call has returned for a minute\n", stderr);
      std::abort();
    }
  }
}

void stress(bool has_worker, std::uint64_t max_bytes) {
  auto shared = std::make_unique<Shared>();
  shared->context = load(has_worker, max_bytes);
  std::atomic<bool> is_done{false};
  std::thread watcher([&] { watch(*shared, is_done); });
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < kThreads; ++i)
    threads.emplace_back([&shared, i] { Player(*shared, static_cast<unsigned>(i)).play(); });
  std::this_thread::sleep_for(std::chrono::duration<double>(seconds_per_case()));
  shared->is_over = true;
  for (std::thread& thread : threads) thread.join();
  for (Slot& slot : shared->slots) nemo_session_free(slot.session);
  // What is left of a step that was suspended still holds states.
  if (!has_worker) CHECK(nemo_context_pump(shared->context, 0, nullptr, nullptr) == NEMO_OK);
  is_done = true;
  watcher.join();
  nemo_context_stats stats = NEMO_CONTEXT_STATS_INIT;
  CHECK(nemo_context_get_stats(shared->context, &stats, nullptr) == NEMO_OK);
  CHECK(stats.n_sessions == 0);
  CHECK(stats.n_running == 0);
  CHECK(stats.state_bytes == stats.snapshot_bytes);
  if (max_bytes != 0) CHECK(stats.peak_bytes <= max_bytes);
  nemo_context_free(shared->context);
  CHECK(std::string(nemo_status_string(shared->wrong)) == "NEMO_OK");
  CHECK(shared->n_tokens > 0);
  std::printf("%lld calls, %lld tokens, %llu steps\n", static_cast<long long>(shared->n_calls),
              static_cast<long long>(shared->n_tokens),
              static_cast<unsigned long long>(stats.n_steps));
}

}  // namespace

TEST_CASE("64 threads and 1,000 sessions that pump for each other") {
  stress(/*has_worker=*/false, /*max_bytes=*/0);
}

TEST_CASE("64 threads and 1,000 sessions with a worker, under a byte cap") {
  stress(/*has_worker=*/true, /*max_bytes=*/std::uint64_t{6} << 20);
}
