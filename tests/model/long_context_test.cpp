// The longest context in fact, by hand (it takes minutes): model_test "[long]". The demo model over
// 262,144 tokens of this repository's own text: the same bytes however the prompt is cut, first
// tokens that still matter at the end, a fork there, and speed by depth on standard output.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "golden_case.h"
#include "tokenizer/tokenizer.h"

using namespace nemotron;
using namespace nemotron::test;
namespace fs = std::filesystem;

namespace {

using Clock = std::chrono::steady_clock;

// The 4B's; NEMO_LONG_CONTEXT for less patience.
std::int64_t context_length() {
  const char* wanted = std::getenv("NEMO_LONG_CONTEXT");
  return wanted == nullptr ? 262144 : std::atoll(wanted);
}
const fs::path kDemoModel = NEMO_SOURCE_DIR "/examples/demo-model";

// The demo model in a folder whose config allows the long context.
class LongModel {
 public:
  LongModel() : folder_(fs::temp_directory_path() / "nemotron-long-context-test") {
    fs::remove_all(folder_);
    fs::create_directories(folder_);
    for (const char* name : {"model.safetensors", "tokenizer.json", "tokenizer_config.json"})
      if (fs::exists(kDemoModel / name)) fs::create_symlink(kDemoModel / name, folder_ / name);
    auto config = read_json((kDemoModel / "config.json").string());
    config["max_position_embeddings"] = context_length();
    std::ofstream(folder_ / "config.json") << config;
  }
  ~LongModel() { fs::remove_all(folder_); }

  std::string path() const { return folder_.string(); }

 private:
  fs::path folder_;
};

std::vector<std::int32_t> repository_tokens() {
  auto file = open_model(kDemoModel.string());
  REQUIRE(file.is_ok());
  const Tokenizer tokenizer = Tokenizer::from_json(file->tokenizer().tokenizer_json, "").value();
  std::vector<fs::path> paths;
  for (const char* folder : {"include", "lib", "src", "kernels", "tests/lib", "tests/src"})
    for (const auto& entry : fs::recursive_directory_iterator(fs::path(NEMO_SOURCE_DIR) / folder))
      if (entry.path().extension() == ".cpp" || entry.path().extension() == ".h")
        paths.push_back(entry.path());
  std::sort(paths.begin(), paths.end());
  std::vector<std::int32_t> tokens;
  for (const fs::path& path : paths) {
    std::ifstream text(path);
    const std::string read{std::istreambuf_iterator<char>(text), {}};
    REQUIRE(tokenizer.encode(read, false, tokens).is_ok());
    if (tokens.size() >= static_cast<std::size_t>(context_length())) break;
  }
  REQUIRE(tokens.size() >= static_cast<std::size_t>(context_length()));
  tokens.resize(static_cast<std::size_t>(context_length()));
  return tokens;
}

// Evaluates all but the last 16 tokens, telling the speed at depths that double.
void prefill(Session& session, std::span<const std::int32_t> tokens, const char* what) {
  const std::size_t n = tokens.size() - 16;
  std::size_t done = 0;
  for (std::size_t end = 4096; done < n; end *= 2) {
    const std::size_t part = std::min(end, n) - done;
    const auto start = Clock::now();
    const Status status = session.eval(tokens.subspan(done, part), {});
    INFO(status.message());
    REQUIRE(status.is_ok());
    done += part;
    const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
    std::printf("%s: to position %zu at %.0f tokens/s\n", what, done,
                static_cast<double>(part) / seconds);
    std::fflush(stdout);
  }
}

// Logits after each of the last 16 tokens.
std::vector<float> decode(Session& session, std::span<const std::int32_t> tokens) {
  const auto n_vocab = static_cast<std::size_t>(session.engine().config().n_vocab);
  std::vector<float> all(16 * n_vocab);
  const auto start = Clock::now();
  for (std::size_t i = 0; i < 16; ++i)
    REQUIRE(session
                .eval(tokens.subspan(tokens.size() - 16 + i, 1),
                      std::span(all).subspan(i * n_vocab, n_vocab))
                .is_ok());
  const double ms = std::chrono::duration<double, std::milli>(Clock::now() - start).count() / 16;
  std::printf("decode at %zu: %.2f ms per token\n", tokens.size(), ms);
  return all;
}

bool same_bytes(const std::vector<float>& a, const std::vector<float>& b) {
  return std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

}  // namespace

TEST_CASE("the longest context", "[.][long]") {
  const LongModel model;
  auto tokens = repository_tokens();
  const KvType kv_type = GENERATE(KvType::kBF16, KvType::kQ8);
  const auto engine = load_engine(model.path(), best_kernels(), 2, 64);
  const auto session = make_session(engine, kv_type);
  prefill(*session, tokens, "steps of 64 rows");
  const auto fork = session->fork();
  REQUIRE(fork.is_ok());
  const auto logits = decode(*session, tokens);
  CHECK(session->position() == context_length());
  CHECK(session->eval(std::span(tokens).first(1), {}).code() == StatusCode::kContextFull);
  CHECK(same_bytes(decode(*fork.value(), tokens), logits));
  std::printf("keys, values and state of the two: %.1f MiB\n",
              static_cast<double>(engine->pool().held_bytes()) / 1048576.0);
  if (kv_type != KvType::kBF16) return;

  const auto other_engine = load_engine(model.path(), best_kernels(), 1, 200);
  const auto other = make_session(other_engine, kv_type);
  prefill(*other, tokens, "steps of 200 rows, one thread");
  CHECK(same_bytes(decode(*other, tokens), logits));

  tokens[5] = (tokens[5] + 1) % 1000;
  REQUIRE(other->reset().is_ok());
  prefill(*other, tokens, "another sixth token");
  const auto changed = decode(*other, tokens);
  CHECK_FALSE(same_bytes(changed, logits));
  std::printf("largest change of a logit by it: %.2e\n", largest_difference(changed, logits));
}
