// Generating with impossible options, callbacks that cancel, and callbacks that call back.
#include <cmath>
#include <functional>

#include "fixture.h"

using namespace no_escape;

namespace {

using OnEvent = std::function<std::int32_t(const nemo_generate_event&)>;

std::int32_t forward_event(const nemo_generate_event* event, void* user) {
  return (*static_cast<OnEvent*>(user))(*event);
}

nemo_generate_options options_with(OnEvent& on_event, std::uint32_t max_tokens) {
  nemo_generate_options options = NEMO_GENERATE_OPTIONS_INIT;
  options.max_tokens = max_tokens;
  options.ignore_stop_tokens = 1;
  options.on_event = forward_event;
  options.user = &on_event;
  return options;
}

nemo_status generate(nemo_session* session, const nemo_generate_options& options,
                     nemo_generate_result* result, nemo_error* error = nullptr) {
  return nemo_session_generate(session, prompt().data(), prompt().size(), &options, result, error);
}

using Change = void (*)(nemo_generate_options&);
constexpr nemo_text kEmptyText = {"", 0};
constexpr nemo_text kNoText = {nullptr, 3};

struct BadOptions {
  const char* what;
  Change change;
  nemo_status expected;
};

const std::vector<BadOptions>& bad_options() {
  static const std::vector<BadOptions> list = {
      {"no such mode", [](auto& o) { o.sampling_mode = 9; }, NEMO_E_INVALID_ARGUMENT},
      {"negative temperature",
       [](auto& o) { o.sampling_mode = NEMO_SAMPLING_LITERAL, o.temperature = -1, o.top_p = 1; },
       NEMO_E_INVALID_ARGUMENT},
      {"temperature that is no number",
       [](auto& o) { o.sampling_mode = NEMO_SAMPLING_LITERAL, o.temperature = NAN, o.top_p = 1; },
       NEMO_E_INVALID_ARGUMENT},
      {"infinite temperature",
       [](auto& o) {
         o.sampling_mode = NEMO_SAMPLING_LITERAL, o.temperature = INFINITY, o.top_p = 1;
       },
       NEMO_E_INVALID_ARGUMENT},
      {"top_p of zero",
       [](auto& o) { o.sampling_mode = NEMO_SAMPLING_LITERAL, o.temperature = 1, o.top_p = 0; },
       NEMO_E_INVALID_ARGUMENT},
      {"top_p above one",
       [](auto& o) { o.sampling_mode = NEMO_SAMPLING_LITERAL, o.temperature = 1, o.top_p = 1.5f; },
       NEMO_E_INVALID_ARGUMENT},
      {"top_p that is no number",
       [](auto& o) { o.sampling_mode = NEMO_SAMPLING_LITERAL, o.temperature = 1, o.top_p = NAN; },
       NEMO_E_INVALID_ARGUMENT},
      {"stop strings without their array", [](auto& o) { o.n_stop_strings = 2; },
       NEMO_E_INVALID_ARGUMENT},
      {"too many stop strings",
       [](auto& o) { o.n_stop_strings = 65, o.stop_strings = &kEmptyText; },
       NEMO_E_INVALID_ARGUMENT},
      {"an empty stop string", [](auto& o) { o.n_stop_strings = 1, o.stop_strings = &kEmptyText; },
       NEMO_E_INVALID_ARGUMENT},
      {"a stop string without its text",
       [](auto& o) { o.n_stop_strings = 1, o.stop_strings = &kNoText; }, NEMO_E_INVALID_ARGUMENT},
      {"a struct that is too small", [](auto& o) { o.struct_size = 16; }, NEMO_E_STRUCT_SIZE},
  };
  return list;
}

}  // namespace

TEST_CASE("impossible options change nothing") {
  const Silence silence;
  const Context context = load("hf/tiny_chat");
  const Session untouched = make_session(context);
  eval(untouched.get(), prompt());
  const std::vector<float> expected = eval(untouched.get(), {42});
  for (const BadOptions& bad : bad_options()) {
    INFO(bad.what);
    const Session session = make_session(context);
    eval(session.get(), prompt());
    int events = 0;
    OnEvent count = [&](const nemo_generate_event&) { return ++events, 0; };
    nemo_generate_options options = options_with(count, 4);
    bad.change(options);
    Failure failure;
    failure.check(generate(session.get(), options, nullptr, failure.out()), bad.expected);
    CHECK(events == 0);
    CHECK(nemo_session_position(session.get()) == prompt().size());
    CHECK(same_bytes(eval(session.get(), {42}), expected));
  }
}

