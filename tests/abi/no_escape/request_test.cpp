// Request, pump, events through the C ABI: every way of pumping tells the same, once, and ends.
#include <atomic>
#include <chrono>
#include <thread>

#include "fixture.h"

using namespace no_escape;

namespace {

std::int32_t take_event(const nemo_event* event, void* user) {
  static_cast<Told*>(user)->take(*event);
  return 0;
}

void check_same(const Told& told, const Told& expected) {
  CHECK(told.n_ends == 1);
  CHECK(told.n_after_end == 0);
  CHECK(told.text == expected.text);
  CHECK(told.tokens == expected.tokens);
  CHECK(told.end.type == NEMO_EVENT_FINISH);
  CHECK(told.end.status == NEMO_OK);
  CHECK(told.end.finish_reason == expected.end.finish_reason);
  CHECK(told.end.n_prompt_tokens == expected.end.n_prompt_tokens);
  CHECK(told.end.n_generated_tokens == expected.end.n_generated_tokens);
}

nemo_context_options with_worker(std::uint32_t worker) {
  nemo_context_options options = NEMO_CONTEXT_OPTIONS_INIT;
  options.n_threads = 1;
  options.worker = worker;
  return options;
}

}  // namespace

TEST_CASE("a pump with any budget delivers what generate does") {
  const Silence silence;
  const Told expected = generate_alone(with_worker(0), limit(30));
  REQUIRE(expected.tokens.size() == 30);
  REQUIRE(!expected.text.empty());
  const std::uint64_t max_us = GENERATE(1u, 50u, 2000u, 0u);
  const Context context = load_chat(with_worker(0));
  const Session session = make_session(context);
  std::uint64_t id = 0;
  REQUIRE(submit(session.get(), limit(30), prompt(), &id) == NEMO_OK);
  CHECK(id == 1);
  Told told;
  pump_all(context.get(), max_us, session.get(), told);
  check_same(told, expected);
  CHECK(told.end.request_id == id);
  CHECK(nemo_session_position(session.get()) == prompt().size() + 29);
  REQUIRE(submit(session.get(), limit(1), {told.tokens.back()}, &id) == NEMO_OK);
  CHECK(id == 2);
}

TEST_CASE("a callback receives what is fetched otherwise") {
  const Silence silence;
  const Told expected = generate_alone(with_worker(0), limit(20));
  const Context context = load_chat(with_worker(0));
  const Session session = make_session(context);
  const nemo_generate_options options = limit(20);
  Told told;
  nemo_request request = NEMO_REQUEST_INIT;
  request.prompt = prompt().data();
  request.n_prompt = prompt().size();
  request.options = &options;
  request.on_event = take_event;
  request.user = &told;
  REQUIRE(nemo_session_submit(session.get(), &request, nullptr, nullptr) == NEMO_OK);
  REQUIRE(nemo_context_pump(context.get(), 0, nullptr, nullptr) == NEMO_OK);
  check_same(told, expected);
  nemo_event event = NEMO_EVENT_INIT;
  REQUIRE(nemo_session_poll(session.get(), &event, nullptr) == NEMO_OK);
  CHECK(event.type == NEMO_EVENT_NONE);
}

TEST_CASE("waiting pumps, or waits for the worker that does") {
  const Silence silence;
  const std::uint32_t worker = GENERATE(0u, 1u);
  const Told expected = generate_alone(with_worker(0), limit(20));
  const Context context = load_chat(with_worker(worker));
  const Session session = make_session(context);
  REQUIRE(submit(session.get(), limit(20)) == NEMO_OK);
  Told told;
  for (nemo_event event = NEMO_EVENT_INIT;;) {
    REQUIRE(nemo_session_wait(session.get(), UINT64_MAX, &event, nullptr) == NEMO_OK);
    if (event.type == NEMO_EVENT_NONE) break;  // no request runs: the end was told
    told.take(event);
  }
  check_same(told, expected);
}

