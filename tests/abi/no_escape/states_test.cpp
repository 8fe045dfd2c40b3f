// Fork, adopt, rewind, keep and whole prompts through the C ABI: the same logits, to the byte, as
// of a session that was told the same tokens one after the other.
#include "fixture.h"

using namespace no_escape;

namespace {

const Tokens kNext = {42, 43, 99};

std::vector<float> logits_of(const Context& context, Tokens tokens) {
  return eval(make_session(context).get(), tokens);
}

Tokens joined(Tokens a, const Tokens& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

nemo_session_stats stats_of(const Session& session) {
  nemo_session_stats stats = NEMO_SESSION_STATS_INIT;
  REQUIRE(nemo_session_get_stats(session.get(), &stats, nullptr) == NEMO_OK);
  return stats;
}

Session fork_of(const Session& session) {
  nemo_session* fork = nullptr;
  REQUIRE(nemo_session_fork(session.get(), &fork, nullptr) == NEMO_OK);
  return Session(fork);
}

Session make_with(const Context& context, nemo_session_options options) {
  nemo_session* session = nullptr;
  REQUIRE(nemo_session_create(context.get(), &options, &session, nullptr) == NEMO_OK);
  return Session(session);
}

}  // namespace

TEST_CASE("a fork goes its own way, and its origin too") {
  const Silence silence;
  const Context context = load("hf/tiny_chat");
  Session session = make_session(context);
  eval(session.get(), prompt());
  const Session fork = fork_of(session);
  CHECK(nemo_session_position(fork.get()) == prompt().size());
  CHECK(same_bytes(eval(fork.get(), kNext), logits_of(context, joined(prompt(), kNext))));
  CHECK(same_bytes(eval(session.get(), {7}), logits_of(context, joined(prompt(), {7}))));
  session.reset();  // before its fork
  CHECK(
      same_bytes(eval(fork.get(), {7}), logits_of(context, joined(joined(prompt(), kNext), {7}))));
}

TEST_CASE("adopting takes all over and leaves nothing") {
  const Silence silence;
  const Context context = load("hf/tiny_chat");
  const Session session = make_session(context);
  eval(session.get(), prompt());
  const Session fork = fork_of(session);
  eval(fork.get(), kNext);
  REQUIRE(nemo_session_adopt(session.get(), fork.get(), nullptr) == NEMO_OK);
  CHECK(nemo_session_position(fork.get()) == 0);
  CHECK(nemo_session_position(session.get()) == prompt().size() + kNext.size());
  CHECK(same_bytes(eval(session.get(), {7}),
                   logits_of(context, joined(joined(prompt(), kNext), {7}))));
  CHECK(same_bytes(eval(fork.get(), prompt()), logits_of(context, prompt())));
}

TEST_CASE("adopting what does not fit changes neither") {
  const Silence silence;
  const Context context = load("hf/tiny_chat");
  const Context elsewhere = load("hf/tiny_chat");
  const Session session = make_session(context, 4);
  const Session long_one = make_session(context);
  const Session foreign = make_session(elsewhere);
  nemo_session_options options = NEMO_SESSION_OPTIONS_INIT;
  options.kv_type = NEMO_KV_F32;
  const Session other_type = make_with(context, options);
  for (const Session* from : {&long_one, &foreign, &other_type}) eval(from->get(), prompt());
  Failure failure;
  failure.check(nemo_session_adopt(session.get(), long_one.get(), failure.out()),
                NEMO_E_CONTEXT_FULL);
  failure.check(nemo_session_adopt(session.get(), foreign.get(), failure.out()),
                NEMO_E_INVALID_ARGUMENT);
  failure.check(nemo_session_adopt(session.get(), other_type.get(), failure.out()),
                NEMO_E_INVALID_ARGUMENT);
  CHECK(nemo_session_position(session.get()) == 0);
  for (const Session* from : {&long_one, &foreign, &other_type})
    CHECK(nemo_session_position(from->get()) == prompt().size());
}

TEST_CASE("a rewound session is one that never went further") {
  const Silence silence;
  const Context context = load("hf/tiny_chat");
  const bool is_kept = GENERATE(false, true);
  const Session session = make_session(context);
  const Tokens begin(prompt().begin(), prompt().begin() + 4);
  const Tokens rest(prompt().begin() + 4, prompt().end());
  eval(session.get(), begin);
  if (is_kept) REQUIRE(nemo_session_keep(session.get(), nullptr) == NEMO_OK);
  eval(session.get(), rest);
  REQUIRE(nemo_session_rewind(session.get(), 4, nullptr) == NEMO_OK);
  const nemo_session_stats stats = stats_of(session);
  CHECK(stats.n_tokens == 4);
  CHECK(stats.n_computed_tokens == (is_kept ? 4 : 0));
  CHECK(same_bytes(eval(session.get(), kNext), logits_of(context, joined(begin, kNext))));
  REQUIRE(nemo_session_rewind(session.get(), 0, nullptr) == NEMO_OK);
  CHECK(same_bytes(eval(session.get(), prompt()), logits_of(context, prompt())));
}

TEST_CASE("a whole prompt is computed only where it is new") {
  const Silence silence;
  const Context context = load("hf/tiny_chat");
  const Session session = make_session(context);
  nemo_generate_options options = limit(1);
  options.flags = NEMO_GENERATE_WHOLE_PROMPT;
  const auto run = [&](const Session& on, const Tokens& tokens) {
    Told told;
    REQUIRE(submit(on.get(), options, tokens) == NEMO_OK);
    pump_all(context.get(), 0, on.get(), told);
    CHECK(told.end.finish_reason == NEMO_FINISH_LENGTH);
    CHECK(told.end.n_prompt_tokens + told.end.n_reused_tokens == tokens.size());
    CHECK(told.tokens == generate_alone(NEMO_CONTEXT_OPTIONS_INIT, limit(1), tokens).tokens);
    return told.end.n_reused_tokens;
  };
  CHECK(run(session, prompt()) == 0);
  const Tokens longer = joined(prompt(), kNext);
  CHECK(run(session, longer) == prompt().size());
  REQUIRE(nemo_session_keep(session.get(), nullptr) == NEMO_OK);
  CHECK(run(session, joined(longer, {7, 8})) == longer.size());
  CHECK(run(session, joined(longer, {9})) == longer.size());  // an edited end, from the cache
  CHECK(run(make_session(context), joined(longer, {11})) == longer.size());  // another session
  CHECK(run(session, kNext) == 0);                                           // another conversation
  CHECK(nemo_session_position(session.get()) == kNext.size());
  nemo_context_stats stats = NEMO_CONTEXT_STATS_INIT;
  REQUIRE(nemo_context_get_stats(context.get(), &stats, nullptr) == NEMO_OK);
  CHECK(stats.n_cache_hits >= 2);
  CHECK(stats.n_cache_misses >= 1);
  CHECK(stats.n_reused_tokens >= 2 * longer.size());
  CHECK(stats.n_snapshots >= 1);
  CHECK(stats.snapshot_bytes > 0);
  CHECK(stats.snapshot_bytes <= stats.state_bytes);
  CHECK(stats.used_bytes <= stats.peak_bytes);
  CHECK(stats.n_running == 0);
}

TEST_CASE("without a prefix cache nothing is kept") {
  const Silence silence;
  nemo_context_options options = NEMO_CONTEXT_OPTIONS_INIT;
  options.snapshot_bytes = NEMO_NO_SNAPSHOTS;
  const Context context = load_chat(options);
  const Session session = make_session(context);
  eval(session.get(), prompt());
  CHECK(nemo_session_keep(session.get(), nullptr) == NEMO_OK);
  nemo_context_stats stats = NEMO_CONTEXT_STATS_INIT;
  REQUIRE(nemo_context_get_stats(context.get(), &stats, nullptr) == NEMO_OK);
  CHECK(stats.n_snapshots == 0);
  CHECK(stats.snapshot_bytes == 0);
  CHECK(stats.n_sessions == 1);
}

TEST_CASE("snapshots at the turns that the policy names, and every so many tokens") {
  const Silence silence;
  const std::int32_t turn = 10;  // <|im_start|>
  Tokens tokens;
  for (int i = 0; i < 6; ++i)
    for (const std::int32_t token : {turn, 40 + i, 50, 60, 70}) tokens.push_back(token);
  const auto snapshots = [&](std::uint32_t policy, std::uint32_t every) {
    const Context context = load("hf/tiny_chat");
    nemo_session_options options = NEMO_SESSION_OPTIONS_INIT;
    options.snapshot_policy = policy;
    options.snapshot_every = every;
    eval(make_with(context, options).get(), tokens);
    nemo_context_stats stats = NEMO_CONTEXT_STATS_INIT;
    REQUIRE(nemo_context_get_stats(context.get(), &stats, nullptr) == NEMO_OK);
    return stats.n_snapshots;
  };
  CHECK(snapshots(NEMO_SNAPSHOT_NONE, 0) == 0);
  CHECK(snapshots(NEMO_SNAPSHOT_NONE, 10) == 3);
  CHECK(snapshots(NEMO_SNAPSHOT_ALL_TURNS, 0) == 5);
  CHECK(snapshots(NEMO_SNAPSHOT_TURNS, 0) == 3);
}

TEST_CASE("a reply is cut to what was heard, and goes on as if no more had been said") {
  const Silence silence;
  const Context context = load("hf/tiny_chat");
  const Session session = make_session(context);
  REQUIRE(submit(session.get(), limit(20)) == NEMO_OK);
  Failure failure;
  failure.check(nemo_session_truncate_reply(session.get(), 1, failure.out()), NEMO_E_STATE);
  Told told;
  pump_all(context.get(), 0, session.get(), told);
  const std::uint64_t whole = nemo_session_position(session.get());
  REQUIRE(nemo_session_truncate_reply(session.get(), UINT64_MAX, nullptr) == NEMO_OK);
  REQUIRE(nemo_session_truncate_reply(session.get(), told.text.size(), nullptr) == NEMO_OK);
  CHECK(nemo_session_position(session.get()) == whole);
  const Session fork = fork_of(session);  // can be cut, too
  std::uint64_t last = whole;
  for (const std::size_t heard : {told.text.size() / 2, std::size_t{3}, std::size_t{0}}) {
    REQUIRE(nemo_session_truncate_reply(session.get(), heard, nullptr) == NEMO_OK);
    const std::uint64_t position = nemo_session_position(session.get());
    CHECK(position < last);
    last = position;
    REQUIRE(position >= prompt().size());
    // What is left says no more than was heard.
    const std::size_t n = position - prompt().size();
    std::string text(4096, ' ');
    std::size_t size = 0;
    REQUIRE(nemo_detokenize(context.get(), told.tokens.data(), n, 0, text.data(), text.size(),
                            &size, nullptr) == NEMO_OK);
    CHECK(size <= heard);
    Tokens held(prompt());
    held.insert(held.end(), told.tokens.begin(), told.tokens.begin() + static_cast<long>(n));
    const Session copy = fork_of(session);
    CHECK(same_bytes(eval(copy.get(), {42}), logits_of(context, joined(held, {42}))));
  }
  REQUIRE(nemo_session_truncate_reply(fork.get(), 0, nullptr) == NEMO_OK);
  CHECK(nemo_session_position(fork.get()) == last);
}

TEST_CASE("without a reply at its end a session has nothing to cut") {
  const Silence silence;
  const Context context = load("hf/tiny_chat");
  const Session session = make_session(context);
  Failure failure;
  const auto refused = [&] {
    const std::uint64_t position = nemo_session_position(session.get());
    failure.check(nemo_session_truncate_reply(session.get(), 1, failure.out()), NEMO_E_STATE);
    CHECK(nemo_session_position(session.get()) == position);
  };
  failure.check(nemo_session_truncate_reply(nullptr, 1, failure.out()), NEMO_E_INVALID_ARGUMENT);
  refused();
  eval(session.get(), prompt());
  refused();
  const auto reply = [&] {
    Told told;
    REQUIRE(submit(session.get(), limit(5)) == NEMO_OK);
    pump_all(context.get(), 0, session.get(), told);
  };
  reply();
  eval(session.get(), {42});
  refused();
  reply();
  REQUIRE(nemo_session_rewind(session.get(), 3, nullptr) == NEMO_OK);
  refused();
  reply();
  REQUIRE(nemo_session_reset(session.get(), nullptr) == NEMO_OK);
  refused();
  // Adopting a fork brings its reply; the one that it came from has none then.
  reply();
  const Session fork = fork_of(session);
  REQUIRE(nemo_session_adopt(session.get(), fork.get(), nullptr) == NEMO_OK);
  CHECK(nemo_session_truncate_reply(fork.get(), 0, nullptr) == NEMO_E_STATE);
  CHECK(nemo_session_truncate_reply(session.get(), 0, nullptr) == NEMO_OK);
}
