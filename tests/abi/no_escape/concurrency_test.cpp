// Two threads on one session get NEMO_E_BUSY; two sessions on one context, or one cancelled from
// elsewhere, get what they would have got alone.
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <thread>

#include "fixture.h"

using namespace no_escape;

TEST_CASE("a second thread on a session is refused") {
  const Silence silence;
  const Context context = load("hf/tiny_chat");
  const Session session = make_session(context);
  // The callback holds the session's call open until the other thread has tried everything.
  struct Shared {
    std::atomic<bool> inside{false};
    std::atomic<bool> tried{false};
  } shared;
  nemo_generate_options options = NEMO_GENERATE_OPTIONS_INIT;
  options.max_tokens = 2;
  options.ignore_stop_tokens = 1;
  options.user = &shared;
  options.on_event = [](const nemo_generate_event*, void* user) -> std::int32_t {
    Shared& s = *static_cast<Shared*>(user);
    s.inside = true;
    while (!s.tried) std::this_thread::yield();
    return 0;
  };
  nemo_status first = NEMO_E_INTERNAL;
  std::thread worker([&] {
    first = nemo_session_generate(session.get(), prompt().data(), prompt().size(), &options,
                                  nullptr, nullptr);
  });
  while (!shared.inside) std::this_thread::yield();
  const std::int32_t token = 5;
  std::int32_t tokens[64];
  std::size_t n = 0;
  const std::vector<nemo_status> second = {
      nemo_session_eval(session.get(), &token, 1, nullptr, 0, nullptr),
      nemo_session_generate(session.get(), &token, 1, nullptr, nullptr, nullptr),
      nemo_session_reset(session.get(), nullptr),
      nemo_session_tokens(session.get(), tokens, 64, &n, nullptr),
  };
  const std::uint64_t position = nemo_session_position(session.get());
  shared.tried = true;
  worker.join();
  CHECK(second == std::vector<nemo_status>(4, NEMO_E_BUSY));
  CHECK(position == prompt().size());
  CHECK(first == NEMO_OK);
  CHECK(nemo_session_position(session.get()) == prompt().size() + 1);
}

