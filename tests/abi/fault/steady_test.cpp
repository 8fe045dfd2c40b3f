// Decoding at steady state allocates nothing: neither by operator new nor large buffers, over 50
// tokens within a KV block of 64.
#include <array>
#include <catch2/catch.hpp>

#include "memory.h"
#include "scenario.h"

using namespace fault;

namespace {

constexpr int kWarmUp = 5;  // tokens behind the prompt
constexpr int kMeasured = 50;

struct Watch {
  int n_tokens = 0;
  Counts news_before, news_after, buffers_before, buffers_after;

  void token() {
    ++n_tokens;
    if (n_tokens == kWarmUp) {
      news_before = new_counts();
      buffers_before = buffer_counts();
    } else if (n_tokens == kWarmUp + kMeasured) {
      news_after = new_counts();
      buffers_after = buffer_counts();
    }
  }
  void check() const {
    CHECK(n_tokens > kWarmUp + kMeasured);
    CHECK(news_before.n_made > 0);
    CHECK(news_after.n_made - news_before.n_made == 0);
    CHECK(buffers_after.n_made - buffers_before.n_made == 0);
  }
};

nemo_generate_options options_for(std::uint32_t mode) {
  nemo_generate_options options = NEMO_GENERATE_OPTIONS_INIT;
  options.max_tokens = kWarmUp + kMeasured + 2;
  options.ignore_stop_tokens = 1;
  options.sampling_mode = mode;
  options.temperature = 1.3f;
  options.top_k = 200;
  options.top_p = 0.99f;
  options.seed = 3;
  return options;
}

struct Fixture {
  nemo_context* context = nullptr;
  nemo_session* session = nullptr;
  std::array<std::int32_t, 66> prompt{};  // into the second block

  explicit Fixture(Use use) {
    Report report;
    context = load(NEMO_TEST_SOURCE_DIR "/data/model/hf/tiny_chat", use, report);
    REQUIRE(context != nullptr);
    REQUIRE(nemo_session_create(context, nullptr, &session, nullptr) == NEMO_OK);
    for (std::size_t i = 0; i < prompt.size(); ++i) prompt[i] = static_cast<std::int32_t>(30 + i);
  }
  ~Fixture() {
    nemo_session_free(session);
    nemo_context_free(context);
  }
};

}  // namespace

TEST_CASE("generate with a callback allocates nothing from token to token") {
  const auto mode =
      GENERATE(std::uint32_t{NEMO_SAMPLING_GREEDY}, std::uint32_t{NEMO_SAMPLING_DEFAULT},
               std::uint32_t{NEMO_SAMPLING_LITERAL});
  const auto use = GENERATE(Use::kPump, Use::kWorker, Use::kMapped);
  Fixture f(use);
  Watch watch;
  nemo_generate_options options = options_for(mode);
  options.on_event = [](const nemo_generate_event*, void* user) -> std::int32_t {
    static_cast<Watch*>(user)->token();
    return 0;
  };
  options.user = &watch;
  REQUIRE(nemo_session_generate(f.session, f.prompt.data(), f.prompt.size(), &options, nullptr,
                                nullptr) == NEMO_OK);
  watch.check();
}

TEST_CASE("pump and poll allocate nothing from token to token") {
  const auto mode =
      GENERATE(std::uint32_t{NEMO_SAMPLING_GREEDY}, std::uint32_t{NEMO_SAMPLING_LITERAL});
  Fixture f(Use::kPump);
  Watch watch;
  const nemo_generate_options options = options_for(mode);
  nemo_request request = NEMO_REQUEST_INIT;
  request.prompt = f.prompt.data();
  request.n_prompt = f.prompt.size();
  request.options = &options;
  REQUIRE(nemo_session_submit(f.session, &request, nullptr, nullptr) == NEMO_OK);
  nemo_event event = NEMO_EVENT_INIT;
  int n_wrong = 0;
  while (event.type != NEMO_EVENT_FINISH && n_wrong == 0) {
    n_wrong += nemo_context_pump(f.context, 100, nullptr, nullptr) != NEMO_OK;
    n_wrong += nemo_session_poll(f.session, &event, nullptr) != NEMO_OK;
    n_wrong += event.type == NEMO_EVENT_ERROR;
    if (event.type == NEMO_EVENT_TEXT && event.token >= 0) watch.token();
  }
  CHECK(n_wrong == 0);
  watch.check();
}
