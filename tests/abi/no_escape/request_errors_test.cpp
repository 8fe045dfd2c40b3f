// What the functions of requests refuse: impossible arguments, wrong moments, calls back, and more
// than the cap allows.
#include <atomic>
#include <functional>
#include <thread>

#include "fixture.h"

using namespace no_escape;

namespace {

using OnEvent = std::function<std::int32_t(const nemo_event&)>;

// Submits with a callback; the function outlives the request.
void submit_with(nemo_session* session, OnEvent& on_event, std::uint32_t max_tokens) {
  const nemo_generate_options options = limit(max_tokens);
  nemo_request request = NEMO_REQUEST_INIT;
  request.prompt = prompt().data();
  request.n_prompt = prompt().size();
  request.options = &options;
  request.user = &on_event;
  request.on_event = [](const nemo_event* event, void* user) {
    return (*static_cast<OnEvent*>(user))(*event);
  };
  REQUIRE(nemo_session_submit(session, &request, nullptr, nullptr) == NEMO_OK);
}

// All that extends or moves a session.
std::vector<nemo_status> try_everything(nemo_session* session, nemo_session* other) {
  const std::int32_t token = 5;
  nemo_session* fork = nullptr;
  nemo_request request = NEMO_REQUEST_INIT;
  request.prompt = &token;
  request.n_prompt = 1;
  std::vector<nemo_status> found = {
      nemo_session_submit(session, &request, nullptr, nullptr),
      nemo_session_eval(session, &token, 1, nullptr, 0, nullptr),
      nemo_session_generate(session, &token, 1, nullptr, nullptr, nullptr),
      nemo_session_reset(session, nullptr),
      nemo_session_rewind(session, 0, nullptr),
      nemo_session_fork(session, &fork, nullptr),
      nemo_session_adopt(session, other, nullptr),
      nemo_session_adopt(other, session, nullptr),
      nemo_session_keep(session, nullptr),
      nemo_session_truncate_reply(session, 0, nullptr),
  };
  CHECK(fork == nullptr);
  return found;
}

}  // namespace

TEST_CASE("NULL where requests and states may not have it") {
  const Silence silence;
  const Context context = load("hf/tiny_chat");
  const Session session = make_session(context);
  nemo_session* fork = nullptr;
  nemo_request request = NEMO_REQUEST_INIT;
  nemo_request no_prompt = NEMO_REQUEST_INIT;
  no_prompt.n_prompt = 3;
  nemo_event event = NEMO_EVENT_INIT;
  nemo_context_stats context_stats = NEMO_CONTEXT_STATS_INIT;
  nemo_session_stats session_stats = NEMO_SESSION_STATS_INIT;
  std::size_t n_operations = 0;
  Failure failure;
  nemo_error* e = failure.out();
  const std::vector<nemo_status> found = {
      nemo_session_submit(nullptr, &request, nullptr, e),
      nemo_session_submit(session.get(), nullptr, nullptr, e),
      nemo_session_submit(session.get(), &request, nullptr, e),  // no tokens
      nemo_session_submit(session.get(), &no_prompt, nullptr, e),
      nemo_session_poll(nullptr, &event, e),
      nemo_session_poll(session.get(), nullptr, e),
      nemo_session_wait(nullptr, 0, &event, e),
      nemo_session_wait(session.get(), 0, nullptr, e),
      nemo_context_pump(nullptr, 0, nullptr, e),
      nemo_context_get_stats(nullptr, &context_stats, e),
      nemo_context_get_stats(context.get(), nullptr, e),
      nemo_context_set_profiling(nullptr, 1, e),
      nemo_context_set_profiling(context.get(), 2, e),
      nemo_context_get_profile(nullptr, nullptr, 0, 0, &n_operations, e),
      nemo_context_get_profile(context.get(), nullptr, 0, 0, nullptr, e),
      nemo_context_get_profile(context.get(), nullptr, 1, sizeof(nemo_operation_stats),
                               &n_operations, e),
      nemo_session_get_stats(nullptr, &session_stats, e),
      nemo_session_get_stats(session.get(), nullptr, e),
      nemo_session_rewind(nullptr, 0, e),
      nemo_session_rewind(session.get(), 1, e),
      nemo_session_rewind(session.get(), UINT64_MAX, e),
      nemo_session_fork(nullptr, &fork, e),
      nemo_session_fork(session.get(), nullptr, e),
      nemo_session_adopt(nullptr, session.get(), e),
      nemo_session_adopt(session.get(), nullptr, e),
      nemo_session_adopt(session.get(), session.get(), e),
      nemo_session_keep(nullptr, e),
  };
  for (std::size_t i = 0; i < found.size(); ++i) {
    INFO("call " << i);
    failure.check(found[i], NEMO_E_INVALID_ARGUMENT);
  }
  CHECK(fork == nullptr);
  CHECK(nemo_session_position(session.get()) == 0);
}