TEST_CASE("sessions of one context on several threads do not disturb each other") {
  const Silence silence;
  const Context context = load("hf/tiny_chat");
  const std::vector<float> expected = eval(make_session(context).get(), prompt());
  constexpr int kThreads = 4;
  std::vector<std::vector<float>> found(kThreads, std::vector<float>(kVocab));
  std::atomic<int> failures{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&, i] {
      nemo_session* session = nullptr;
      failures += nemo_session_create(context.get(), nullptr, &session, nullptr) != NEMO_OK;
      for (const std::int32_t token : prompt()) {
        failures +=
            nemo_session_eval(session, &token, 1, found[i].data(), kVocab, nullptr) != NEMO_OK;
      }
      nemo_session_free(session);
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(failures == 0);
  for (const std::vector<float>& logits : found) CHECK(same_bytes(logits, expected));
}

TEST_CASE("a cancel from another thread ends an eval at a step") {
  const Silence silence;
  const Context context = load("hf/tiny_chat");
  const Session session = make_session(context);
  const Tokens tokens(500, 9);
  std::atomic<bool> done{false};
  std::thread canceller([&] {
    while (!done) nemo_session_cancel(session.get(), 0, nullptr);
  });
  const nemo_status status =
      nemo_session_eval(session.get(), tokens.data(), tokens.size(), nullptr, 0, nullptr);
  done = true;
  canceller.join();
  CHECK((status == NEMO_E_CANCELLED || status == NEMO_OK));
  const std::uint64_t position = nemo_session_position(session.get());
  CHECK(position <= tokens.size());
  // What was committed is a prefix of the prompt, computed as ever.
  const Session replay = make_session(context);
  if (position > 0) eval(replay.get(), Tokens(position, 9));
  CHECK(same_bytes(eval(session.get(), {42}), eval(replay.get(), {42})));
}

TEST_CASE("a blocking call in the callback of another session leaves nothing on its own") {
  const Silence silence;
  const Context context = load("hf/tiny_chat");
  const Session session = make_session(context);
  const Session other = make_session(context);
  struct Shared {
    nemo_session* other;
    std::vector<nemo_status> found;
  } shared{other.get(), {}};
  nemo_generate_options options = NEMO_GENERATE_OPTIONS_INIT;
  options.max_tokens = 1;
  options.ignore_stop_tokens = 1;
  nemo_request request = NEMO_REQUEST_INIT;
  request.prompt = prompt().data();
  request.n_prompt = prompt().size();
  request.options = &options;
  request.user = &shared;
  request.on_event = [](const nemo_event* event, void* user) -> std::int32_t {
    Shared& s = *static_cast<Shared*>(user);
    if (event->type != NEMO_EVENT_TEXT) return 0;
    const std::int32_t token = 5;
    s.found.push_back(nemo_session_eval(s.other, &token, 1, nullptr, 0, nullptr));
    s.found.push_back(nemo_session_generate(s.other, &token, 1, nullptr, nullptr, nullptr));
    return 0;
  };
  REQUIRE(nemo_session_submit(session.get(), &request, nullptr, nullptr) == NEMO_OK);
  REQUIRE(nemo_context_pump(context.get(), 0, nullptr, nullptr) == NEMO_OK);
  CHECK(shared.found == std::vector<nemo_status>(2, NEMO_E_REENTRANT));
  nemo_session_stats stats = NEMO_SESSION_STATS_INIT;
  REQUIRE(nemo_session_get_stats(other.get(), &stats, nullptr) == NEMO_OK);
  CHECK(stats.is_running == 0);
  CHECK(stats.n_tokens == 0);
  CHECK(same_bytes(eval(other.get(), prompt()), eval(make_session(context).get(), prompt())));
}

namespace {

std::atomic<int> n_buffers{0};

nemo_allocator counting_allocator() {
  nemo_allocator allocator = NEMO_ALLOCATOR_INIT;
  allocator.allocate = [](std::size_t size, std::size_t alignment, void*) {
    ++n_buffers;
    return std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
  };
  allocator.release = [](void* memory, std::size_t, std::size_t, void*) {
    --n_buffers;
    std::free(memory);
  };
  return allocator;
}

}  // namespace

TEST_CASE("a callback may drop the last reference to a context") {
  const Silence silence;
  const bool has_worker = GENERATE(false, true);
  const nemo_allocator allocator = counting_allocator();
  nemo_context_options context_options = NEMO_CONTEXT_OPTIONS_INIT;
  context_options.n_threads = 2;
  context_options.worker = has_worker ? 1 : 0;
  context_options.allocator = &allocator;
  nemo_context* context = load_chat(context_options).release();
  REQUIRE(n_buffers > 0);
  nemo_session* session = nullptr;
  REQUIRE(nemo_session_create(context, nullptr, &session, nullptr) == NEMO_OK);
  struct Shared {
    nemo_context* context;
    nemo_session* session;
    std::atomic<bool> may_begin{false};
    bool is_freed = false;
  } shared{context, session};
  const nemo_generate_options options = limit(5);
  nemo_request request = NEMO_REQUEST_INIT;
  request.prompt = prompt().data();
  request.n_prompt = prompt().size();
  request.options = &options;
  request.user = &shared;
  request.on_event = [](const nemo_event*, void* user) -> std::int32_t {
    Shared& s = *static_cast<Shared*>(user);
    while (!s.may_begin) std::this_thread::yield();
    if (!s.is_freed) {
      nemo_session_free(s.session);
      nemo_context_free(s.context);
    }
    s.is_freed = true;
    return 0;
  };
  REQUIRE(nemo_session_submit(session, &request, nullptr, nullptr) == NEMO_OK);
  shared.may_begin = true;
  if (!has_worker) CHECK(nemo_context_pump(context, 0, nullptr, nullptr) == NEMO_OK);
  for (int i = 0; i < 10000 && n_buffers > 0; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  CHECK(n_buffers == 0);
}