TEST_CASE("impossible prompts and results change nothing") {
  const Silence silence;
  const Context context = load("hf/tiny_chat");
  const Session session = make_session(context, 16);
  const Tokens bad = {3, 4, kVocab};
  const Tokens too_long(17, 4);
  nemo_generate_result result = NEMO_GENERATE_RESULT_INIT;
  Failure failure;
  failure.check(
      nemo_session_generate(session.get(), bad.data(), 3, nullptr, nullptr, failure.out()),
      NEMO_E_INVALID_TOKEN);
  failure.check(
      nemo_session_generate(session.get(), bad.data(), 0, nullptr, nullptr, failure.out()),
      NEMO_E_INVALID_ARGUMENT);
  failure.check(nemo_session_generate(session.get(), too_long.data(), too_long.size(), nullptr,
                                      nullptr, failure.out()),
                NEMO_E_CONTEXT_FULL);
  result.struct_size = 0;
  failure.check(
      nemo_session_generate(session.get(), bad.data(), 2, nullptr, &result, failure.out()),
      NEMO_E_STRUCT_SIZE);
  CHECK(nemo_session_position(session.get()) == 0);
}

TEST_CASE("a callback ends generation, and the session goes on from there") {
  const Silence silence;
  const Context context = load("hf/tiny_chat");
  const int last = GENERATE(1, 2, 7);
  const bool by_cancel = GENERATE(false, true);
  const Session session = make_session(context);
  int events = 0;
  OnEvent stop = [&](const nemo_generate_event& event) -> std::int32_t {
    if (event.token < 0 || ++events < last) return 0;
    return by_cancel ? (nemo_session_cancel(session.get(), 0, nullptr) == NEMO_OK ? 0 : 2) : 1;
  };
  nemo_generate_result result = NEMO_GENERATE_RESULT_INIT;
  REQUIRE(generate(session.get(), options_with(stop, 20), &result) == NEMO_OK);
  CHECK(result.finish_reason == NEMO_FINISH_CANCELLED);
  CHECK(result.n_generated_tokens == static_cast<std::uint64_t>(last));
  CHECK(result.n_prompt_tokens == prompt().size());

  // The sampled tokens but the last one are in the session, and computed as if they had been given.
  std::size_t n = 0;
  nemo_session_tokens(session.get(), nullptr, 0, &n, nullptr);
  Tokens tokens(n);
  REQUIRE(nemo_session_tokens(session.get(), tokens.data(), n, &n, nullptr) == NEMO_OK);
  CHECK(n == prompt().size() + static_cast<std::size_t>(last) - 1);
  const Session replay = make_session(context);
  eval(replay.get(), tokens);
  CHECK(same_bytes(eval(session.get(), {42}), eval(replay.get(), {42})));
}

TEST_CASE("what a callback may call, and what it may not") {
  const Silence silence;
  const Context context = load("hf/tiny_chat");
  const Session session = make_session(context);
  const Session other = make_session(context);
  std::vector<nemo_status> forbidden, allowed;
  OnEvent call_back = [&](const nemo_generate_event&) -> std::int32_t {
    const std::int32_t token = 5;
    std::int32_t tokens[64];
    char text[64];
    std::size_t n = 0;
    nemo_model_info info = NEMO_MODEL_INFO_INIT;
    forbidden = {
        nemo_session_eval(session.get(), &token, 1, nullptr, 0, nullptr),
        nemo_session_generate(session.get(), &token, 1, nullptr, nullptr, nullptr),
        nemo_session_reset(session.get(), nullptr),
    };
    allowed = {
        nemo_session_tokens(session.get(), tokens, 64, &n, nullptr),
        nemo_context_model_info(context.get(), &info, nullptr),
        nemo_detokenize(context.get(), &token, 1, 0, text, sizeof text, &n, nullptr),
    };
    return nemo_session_position(session.get()) >= prompt().size() ? 0 : 3;
  };
  nemo_generate_result result = NEMO_GENERATE_RESULT_INIT;
  REQUIRE(generate(session.get(), options_with(call_back, 3), &result) == NEMO_OK);
  CHECK(forbidden == std::vector<nemo_status>(3, NEMO_E_REENTRANT));
  CHECK(allowed == std::vector<nemo_status>(3, NEMO_OK));
  CHECK(result.finish_reason == NEMO_FINISH_LENGTH);
}

TEST_CASE("generation fills a session and stops") {
  const Silence silence;
  const Context context = load("hf/tiny_chat");
  const std::uint32_t room = 3;
  const Session session = make_session(context, static_cast<std::uint32_t>(prompt().size()) + room);
  OnEvent ignore = [](const nemo_generate_event&) { return 0; };
  nemo_generate_result result = NEMO_GENERATE_RESULT_INIT;
  REQUIRE(generate(session.get(), options_with(ignore, 0), &result) == NEMO_OK);
  CHECK(result.finish_reason == NEMO_FINISH_LENGTH);
  CHECK(nemo_session_position(session.get()) <= prompt().size() + room);
  CHECK(result.n_generated_tokens >= room);
}