TEST_CASE("with a worker a host only polls") {
  const Silence silence;
  const Told expected = generate_alone(with_worker(0), limit(20));
  const Context context = load_chat(with_worker(1));
  std::vector<Session> sessions;
  for (int i = 0; i < 5; ++i) {
    sessions.push_back(make_session(context));
    REQUIRE(submit(sessions.back().get(), limit(20)) == NEMO_OK);
  }
  for (const Session& session : sessions) {
    Told told;
    while (told.n_ends == 0) {
      poll_all(session.get(), told);
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    poll_all(session.get(), told);
    check_same(told, expected);
  }
  // The blocking forms work beside it, with the same bytes.
  const Context alone = load_chat(with_worker(0));
  CHECK(same_bytes(eval(make_session(context).get(), prompt()),
                   eval(make_session(alone).get(), prompt())));
}

TEST_CASE("each request ends once, however it ends") {
  const Silence silence;
  const Context context = load_chat(with_worker(0));
  const Session session = make_session(context, 64);
  const std::string whole = generate_alone(with_worker(0), limit(20)).text;
  const std::string stop = whole.substr(whole.size() / 2, 2);
  const nemo_text stop_text = {stop.data(), stop.size()};
  enum Way { kLength, kFull, kStop, kCancelNow, kCancelLater };
  const Way way = GENERATE(kLength, kFull, kStop, kCancelNow, kCancelLater);
  nemo_generate_options options = limit(way == kFull ? 0 : 20);
  if (way == kStop) options.n_stop_strings = 1, options.stop_strings = &stop_text;
  REQUIRE(submit(session.get(), options) == NEMO_OK);
  Told told;
  if (way == kCancelLater) REQUIRE(nemo_context_pump(context.get(), 300, nullptr, nullptr) == 0);
  if (way == kCancelNow || way == kCancelLater)
    for (int i = 0; i < 3; ++i) REQUIRE(nemo_session_cancel(session.get(), 0, nullptr) == NEMO_OK);
  pump_all(context.get(), 0, session.get(), told);
  CHECK(nemo_session_cancel(session.get(), 0, nullptr) == NEMO_OK);  // of nothing
  pump_all(context.get(), 0, session.get(), told);
  CHECK(told.n_ends == 1);
  CHECK(told.n_after_end == 0);
  CHECK(told.end.type == NEMO_EVENT_FINISH);
  const bool is_cancel = way == kCancelNow || way == kCancelLater;
  if (way == kStop) CHECK(told.text == whole.substr(0, whole.find(stop)));
  if (way == kCancelNow) CHECK(told.tokens.empty());
  if (!is_cancel || told.end.finish_reason != NEMO_FINISH_LENGTH)
    CHECK(told.end.finish_reason == (way == kStop ? std::uint32_t{NEMO_FINISH_STOP}
                                     : is_cancel  ? std::uint32_t{NEMO_FINISH_CANCELLED}
                                                  : std::uint32_t{NEMO_FINISH_LENGTH}));
  // The session goes on from where it stands as one that was told the same tokens.
  if (way == kFull) return;
  std::size_t n = 0;
  (void)nemo_session_tokens(session.get(), nullptr, 0, &n, nullptr);
  Tokens held(n);
  REQUIRE(nemo_session_tokens(session.get(), held.data(), n, &n, nullptr) == NEMO_OK);
  const Session replay = make_session(context);
  if (!held.empty()) eval(replay.get(), held);
  CHECK(same_bytes(eval(session.get(), {42}), eval(replay.get(), {42})));
}

TEST_CASE("a callback ends its request, and is not called again but for the end") {
  const Silence silence;
  const Context context = load_chat(with_worker(GENERATE(0u, 1u)));
  const Session session = make_session(context);
  struct State {
    Told told;
    std::atomic<int> n_ends{0};
  } state;
  const nemo_generate_options options = limit(20);
  nemo_request request = NEMO_REQUEST_INIT;
  request.prompt = prompt().data();
  request.n_prompt = prompt().size();
  request.options = &options;
  request.user = &state;
  request.on_event = [](const nemo_event* event, void* user) -> std::int32_t {
    State& s = *static_cast<State*>(user);
    s.told.take(*event);
    if (event->type == NEMO_EVENT_FINISH) ++s.n_ends;
    return s.told.tokens.size() == 3;
  };
  REQUIRE(nemo_session_submit(session.get(), &request, nullptr, nullptr) == NEMO_OK);
  nemo_event event = NEMO_EVENT_INIT;
  REQUIRE(nemo_session_wait(session.get(), UINT64_MAX, &event, nullptr) == NEMO_OK);
  while (state.n_ends == 0) std::this_thread::yield();
  CHECK(event.type == NEMO_EVENT_NONE);
  CHECK(state.told.tokens.size() == 3);
  CHECK(state.told.end.finish_reason == NEMO_FINISH_CANCELLED);
  CHECK(state.told.end.n_generated_tokens == 3);
  CHECK(state.told.n_after_end == 0);
}

TEST_CASE("a cancel of another request's number has no effect") {
  const Silence silence;
  const Context context = load_chat(with_worker(0));
  const Session session = make_session(context);
  Told first, second;
  std::uint64_t id = 0;
  REQUIRE(submit(session.get(), limit(5), prompt(), &id) == NEMO_OK);
  for (const std::uint64_t other : {id + 1, id + 100, UINT64_MAX})
    CHECK(nemo_session_cancel(session.get(), other, nullptr) == NEMO_OK);
  pump_all(context.get(), 0, session.get(), first);
  CHECK(first.end.finish_reason == NEMO_FINISH_LENGTH);
  const std::uint64_t old = id;
  REQUIRE(submit(session.get(), limit(5), prompt(), &id) == NEMO_OK);
  CHECK(nemo_session_cancel(session.get(), old, nullptr) == NEMO_OK);  // is over
  REQUIRE(nemo_context_pump(context.get(), 1, nullptr, nullptr) == NEMO_OK);
  CHECK(nemo_session_cancel(session.get(), id, nullptr) == NEMO_OK);
  pump_all(context.get(), 0, session.get(), second);
  CHECK(second.end.finish_reason == NEMO_FINISH_CANCELLED);
}

TEST_CASE("a wait ends when its time is over") {
  const Silence silence;
  const Context context = load_chat(with_worker(0));
  const Session session = make_session(context);
  nemo_event event = NEMO_EVENT_INIT;
  for (const std::uint64_t us : {std::uint64_t{0}, std::uint64_t{1000}, UINT64_MAX}) {
    REQUIRE(nemo_session_wait(session.get(), us, &event, nullptr) == NEMO_OK);  // nothing runs
    CHECK(event.type == NEMO_EVENT_NONE);
  }
  // Another session's callback keeps the pumping thread for as long as this one waits in vain.
  const Session slow = make_session(context);
  struct Gate {
    std::atomic<bool> inside{false}, open{false};
  } gate;
  const nemo_generate_options options = limit(2);
  nemo_request request = NEMO_REQUEST_INIT;
  request.prompt = prompt().data();
  request.n_prompt = prompt().size();
  request.options = &options;
  request.user = &gate;
  request.on_event = [](const nemo_event*, void* user) -> std::int32_t {
    Gate& g = *static_cast<Gate*>(user);
    g.inside = true;
    while (!g.open) std::this_thread::yield();
    return 0;
  };
  REQUIRE(nemo_session_submit(slow.get(), &request, nullptr, nullptr) == NEMO_OK);
  std::thread pumping([&] { nemo_context_pump(context.get(), 0, nullptr, nullptr); });
  while (!gate.inside) std::this_thread::yield();
  REQUIRE(submit(session.get(), limit(2)) == NEMO_OK);
  const auto start = std::chrono::steady_clock::now();
  REQUIRE(nemo_session_wait(session.get(), 3000, &event, nullptr) == NEMO_OK);
  CHECK(std::chrono::steady_clock::now() - start >= std::chrono::milliseconds(3));
  CHECK(event.type == NEMO_EVENT_NONE);
  CHECK(nemo_context_pump(context.get(), 0, nullptr, nullptr) == NEMO_E_BUSY);
  gate.open = true;
  pumping.join();
  Told told;
  pump_all(context.get(), 0, session.get(), told);
  CHECK(told.end.finish_reason == NEMO_FINISH_LENGTH);
}

TEST_CASE("a parsed reply has all that the whole one has, but for tags") {
  const Silence silence;
  const Context context = load_chat(with_worker(0));
  Tokens tokens = {10, 60, 70, 12};  // <|im_start|> ... <think>
  nemo_generate_options options = limit(60);
  options.seed = 3;
  const Told whole = generate_alone(with_worker(0), options, tokens);
  options.flags = NEMO_GENERATE_PARSE_REPLY;
  const Session session = make_session(context);
  Told parsed;
  REQUIRE(submit(session.get(), options, tokens) == NEMO_OK);
  pump_all(context.get(), 500, session.get(), parsed);
  CHECK(parsed.tokens == whole.tokens);
  CHECK(parsed.n_ends == 1);
  // It begins in the thoughts that the prompt opened.
  const std::size_t n = std::min<std::size_t>(4, parsed.reasoning.size());
  CHECK(n > 0);
  CHECK(whole.text.find(parsed.reasoning.substr(0, n)) <= 1);
  for (const char* tag : {"<think>", "</think>", "<tool_call>", "</tool_call>"}) {
    CHECK(parsed.text.find(tag) == std::string::npos);
    CHECK(parsed.reasoning.find(tag) == std::string::npos);
  }
  // The blocking form tells the same.
  Told blocking;
  options.user = &blocking;
  options.on_event = [](const nemo_generate_event* event, void* user) -> std::int32_t {
    Told& out = *static_cast<Told*>(user);
    const std::string piece(event->text, event->text_size);
    if (event->type == NEMO_EVENT_TEXT) out.text += piece;
    if (event->type == NEMO_EVENT_REASONING) out.reasoning += piece;
    if (event->type == NEMO_EVENT_TOOL_CALL)
      out.calls.push_back(std::string(event->name, event->name_size) + piece);
    return 0;
  };
  const Session other = make_session(context);
  REQUIRE(nemo_session_generate(other.get(), tokens.data(), tokens.size(), &options, nullptr,
                                nullptr) == NEMO_OK);
  CHECK(blocking.text == parsed.text);
  CHECK(blocking.reasoning == parsed.reasoning);
  CHECK(blocking.calls == parsed.calls);
}