TEST_CASE("structs of requests of another size") {
  const Silence silence;
  const Context context = load("hf/tiny_chat");
  const Session session = make_session(context);
  nemo_request request = NEMO_REQUEST_INIT;
  request.prompt = prompt().data();
  request.n_prompt = prompt().size();
  nemo_event event = NEMO_EVENT_INIT;
  nemo_pump_result pumped = NEMO_PUMP_RESULT_INIT;
  nemo_context_stats context_stats = NEMO_CONTEXT_STATS_INIT;
  nemo_session_stats session_stats = NEMO_SESSION_STATS_INIT;
  request.struct_size = event.struct_size = pumped.struct_size = 8;
  context_stats.struct_size = session_stats.struct_size = 8;
  Failure failure;
  nemo_error* e = failure.out();
  for (const nemo_status status : {nemo_session_submit(session.get(), &request, nullptr, e),
                                   nemo_session_poll(session.get(), &event, e),
                                   nemo_session_wait(session.get(), 100, &event, e),
                                   nemo_context_pump(context.get(), 0, &pumped, e),
                                   nemo_context_get_stats(context.get(), &context_stats, e),
                                   nemo_session_get_stats(session.get(), &session_stats, e)})
    failure.check(status, NEMO_E_STRUCT_SIZE);
  nemo_operation_stats operation = NEMO_OPERATION_STATS_INIT;
  std::size_t n = 0;
  for (const std::size_t stride : {sizeof operation - 8, sizeof operation + 1})
    failure.check(nemo_context_get_profile(context.get(), &operation, 1, stride, &n, e),
                  NEMO_E_STRUCT_SIZE);

  struct LongerRequest {
    nemo_request known = NEMO_REQUEST_INIT;
    std::uint64_t tail = 1;
  } longer;
  longer.known.struct_size = sizeof longer;
  longer.known.prompt = prompt().data();
  longer.known.n_prompt = prompt().size();
  failure.check(nemo_session_submit(session.get(), &longer.known, nullptr, e), NEMO_E_STRUCT_SIZE);
  CHECK(nemo_session_position(session.get()) == 0);
  longer.tail = 0;
  CHECK(nemo_session_submit(session.get(), &longer.known, nullptr, e) == NEMO_OK);
  struct LongerEvent {
    nemo_event known = NEMO_EVENT_INIT;
    std::uint64_t tail = 0x1234;
  } longer_event;
  longer_event.known.struct_size = sizeof longer_event;
  REQUIRE(nemo_session_wait(session.get(), UINT64_MAX, &longer_event.known, e) == NEMO_OK);
  CHECK(longer_event.known.type == NEMO_EVENT_TEXT);
  CHECK(longer_event.tail == 0x1234);
}

