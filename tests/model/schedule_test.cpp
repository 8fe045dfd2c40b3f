// Random schedules of everything a host may do to its sessions: evaluate in pieces, alone or in
// company, fork, rewind, keep, adopt, seek, cancel, under a cap that parks. Whatever happened, the
// logits of a session's tokens are those of a session that ran them alone, to the byte.
#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <map>
#include <random>

#include "golden_case.h"

using namespace nemotron;
using namespace nemotron::test;

namespace {

using Tokens = std::vector<std::int32_t>;

int n_schedules() {
  const char* wanted = std::getenv("NEMO_TEST_SCHEDULES");
  return wanted == nullptr ? 200 : std::atoi(wanted);
}

// What a fresh session computes in one piece on one thread.
class Truth {
 public:
  explicit Truth(const std::string& path) : engine_(load_engine(path, best_kernels(), 1, 512)) {}

  const std::vector<float>& logits(const Tokens& tokens, KvType kv_type) {
    auto& known = known_[{static_cast<int>(kv_type), tokens}];
    if (known.empty()) {
      known.resize(static_cast<std::size_t>(engine_->config().n_vocab));
      REQUIRE(make_session(engine_, kv_type)->eval(tokens, known).is_ok());
    }
    return known;
  }

 private:
  std::shared_ptr<Engine> engine_;
  std::map<std::pair<int, Tokens>, std::vector<float>> known_;
};

// Logits of the last token, for a host that pumps itself.
class LastLogits final : public Request {
 public:
  Logits logits_wanted() const override { return Logits::kLast; }
  Next on_logits(std::int64_t, std::span<const float> row) override {
    logits.assign(row.begin(), row.end());
    return {};
  }
  void on_end(Status s) override {
    status = s;
    is_ended = true;
  }

  std::vector<float> logits;
  Status status;
  bool is_ended = false;
};

class Schedule {
 public:
  Schedule(const std::string& path, Truth& truth, std::uint32_t seed)
      : truth_(truth), random_(seed) {
    EngineOptions options;
    options.max_step_rows = pick({1, 3, 16, 64});
    options.max_running = static_cast<std::size_t>(pick({1, 2, 64}));
    options.snapshot_bytes = pick({0, 1, 64}) * std::uint64_t{100000};
    kv_type_ = pick({0, 1}) == 0 ? KvType::kBF16 : KvType::kF32;
    const auto free = load_engine(path, best_kernels(), pick({1, 2, 4}), options);
    if (pick({0, 1}) == 0) {
      engine_ = free;
    } else {  // room for about three sessions
      options.max_bytes = free->stats().used_bytes + 3 * state_bytes(*free);
      engine_ = load_engine(path, best_kernels(), pick({1, 2}), options);
    }
    for (int i = pick({1, 2, 5}); i > 0; --i) sessions_.push_back(make_session(engine_, kv_type_));
  }

  void run() {
    for (int i = 0; i < 12; ++i) act();
    for (const auto& session : sessions_) check(*session, {1});
  }

 private:
  static std::uint64_t state_bytes(Engine& engine) {
    return LayerState::recurrent_bytes_of(engine.config(), StateType::kF32) +
           300 * LayerState::kv_bytes_per_token(engine.config(), KvType::kF32);
  }

  int pick(std::initializer_list<int> values) {
    return *(values.begin() + static_cast<std::ptrdiff_t>(random_() % values.size()));
  }
  Session& any() { return *sessions_[random_() % sessions_.size()]; }
  // Few distinct tokens, so that histories meet again.
  Tokens some_tokens() {
    Tokens tokens(1 + random_() % static_cast<unsigned>(pick({2, 20, 90})));
    for (auto& token : tokens) token = pick({1, 2, 3});
    return tokens;
  }

