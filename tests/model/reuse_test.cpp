// What a chat computes again: as little as its recurrent state allows. The template rewrites
// history (thoughts are cut), so that each prompt differs from what the session holds; the states
// kept before the last turns are what makes it cheap.
#include "chat/chat_format.h"
#include "chat/nemotron3_format.h"
#include "golden_case.h"
#include "session/generate.h"
#include "src/chat/json_messages.h"

using namespace nemotron;
using namespace nemotron::test;
using nlohmann::ordered_json;

namespace {

const std::string kDemoModel = NEMO_SOURCE_DIR "/examples/demo-model";

// Tokens that open or close a turn and the reply, at most, in the demo vocabulary:
// "<|im_start|>assistant\n<think>\n" and the like.
constexpr std::int64_t kFrame = 20;

struct Chat {
  Chat() : engine(load_engine(kDemoModel + "/demo-q8_0.gguf", best_kernels(), 2)) {
    auto file = open_model(kDemoModel);
    tokenizer.emplace(Tokenizer::from_json(file->tokenizer().tokenizer_json,
                                           file->tokenizer().tokenizer_config_json)
                          .value());
    tokenizer->add_stop_ids(file->config().eos_ids);
  }

  std::unique_ptr<Session> session() {
    Session::Options options;
    options.max_tokens = engine->config().max_context;
    options.turn_starts = turn_start_ids(ChatFormat::nemotron3, *tokenizer);
    REQUIRE(options.turn_starts.size() == 1);
    return Session::create(engine, options).value();
  }

  std::vector<std::int32_t> prompt(const ordered_json& messages) const {
    const JsonMessages read(messages);
    const auto rendered = render_nemotron3(read.views(), {});
    REQUIRE(rendered.is_ok());
    std::vector<std::int32_t> ids;
    REQUIRE(tokenizer->encode(rendered->text, rendered->special_ranges, ids).is_ok());
    return ids;
  }

  std::int64_t n_tokens(const std::string& text) const {
    std::vector<std::int32_t> ids;
    REQUIRE(tokenizer->encode(text, false, ids).is_ok());
    return static_cast<std::int64_t>(ids.size());
  }

  struct Turn {
    std::string text;
    std::vector<std::int32_t> tokens;
    GenerateResult result;
  };

  Turn reply(Session& session, const ordered_json& messages) {
    const auto ids = prompt(messages);
    Turn turn;
    GenerateRequest request;
    request.prompt = ids;
    request.is_whole = true;
    request.params.max_tokens = 100;
    request.params.sampling.mode = SamplingMode::kGreedy;
    request.sink = [&](const Event& event) {
      if (event.token >= 0) turn.tokens.push_back(event.token);
      turn.text += event.text;
      return true;
    };
    auto result = generate(session, *tokenizer, request);
    INFO(result.status().message());
    REQUIRE(result.is_ok());
    turn.result = result.value();
    CHECK(turn.result.n_prompt_tokens + turn.result.n_reused_tokens ==
          static_cast<std::int64_t>(ids.size()));
    return turn;
  }

  // The reply of an engine that never saw anything else.
  Turn fresh_reply(const ordered_json& messages) {
    Chat other;
    return other.reply(*other.session(), messages);
  }

  std::shared_ptr<Engine> engine;
  std::optional<Tokenizer> tokenizer;
};

ordered_json message(const char* role, const std::string& content) {
  return {{"role", role}, {"content", content}};
}

const std::string kSystem = "You control a home. Be brief. The rooms are kitchen, bath and hall.";

}  // namespace

TEST_CASE("ten turns with thoughts: a turn computes the last answer and the new message") {
  Chat chat;
  const auto session = chat.session();
  ordered_json messages = {message("system", kSystem)};
  std::string answer;
  for (int i = 0; i < 10; ++i) {
    const std::string question = "Turn on the light in the kitchen, number " + std::to_string(i);
    messages.push_back(message("user", question));
    const auto turn = chat.reply(*session, messages);
    const std::int64_t n_new = chat.n_tokens(answer) + chat.n_tokens(question) + 2 * kFrame;
    INFO("turn " << i << ": " << turn.result.n_prompt_tokens << " computed, "
                 << turn.result.n_reused_tokens << " not");
    if (i > 0) CHECK(turn.result.n_prompt_tokens <= n_new);
    const auto fresh = chat.fresh_reply(messages);
    CHECK(turn.tokens == fresh.tokens);
    CHECK(fresh.result.n_reused_tokens == 0);
    const std::size_t thought = turn.text.find("</think>");
    answer = thought == std::string::npos ? turn.text : turn.text.substr(thought);
    messages.push_back(message("assistant", turn.text));
  }
}

TEST_CASE("what is asked again, edited or begun anew is computed from where it differs") {
  Chat chat;
  const auto session = chat.session();
  const std::string question = "Is the window in the bath open?";
  ordered_json messages = {message("system", kSystem), message("user", "Turn off the hall light")};
  const auto first = chat.reply(*session, messages);
  messages.push_back(message("assistant", first.text));
  messages.push_back(message("user", question));
  chat.reply(*session, messages);

  SECTION("the same again") {
    const auto again = chat.reply(*session, messages);
    CHECK(again.result.n_prompt_tokens <= kFrame);
    CHECK(again.tokens == chat.fresh_reply(messages).tokens);
  }
  SECTION("the last user message edited") {
    messages.back() = message("user", "Is the door in the hall open?");
    const auto edited = chat.reply(*session, messages);
    CHECK(edited.result.n_prompt_tokens <= chat.n_tokens("Is the door in the hall open?") + kFrame);
    CHECK(edited.tokens == chat.fresh_reply(messages).tokens);
  }
  SECTION("the last answer edited") {
    messages[2] = message("assistant", "Done.");
    const auto edited = chat.reply(*session, messages);
    CHECK(edited.result.n_prompt_tokens <=
          chat.n_tokens("Done.") + chat.n_tokens(question) + 2 * kFrame);
    CHECK(edited.tokens == chat.fresh_reply(messages).tokens);
  }
  SECTION("a new chat with the same system prompt") {
    const ordered_json other = {message("system", kSystem), message("user", question)};
    const auto session2 = chat.session();
    const auto begun = chat.reply(*session2, other);
    CHECK(begun.result.n_prompt_tokens <= chat.n_tokens(question) + kFrame);
    CHECK(begun.tokens == chat.fresh_reply(other).tokens);
  }
}