TEST_CASE("impossible requests put nothing on a session") {
  const Silence silence;
  const Context context = load("hf/tiny_chat");
  const Session session = make_session(context, 16);
  eval(session.get(), {3, 4});
  Failure failure;
  const auto refused = [&](const Tokens& tokens, nemo_generate_options options,
                           nemo_status expected) {
    std::uint64_t id = 77;
    failure.check(submit(session.get(), options, tokens, &id, failure.out()), expected);
    CHECK(id == 77);
  };
  nemo_generate_options options = limit(3);
  refused({3, kVocab}, options, NEMO_E_INVALID_TOKEN);
  refused({-1}, options, NEMO_E_INVALID_TOKEN);
  refused(Tokens(15, 4), options, NEMO_E_CONTEXT_FULL);
  options.flags = NEMO_GENERATE_WHOLE_PROMPT;
  refused(Tokens(17, 4), options, NEMO_E_CONTEXT_FULL);
  refused({3, 5, kVocab}, options, NEMO_E_INVALID_TOKEN);
  refused({}, options, NEMO_E_INVALID_ARGUMENT);
  options.flags = 1u << 31;
  refused({5}, options, NEMO_E_INVALID_ARGUMENT);
  options = limit(3);
  options.sampling_mode = 9;
  refused({5}, options, NEMO_E_INVALID_ARGUMENT);
  options = limit(3);
  options.n_stop_strings = 2;
  refused({5}, options, NEMO_E_INVALID_ARGUMENT);
  options = limit(3);
  options.flags = NEMO_GENERATE_PARSE_REPLY;
  options.tools_size = 5;
  refused({5}, options, NEMO_E_INVALID_ARGUMENT);
  options.tools = "{ \xff}";
  refused({5}, options, NEMO_E_INVALID_UTF8);
  options.tools = "[{}, ";
  refused({5}, options, NEMO_E_INVALID_JSON);
  options.tools = "[{}] ";
  refused({5}, options, NEMO_E_INVALID_JSON);
  options = limit(3);
  options.struct_size = 8;
  refused({5}, options, NEMO_E_STRUCT_SIZE);
  CHECK(nemo_session_position(session.get()) == 2);
  const Session replay = make_session(context);
  eval(replay.get(), {3, 4});
  CHECK(same_bytes(eval(session.get(), {42}), eval(replay.get(), {42})));
}

TEST_CASE("numbers out of range in the options of contexts and sessions") {
  const Silence silence;
  nemo_context_options options = NEMO_CONTEXT_OPTIONS_INIT;
  options.worker = 2;
  nemo_context* loaded = nullptr;
  Failure failure;
  failure.check(
      nemo_context_load(model_path("hf/tiny_chat").c_str(), &options, &loaded, failure.out()),
      NEMO_E_INVALID_ARGUMENT);
  const Context context = load("hf/tiny_chat");
  nemo_session_options session_options = NEMO_SESSION_OPTIONS_INIT;
  session_options.snapshot_policy = 3;
  nemo_session* session = nullptr;
  failure.check(nemo_session_create(context.get(), &session_options, &session, failure.out()),
                NEMO_E_INVALID_ARGUMENT);
  CHECK(session == nullptr);
}

TEST_CASE("while a request runs its session takes no other") {
  const Silence silence;
  const Context context = load("hf/tiny_chat", 1);
  const Session session = make_session(context);
  const Session other = make_session(context);
  REQUIRE(submit(session.get(), limit(10)) == NEMO_OK);
  const bool is_begun = GENERATE(false, true);
  if (is_begun) REQUIRE(nemo_context_pump(context.get(), 1, nullptr, nullptr) == NEMO_OK);
  CHECK(try_everything(session.get(), other.get()) == std::vector<nemo_status>(10, NEMO_E_STATE));
  nemo_session_stats stats = NEMO_SESSION_STATS_INIT;
  REQUIRE(nemo_session_get_stats(session.get(), &stats, nullptr) == NEMO_OK);
  CHECK(stats.is_running == 1);
  Told told;
  pump_all(context.get(), 0, session.get(), told);
  CHECK(told.tokens.size() == 10);
  REQUIRE(nemo_session_get_stats(session.get(), &stats, nullptr) == NEMO_OK);
  CHECK(stats.is_running == 0);
  CHECK(stats.n_tokens == prompt().size() + 9);
}

