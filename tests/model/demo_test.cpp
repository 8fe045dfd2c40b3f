// The demo model of examples/demo-model against the official code: tokens, rendered prompts, logits
// and greedy text, from the safetensors checkpoint; and its GGUF beside it.
#include <algorithm>
#include <cmath>
#include <fstream>

#include "chat/nemotron3_format.h"
#include "golden_case.h"
#include "src/chat/json_messages.h"
#include "tokenizer/tokenizer.h"

using namespace nemotron;
using namespace nemotron::test;
using nlohmann::ordered_json;

namespace {

const std::string kDemoModel = NEMO_SOURCE_DIR "/examples/demo-model";
const std::string kGoldens = NEMO_TEST_SOURCE_DIR "/data/demo/goldens/";

ordered_json read_golden(const std::string& name) {
  std::ifstream file(kGoldens + name);
  INFO(name);
  REQUIRE(file);
  return ordered_json::parse(file);
}

Tokenizer demo_tokenizer() {
  auto file = open_model(kDemoModel);
  REQUIRE(file.is_ok());
  const TokenizerFiles& files = file->tokenizer();
  auto tokenizer = Tokenizer::from_json(files.tokenizer_json, files.tokenizer_config_json);
  INFO(tokenizer.status().message());
  REQUIRE(tokenizer.is_ok());
  tokenizer->add_stop_ids(file->config().eos_ids);
  return std::move(tokenizer).value();
}

std::int32_t argmax(std::span<const float> logits) {
  return static_cast<std::int32_t>(std::max_element(logits.begin(), logits.end()) - logits.begin());
}

// Greedy continuation of `n` tokens, or up to and with the first of `stop_ids`.
std::vector<std::int32_t> greedy(const std::shared_ptr<Engine>& engine,
                                 const std::vector<std::int32_t>& prompt, std::size_t n,
                                 std::span<const std::int32_t> stop_ids, KvType kv_type) {
  const auto session = make_session(engine, kv_type);
  std::vector<float> logits(static_cast<std::size_t>(engine->config().n_vocab));
  REQUIRE(session->eval(prompt, logits).is_ok());
  std::vector<std::int32_t> out;
  for (;;) {
    out.push_back(argmax(logits));
    if (out.size() == n ||
        std::find(stop_ids.begin(), stop_ids.end(), out.back()) != stop_ids.end())
      return out;
    REQUIRE(session->eval({&out.back(), 1}, logits).is_ok());
  }
}

std::string read_text(const std::string& path) {
  std::ifstream file(path);
  REQUIRE(file);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

TEST_CASE("the demo model's tokens equal those of tokenizers") {
  const Tokenizer tokenizer = demo_tokenizer();
  const ordered_json goldens = read_golden("tokenizer.json");
  for (const auto& golden : goldens.at("cases")) {
    const auto text = golden.at("text").get<std::string>();
    for (const bool parse_special : {false, true}) {
      std::vector<std::int32_t> ids;
      REQUIRE(tokenizer.encode(text, parse_special, ids).is_ok());
      INFO(text);
      CHECK(ids == golden.at(parse_special ? "special" : "plain").get<std::vector<std::int32_t>>());
    }
  }
}

TEST_CASE("the demo model's logits equal the official code's") {
  const ordered_json golden = read_golden("logits.json");
  const auto expected = read_floats(kGoldens + "logits.f32");
  const auto tokens = golden.at("ids").get<std::vector<std::int32_t>>();
  const auto engine = load_engine(kDemoModel, best_f32_kernels(kDemoModel), 2);
  const auto n_vocab = static_cast<std::size_t>(engine->config().n_vocab);
  REQUIRE(n_vocab == golden.at("vocabulary").get<std::size_t>());
  const auto logits = eval_in_pieces(*make_session(engine), tokens, tokens.size());

  double sum = 0;
  for (const float value : expected) sum += double{value} * value;
  const double rms = std::sqrt(sum / static_cast<double>(expected.size()));
  std::size_t i = 0;
  for (const auto& row : golden.at("rows")) {
    const auto* found = &logits[row.get<std::size_t>() * n_vocab];
    double worst = 0;
    for (std::size_t v = 0; v < n_vocab; ++v)
      worst = std::max(worst, std::abs(double{found[v]} - expected[i * n_vocab + v]));
    INFO("row " << row);
    CHECK(worst <= 1e-4 * rms);
    ++i;
  }
  const auto best = golden.at("argmax").get<std::vector<std::int32_t>>();
  for (std::size_t t = 0; t < tokens.size(); ++t)
    CHECK(argmax(std::span(logits).subspan(t * n_vocab, n_vocab)) == best[t]);
}

TEST_CASE("200 greedy tokens of the demo model equal the official code's") {
  const ordered_json golden = read_golden("logits.json").at("greedy");
  const auto prompt = golden.at("prompt").get<std::vector<std::int32_t>>();
  const auto expected = golden.at("ids").get<std::vector<std::int32_t>>();
  REQUIRE(expected.size() == 200);
  for (const auto* kernels : f32_levels(kDemoModel)) {
    const auto engine = load_engine(kDemoModel, *kernels, 2);
    INFO(kernels->name);
    CHECK(greedy(engine, prompt, 200, {}, KvType::kF32) == expected);
  }
}

TEST_CASE("conversations with the demo model equal the official code's, prompt and reply") {
  const ordered_json golden = read_golden("conversations.json");
  const std::string tools = read_text(NEMO_SOURCE_DIR "/" + golden.at("tools").get<std::string>());
  const Tokenizer tokenizer = demo_tokenizer();
  const auto engine = load_engine(kDemoModel, best_f32_kernels(kDemoModel), 2);
  for (const auto& item : golden.at("cases")) {
    const JsonMessages messages(item.at("messages"));
    ChatOptions options;
    options.thinking = item.at("enable_thinking").get<bool>();
    options.tools_json = tools;
    const auto rendered = render_nemotron3(messages.views(), options);
    REQUIRE(rendered.is_ok());
    std::vector<std::int32_t> prompt;
    REQUIRE(tokenizer.encode(rendered->text, rendered->special_ranges, prompt).is_ok());
    INFO(item.at("messages").dump());
    CHECK(prompt == item.at("prompt_ids").get<std::vector<std::int32_t>>());
    CHECK(greedy(engine, prompt, 200, tokenizer.stop_ids(), KvType::kF32) ==
          item.at("ids").get<std::vector<std::int32_t>>());
  }
}

TEST_CASE("the demo model's GGUF and its default key type say the same of the kitchen light") {
  const ordered_json item = read_golden("conversations.json").at("cases").at(0);
  const auto prompt = item.at("prompt_ids").get<std::vector<std::int32_t>>();
  const auto expected = item.at("ids").get<std::vector<std::int32_t>>();
  const Tokenizer tokenizer = demo_tokenizer();
  for (const std::string& path : {kDemoModel + "/demo-q8_0.gguf", kDemoModel}) {
    const auto engine = load_engine(path, best_f32_kernels(path), 2);
    INFO(path);
    CHECK(greedy(engine, prompt, 200, tokenizer.stop_ids(), KvType::kBF16) == expected);
  }
}