  void act() {
    switch (random_() % 7) {
      case 0:
        return check(any(), some_tokens());
      case 1:
        return together();
      case 2: {
        auto fork = any().fork();
        REQUIRE(fork.is_ok());
        if (sessions_.size() < 8) sessions_.push_back(std::move(fork).value());
        return;
      }
      case 3: {
        Session& session = any();
        const auto to =
            static_cast<std::int64_t>(random_() % static_cast<unsigned>(session.position() + 1));
        REQUIRE(session.rewind(to).is_ok());
        REQUIRE(session.position() == to);
        return;
      }
      case 4:
        REQUIRE(any().keep().is_ok());
        return;
      case 5: {
        Session& session = any();
        Tokens whole = any().tokens();
        const Tokens more = some_tokens();
        whole.insert(whole.end(), more.begin(), more.end());
        REQUIRE(engine_->seek(session.sequence(), whole).is_ok());
        REQUIRE(session.position() < static_cast<std::int64_t>(whole.size()));
        return check(session, Tokens(whole.begin() + session.position(), whole.end()));
      }
      default: {
        Session& from = any();
        Session& into = any();
        if (&from != &into) REQUIRE(into.adopt(from).is_ok());
        return;
      }
    }
  }

  // Some sessions in the same steps, pumped slice by slice; some of them are cancelled on the way.
  void together() {
    std::vector<std::pair<Session*, std::shared_ptr<LastLogits>>> running;
    std::vector<Tokens> before;
    for (const auto& session : sessions_) {
      if (random_() % 3 == 0) continue;
      auto request = std::make_shared<LastLogits>();
      before.push_back(session->tokens());
      const Tokens tokens = some_tokens();
      const std::vector<std::int64_t> mark = {session->position() + 1};
      REQUIRE(engine_->submit(session->sequence(), tokens, mark, request).is_ok());
      before.back().insert(before.back().end(), tokens.begin(), tokens.end());
      running.emplace_back(session.get(), request);
    }
    while (engine_->pump(Engine::Clock::now()).value() == Engine::Progress::kMore)
      if (!running.empty() && random_() % 16 == 0)
        running[random_() % running.size()].first->cancel();
    for (std::size_t i = 0; i < running.size(); ++i) {
      const auto& [session, request] = running[i];
      REQUIRE(request->is_ended);
      const Tokens held = session->tokens();
      if (request->status.is_ok()) {
        REQUIRE(held == before[i]);
        REQUIRE(same(request->logits, held));
      } else {
        const bool is_known = request->status.code() == StatusCode::kCancelled ||
                              request->status.code() == StatusCode::kOverBudget;
        INFO(request->status.message());
        REQUIRE(is_known);
        REQUIRE(held.size() <= before[i].size());
        REQUIRE(std::equal(held.begin(), held.end(), before[i].begin()));
      }
    }
  }

  void check(Session& session, const Tokens& tokens) {
    if (session.position() + static_cast<std::int64_t>(tokens.size()) > session.max_tokens())
      return;
    std::vector<float> logits(static_cast<std::size_t>(engine_->config().n_vocab));
    const Tokens before = session.tokens();
    const Status status = session.eval(tokens, logits);
    if (status.code() == StatusCode::kOverBudget) {
      REQUIRE(session.tokens() == before);
      return;
    }
    INFO(status.message());
    REQUIRE(status.is_ok());
    REQUIRE(same(logits, session.tokens()));
  }

  bool same(const std::vector<float>& logits, const Tokens& tokens) {
    const auto& expected = truth_.logits(tokens, kv_type_);
    return std::memcmp(logits.data(), expected.data(), expected.size() * sizeof(float)) == 0;
  }

  Truth& truth_;
  std::mt19937 random_;
  KvType kv_type_;
  std::shared_ptr<Engine> engine_;
  std::vector<std::unique_ptr<Session>> sessions_;
};

}  // namespace

TEST_CASE("no schedule changes a byte") {
  const std::string path = GoldenCase("mixed").model_path;
  Truth truth(path);
  for (int i = 0; i < n_schedules(); ++i) {
    INFO("schedule " << i);
    Schedule(path, truth, static_cast<std::uint32_t>(i)).run();
  }
}