TEST_CASE("what pumps is refused in a callback and leaves nothing behind") {
  const Silence silence;
  const Context context = load("hf/tiny_chat", 1);
  const Session session = make_session(context);
  const Session other = make_session(context);
  eval(other.get(), prompt());
  std::vector<nemo_status> found, allowed;
  OnEvent call_back = [&](const nemo_event& event) -> std::int32_t {
    if (event.type != NEMO_EVENT_TEXT || !found.empty()) return 0;
    const std::int32_t token = 5;
    std::vector<float> logits(kVocab);
    nemo_event fetched = NEMO_EVENT_INIT;
    nemo_context_stats context_stats = NEMO_CONTEXT_STATS_INIT;
    nemo_session_stats session_stats = NEMO_SESSION_STATS_INIT;
    std::int32_t tokens[64];
    std::size_t n = 0;
    found = {
        nemo_context_pump(context.get(), 100, nullptr, nullptr),
        nemo_session_wait(session.get(), 1000, &fetched, nullptr),
        nemo_session_eval(other.get(), &token, 1, logits.data(), kVocab, nullptr),
        nemo_session_generate(other.get(), &token, 1, nullptr, nullptr, nullptr),
    };
    allowed = {
        nemo_session_poll(session.get(), &fetched, nullptr),
        nemo_session_tokens(session.get(), tokens, 64, &n, nullptr),
        nemo_session_get_stats(session.get(), &session_stats, nullptr),
        nemo_context_get_stats(context.get(), &context_stats, nullptr),
        nemo_session_cancel(other.get(), 0, nullptr),
    };
    return 0;
  };
  submit_with(session.get(), call_back, 3);
  REQUIRE(nemo_context_pump(context.get(), 0, nullptr, nullptr) == NEMO_OK);
  CHECK(found == std::vector<nemo_status>(4, NEMO_E_REENTRANT));
  CHECK(allowed == std::vector<nemo_status>(5, NEMO_OK));
  CHECK(nemo_session_position(other.get()) == prompt().size());
  const Session replay = make_session(context);
  eval(replay.get(), prompt());
  CHECK(same_bytes(eval(other.get(), {42}), eval(replay.get(), {42})));
}

TEST_CASE("a callback submits, cancels and frees") {
  const Silence silence;
  const Context context = load("hf/tiny_chat", 1);
  const Session session = make_session(context);
  const Session cancelled = make_session(context);
  Session freed = make_session(context);
  REQUIRE(submit(cancelled.get(), limit(50)) == NEMO_OK);
  REQUIRE(submit(freed.get(), limit(50)) == NEMO_OK);
  int n_finished = 0;
  OnEvent again;
  OnEvent first = [&](const nemo_event& event) -> std::int32_t {
    if (event.type == NEMO_EVENT_TEXT) {
      CHECK(nemo_session_cancel(cancelled.get(), 0, nullptr) == NEMO_OK);
      freed.reset();
    }
    if (event.type != NEMO_EVENT_FINISH || ++n_finished == 2) return 0;
    submit_with(session.get(), again, 2);
    return 0;
  };
  again = first;
  submit_with(session.get(), first, 2);
  REQUIRE(nemo_context_pump(context.get(), 0, nullptr, nullptr) == NEMO_OK);
  CHECK(n_finished == 2);
  Told told;
  poll_all(cancelled.get(), told);
  CHECK(told.end.finish_reason == NEMO_FINISH_CANCELLED);
  CHECK(told.tokens.size() < 50);
}

