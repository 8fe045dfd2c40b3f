// A failed eval leaves its session exactly as it was.
#include "fixture.h"

using namespace no_escape;

namespace {

struct BadEval {
  const char* what;
  Tokens tokens;
  std::size_t n_logits;  // of the buffer passed; 0: NULL
  nemo_status expected;
};

const std::vector<BadEval>& bad_evals() {
  static const std::vector<BadEval> list = {
      {"no tokens", {}, 0, NEMO_E_INVALID_ARGUMENT},
      {"a negative id", {5, -1}, kVocab, NEMO_E_INVALID_TOKEN},
      {"the first id past the end", {5, 6, kVocab}, kVocab, NEMO_E_INVALID_TOKEN},
      {"one token too many", Tokens(16, 7), kVocab, NEMO_E_CONTEXT_FULL},
      {"very many tokens", Tokens(100000, 7), 0, NEMO_E_CONTEXT_FULL},
      {"a short logits buffer", {5, 6}, kVocab - 1, NEMO_E_INVALID_ARGUMENT},
      {"a long logits buffer", {5, 6}, 2 * kVocab + 1, NEMO_E_INVALID_ARGUMENT},
      {"logits for three of two", {5, 6}, 3 * kVocab, NEMO_E_INVALID_ARGUMENT},
  };
  return list;
}

constexpr std::uint32_t kMaxTokens = 24;  // prompt() and 15 more

}  // namespace

TEST_CASE("a failed eval changes nothing") {
  const Silence silence;
  const Context context = load("hf/tiny_chat");
  const Session untouched = make_session(context, kMaxTokens);
  eval(untouched.get(), prompt());
  const std::vector<float> expected = eval(untouched.get(), {42, 43});

  for (const BadEval& bad : bad_evals()) {
    INFO(bad.what);
    const Session session = make_session(context, kMaxTokens);
    eval(session.get(), prompt());
    std::vector<float> logits(bad.n_logits, -7.0f);
    Failure failure;
    failure.check(
        nemo_session_eval(session.get(), bad.tokens.data(), bad.tokens.size(),
                          bad.n_logits == 0 ? nullptr : logits.data(), bad.n_logits, failure.out()),
        bad.expected);
    CHECK(logits == std::vector<float>(bad.n_logits, -7.0f));
    CHECK(nemo_session_position(session.get()) == prompt().size());
    CHECK(same_bytes(eval(session.get(), {42, 43}), expected));
  }
}

TEST_CASE("a session can be filled to its last token") {
  const Silence silence;
  const Context context = load("hf/tiny_chat");
  const Session session = make_session(context, kMaxTokens);
  eval(session.get(), Tokens(kMaxTokens, 7));
  CHECK(nemo_session_position(session.get()) == kMaxTokens);
  const std::int32_t token = 7;
  Failure failure;
  failure.check(nemo_session_eval(session.get(), &token, 1, nullptr, 0, failure.out()),
                NEMO_E_CONTEXT_FULL);
  CHECK(nemo_session_reset(session.get(), nullptr) == NEMO_OK);
  CHECK(nemo_session_position(session.get()) == 0);
  const Session fresh = make_session(context);
  CHECK(same_bytes(eval(session.get(), prompt()), eval(fresh.get(), prompt())));
}

TEST_CASE("the tokens of a session and small buffers for them") {
  const Silence silence;
  const Context context = load("hf/tiny_chat");
  const Session session = make_session(context);
  eval(session.get(), prompt());
  std::size_t n = 0;
  CHECK(nemo_session_tokens(session.get(), nullptr, 0, &n, nullptr) == NEMO_E_BUFFER_TOO_SMALL);
  CHECK(n == prompt().size());
  Tokens tokens(n, -7);
  CHECK(nemo_session_tokens(session.get(), tokens.data(), n - 1, &n, nullptr) ==
        NEMO_E_BUFFER_TOO_SMALL);
  CHECK(tokens == Tokens(n, -7));
  CHECK(nemo_session_tokens(session.get(), tokens.data(), n, &n, nullptr) == NEMO_OK);
  CHECK(tokens == prompt());
}

TEST_CASE("a cancel without a running call has no effect") {
  const Silence silence;
  const Context context = load("hf/tiny_chat");
  const Session untouched = make_session(context);
  const Session session = make_session(context);
  CHECK(nemo_session_cancel(session.get(), 0, nullptr) == NEMO_OK);
  CHECK(nemo_session_cancel(session.get(), 0, nullptr) == NEMO_OK);
  CHECK(same_bytes(eval(session.get(), prompt()), eval(untouched.get(), prompt())));
}
