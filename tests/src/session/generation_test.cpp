// Replies told apart and traced: a script of tokens instead of a model, so that every byte is
// known.
#include "session/generation.h"

#include "model/golden_case.h"

using namespace nemotron;
using namespace nemotron::test;

namespace {

Tokenizer chat_tokenizer() {
  auto file = open_model(kModelData + "hf/tiny_chat");
  return Tokenizer::from_json(file->tokenizer().tokenizer_json, "").value();
}

GenerateParams parsing(std::string_view tools = "") {
  GenerateParams params;
  params.parses_reply = true;
  params.tools = parse_tools(tools, "tools").value();
  return params;
}

struct Script {
  explicit Script(std::string_view text, GenerateParams params = parsing(),
                  bool in_thoughts = false) {
    REQUIRE(tokenizer.encode(text, /*parse_special=*/true, tokens).is_ok());
    params.sampling.mode = SamplingMode::kGreedy;
    params.ignore_stop_tokens = false;
    Generation generation(tokenizer, std::move(params), 100000, in_thoughts,
                          {1, nullptr, [this](const Event& event) { return take(event); }});
    std::int64_t position = kPrompt;
    Request::Next next;
    for (const std::int32_t token : tokens) {
      next = generation.on_token(position++, {token, SamplingFault::kNone});
      if (next.wants_tell) next = generation.tell();
      if (next.is_finished) break;
    }
    generation.on_end(next.is_finished ? next.status : Status(StatusCode::kCancelled, "cut here"));
    trace = *generation.trace();
  }

  bool take(const Event& event) {
    CHECK(n_ends == 0);
    if (event.token >= 0) told.push_back(event.token);
    switch (event.type) {
      case EventType::kText:
        answer += event.text;
        break;
      case EventType::kReasoning:
        reasoning += event.text;
        break;
      case EventType::kToolCall:
        calls.push_back(std::string(event.name) + std::string(event.text));
        break;
      default:
        ++n_ends;
        reason = event.result.finish_reason;
    }
    return true;
  }

  // The text of the tokens that a session keeps which was heard up to n bytes.
  std::string kept(std::uint64_t n) const {
    const auto n_kept =
        std::min(trace.position_after(n) - kPrompt, static_cast<std::int64_t>(tokens.size()));
    std::string out;
    REQUIRE(tokenizer.decode(std::span(tokens).first(static_cast<std::size_t>(n_kept)), true, out)
                .is_ok());
    return out;
  }

  static constexpr std::int64_t kPrompt = 100;
  Tokenizer tokenizer = chat_tokenizer();
  std::vector<std::int32_t> tokens, told;
  std::string answer, reasoning;
  std::vector<std::string> calls;
  FinishReason reason = FinishReason::kLength;
  int n_ends = 0;
  ReplyTrace trace;
};

constexpr const char* kCall =
    "<tool_call>\n<function=dim>\n<parameter=level>\n5\n</parameter>\n</function>\n</tool_call>";

}  // namespace

TEST_CASE("thoughts, answer and calls are events of their own") {
  const Script script("I think.\n</think>\n\nOh, wait. " + std::string(kCall) + "<|im_end|>",
                      parsing(R"([{"name": "dim", "parameters":
                          {"properties": {"level": {"type": "integer"}}}}])"),
                      /*in_thoughts=*/true);
  CHECK(script.reasoning == "I think.");
  CHECK(script.answer == "Oh, wait.");
  CHECK(script.calls == std::vector<std::string>{R"(dim{"level": 5})"});
  CHECK(script.reason == FinishReason::kStop);
  CHECK(script.n_ends == 1);
  // Every token but the stop token is told, once, in order.
  CHECK(script.told == std::vector<std::int32_t>(script.tokens.begin(), script.tokens.end() - 1));
}

TEST_CASE("without parsing a reply stays as it is") {
  const std::string text = "I think.</think> " + std::string(kCall);
  const Script script(text + "<|im_end|>", GenerateParams{}, true);
  CHECK(script.answer == text);
  CHECK(script.reasoning.empty());
  CHECK(script.calls.empty());
}

TEST_CASE("a call that a cancel cut is not told") {
  const std::string cut(kCall, 50);
  CHECK(Script("Well. " + cut).calls.empty());
  CHECK(Script("Well. " + cut + "<|im_end|>").calls.size() == 1);
  CHECK(Script("Well. <tool_ca").answer == "Well. <tool_ca");
}

TEST_CASE("what was heard keeps whole tokens of whole characters") {
  const std::string text = "\xc3\xa9t\xc3\xa9 \xf0\x9f\x98\x80 \xe4\xbd\xa0\xe5\xa5\xbd!";
  const bool is_parsed = GENERATE(false, true);
  const Script script(text, is_parsed ? parsing() : GenerateParams{});
  REQUIRE(script.answer == text);
  REQUIRE(script.tokens.size() > 8);  // characters are cut into bytes here
  CHECK(std::is_sorted(script.trace.ends.begin(), script.trace.ends.end()));
  for (std::size_t n = 0; n <= text.size(); ++n) {
    const std::string kept = script.kept(n);
    CHECK(kept.size() <= n);
    CHECK(text.starts_with(kept));
    // Nothing that could stay goes: the next token's text ends beyond.
    const auto next = static_cast<std::size_t>(script.trace.position_after(n) - Script::kPrompt);
    if (n < text.size()) CHECK(script.trace.ends[next] > n);
    const bool ends_whole = kept.size() == text.size() || (text[kept.size()] & 0xc0) != 0x80;
    CHECK(ends_whole);
  }
  CHECK(script.kept(text.size()) == text);
  CHECK(script.kept(text.size() + 100) == text);
}

TEST_CASE("thoughts before the answer count nothing and stay") {
  const Script script("Hmm.</think>\n\nYes, sir.<|im_end|>", parsing(), true);
  REQUIRE(script.answer == "Yes, sir.");
  CHECK(script.kept(0) == "Hmm.</think>\n\n");
  for (std::size_t n = 1; n < script.answer.size(); ++n) {
    const std::string kept = script.kept(n);
    REQUIRE(kept.starts_with("Hmm.</think>\n\n"));
    CHECK(kept.size() - 14 <= n);
    CHECK(std::string("Yes, sir.").starts_with(kept.substr(14)));
  }
}

TEST_CASE("a stop string and what was held back for it") {
  GenerateParams params;
  const std::string_view stops[] = {"sirup"};
  params.stop_strings = StopMatcher::create(stops).value();
  const Script script("Yes, sir. No sirup, sir.", params);
  CHECK(script.answer == "Yes, sir. No ");
  CHECK(script.reason == FinishReason::kStop);
  CHECK(script.trace.n_delivered == 13);
  for (std::size_t n = 0; n < 13; ++n) {
    CHECK(script.kept(n).size() <= n);
    CHECK(std::string("Yes, sir. No ").starts_with(script.kept(n)));
  }
}