TEST_CASE("a second thread on a session that is waited for") {
  const Silence silence;
  const Context context = load("hf/tiny_chat", 1);
  const Session session = make_session(context);
  const Session other = make_session(context);
  std::atomic<bool> inside{false}, tried{false};
  OnEvent gate = [&](const nemo_event&) -> std::int32_t {
    inside = true;
    while (!tried) std::this_thread::yield();
    return 0;
  };
  submit_with(session.get(), gate, 1);
  nemo_status waited = NEMO_E_INTERNAL;
  std::thread waiting([&] {
    nemo_event event = NEMO_EVENT_INIT;
    waited = nemo_session_wait(session.get(), UINT64_MAX, &event, nullptr);
  });
  while (!inside) std::this_thread::yield();
  nemo_event event = NEMO_EVENT_INIT;
  std::vector<nemo_status> found = try_everything(session.get(), other.get());
  found.push_back(nemo_session_poll(session.get(), &event, nullptr));
  found.push_back(nemo_session_wait(session.get(), 10, &event, nullptr));
  found.push_back(nemo_context_pump(context.get(), 10, nullptr, nullptr));
  tried = true;
  waiting.join();
  CHECK(found == std::vector<nemo_status>(13, NEMO_E_BUSY));
  CHECK(waited == NEMO_OK);
}

TEST_CASE("a context that pumps itself, and one that has nothing to pump") {
  const Silence silence;
  nemo_context_options options = NEMO_CONTEXT_OPTIONS_INIT;
  options.worker = 1;
  Failure failure;
  const Context worker = load_chat(options);
  failure.check(nemo_context_pump(worker.get(), 0, nullptr, failure.out()), NEMO_E_STATE);
  options.worker = 0;
  options.flags = NEMO_LOAD_NO_WEIGHTS;
  const Context without = load_chat(options);
  failure.check(nemo_context_pump(without.get(), 0, nullptr, failure.out()), NEMO_E_STATE);
  nemo_context_stats stats = NEMO_CONTEXT_STATS_INIT;
  stats.n_steps = 7;
  CHECK(nemo_context_get_stats(without.get(), &stats, nullptr) == NEMO_OK);
  CHECK(stats.n_steps == 0);
  const Context idle = load("hf/tiny_chat");
  nemo_pump_result result = NEMO_PUMP_RESULT_INIT;
  CHECK(nemo_context_pump(idle.get(), 0, &result, nullptr) == NEMO_OK);
  CHECK(result.has_more == 0);
}

TEST_CASE("more than the cap allows is refused, and told as an event") {
  const Silence silence;
  nemo_context_stats stats = NEMO_CONTEXT_STATS_INIT;
  REQUIRE(nemo_context_get_stats(load("hf/tiny_chat").get(), &stats, nullptr) == NEMO_OK);
  nemo_context_options options = NEMO_CONTEXT_OPTIONS_INIT;
  Failure failure;
  nemo_context* loaded = nullptr;
  options.max_bytes = stats.used_bytes - 1;
  failure.check(
      nemo_context_load(model_path("hf/tiny_chat").c_str(), &options, &loaded, failure.out()),
      NEMO_E_OVER_BUDGET);
  CHECK(loaded == nullptr);
  options.max_bytes = stats.used_bytes + 64;  // room for no state
  const Context context = load_chat(options);
  const Session session = make_session(context);
  const std::int32_t token = 5;
  failure.check(nemo_session_eval(session.get(), &token, 1, nullptr, 0, failure.out()),
                NEMO_E_OVER_BUDGET);
  REQUIRE(submit(session.get(), limit(5)) == NEMO_OK);
  Told told;
  pump_all(context.get(), 0, session.get(), told);
  CHECK(told.end.type == NEMO_EVENT_ERROR);
  CHECK(told.end.status == NEMO_E_OVER_BUDGET);
  CHECK(!told.sentence.empty());
  CHECK(told.n_ends == 1);
  CHECK(told.tokens.empty());
  CHECK(nemo_session_position(session.get()) == 0);
  REQUIRE(nemo_context_get_stats(context.get(), &stats, nullptr) == NEMO_OK);
  CHECK(stats.peak_bytes <= options.max_bytes);
}
