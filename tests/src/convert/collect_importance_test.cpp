// The sums over a text, against those of llama.cpp's imatrix.
#include "convert/collect_importance.h"

#include <algorithm>
#include <cmath>

#include "model/golden_case.h"
#include "src/convert/convert_fixture.h"

using namespace nemotron;
using namespace nemotron::test;

namespace {

const std::string kDemo = NEMO_TEST_SOURCE_DIR "/../examples/demo-model/demo-q8_0.gguf";

std::unique_ptr<Backend> backend(int n_threads) {
  return make_cpu_backend({n_threads, &best_f32_kernels(kDemo)}).value();
}

Tokenizer tokenizer_of(const ModelFile& file) {
  return Tokenizer::from_vocabulary(VocabularyData(*file.tokenizer().vocabulary)).value();
}

std::string license() { return content(NEMO_TEST_SOURCE_DIR "/../LICENSE"); }

Result<ImportanceMatrix> collect(const std::string& path, const std::string& text,
                                 const CollectOptions& options, int n_threads = 2) {
  const auto file = open_model(path);
  REQUIRE(file.is_ok());
  return collect_importance(file.value(), tokenizer_of(file.value()), backend(n_threads), text,
                            options);
}

}  // namespace

TEST_CASE("sums are those of llama.cpp's imatrix") {
  const TempFolder folder;
  REQUIRE(quantize_to(kDemo, folder.file("f32"), "f32").is_ok());
  CollectOptions options;
  options.chunk_tokens = 64;
  options.max_chunks = 6;
  const auto found = collect(folder.file("f32"), license(), options);
  INFO(found.status().message());
  REQUIRE(found.is_ok());
  CHECK(found->n_chunks == 6);
  CHECK(found->chunk_tokens == 64);
  const auto expected = read_importance_matrix(data_path("convert/demo.imatrix.gguf"));
  REQUIRE(expected.is_ok());
  CHECK(found->entries.size() == expected->entries.size());
  for (const auto& [name, entry] : expected->entries) {
    INFO(name);
    REQUIRE(found->entries.contains(name));
    const auto& mine = found->entries.at(name);
    CHECK(mine.n_rows == entry.n_rows);
    REQUIRE(mine.sums.size() == entry.sums.size());
    double difference = 0, total = 0;
    for (std::size_t i = 0; i < entry.sums.size(); ++i) {
      difference += std::fabs(double{mine.sums[i]} - entry.sums[i]);
      total += entry.sums[i];
    }
    CHECK(difference < 1e-3 * total);  // keys and values are BF16 here; before them 1e-5
    CHECK(mine.largest > 0.0f);
    double largest_sum = 0;
    for (const float sum : mine.sums) largest_sum = std::max(largest_sum, double{sum});
    CHECK(double{mine.largest} * mine.largest >= largest_sum / mine.n_rows);
    CHECK(double{mine.largest} * mine.largest <= largest_sum * (1 + 1e-6));
  }
}

TEST_CASE("sums are the same for any number of threads") {
  CollectOptions options;
  options.chunk_tokens = 40;
  options.max_chunks = 2;
  const auto one = collect(kDemo, license(), options, 1);
  const auto three = collect(kDemo, license(), options, 3);
  REQUIRE(one.is_ok());
  REQUIRE(three.is_ok());
  for (const auto& [name, entry] : one->entries) {
    CHECK(three->entries.at(name).sums == entry.sums);
    CHECK(three->entries.at(name).largest == entry.largest);
  }
}

// From the text to the logits: an input scale that is off by a little shows here.
TEST_CASE("a model in FP8 with scales from its own text computes nearly the same") {
  const TempFolder folder;
  CollectOptions options;
  options.chunk_tokens = 64;
  const auto matrix = collect(kDemo, license(), options);
  REQUIRE(matrix.is_ok());
  REQUIRE(write_importance_matrix(folder.file("imatrix"), matrix.value()).is_ok());
  QuantizeOptions fp8;
  fp8.type = "fp8";
  fp8.n_threads = 2;
  fp8.tokenizer_path = NEMO_TEST_SOURCE_DIR "/../examples/demo-model";
  REQUIRE(quantize_model(kDemo, folder.file("weights"), fp8).is_ok());
  fp8.imatrix_path = folder.file("imatrix");
  REQUIRE(quantize_model(kDemo, folder.file("both"), fp8).is_ok());

  const auto file = open_model(kDemo);
  std::vector<std::int32_t> tokens;
  REQUIRE(tokenizer_of(file.value()).encode(license().substr(0, 200), false, tokens).is_ok());
  const auto logits_of = [&](const std::string& path) {
    const auto engine = load_engine(path, best_f32_kernels(path));
    const auto session = make_session(engine);
    std::vector<float> logits(tokens.size() * static_cast<std::size_t>(engine->config().n_vocab));
    REQUIRE(session->eval(tokens, logits).is_ok());
    return logits;
  };
  const auto expected = logits_of(kDemo);
  const double weights = rms_difference(logits_of(folder.file("weights")), expected);
  const double both = rms_difference(logits_of(folder.file("both")), expected);
  INFO("weights " << weights << ", both " << both << ", of " << rms(expected));
  CHECK(weights < 0.04 * rms(expected));
  CHECK(both < 0.06 * rms(expected));
  CHECK(weights < both);
}

TEST_CASE("a short text is one chunk, an empty one an error, and a callback cancels") {
  CollectOptions options;
  const auto found = collect(kDemo, "Turn off the kitchen light", options);
  REQUIRE(found.is_ok());
  CHECK(found->n_chunks == 1);
  CHECK(found->entries.at("blk.0.ssm_in.weight").n_rows == static_cast<float>(found->chunk_tokens));
  CHECK(collect(kDemo, "", options).status().code() == StatusCode::kInvalidArgument);

  options.chunk_tokens = 16;
  std::vector<std::uint64_t> done;
  options.progress = [&](std::uint64_t n, std::uint64_t total) {
    CHECK(n <= total);
    if (n > 0) done.push_back(n);
    return n >= 32 ? 1 : 0;
  };
  CHECK(collect(kDemo, license(), options).status().code() == StatusCode::kCancelled);
  CHECK(done == std::vector<std::uint64_t>{16, 32});
  options.progress = [](std::uint64_t, std::uint64_t) { return 1; };
  CHECK(collect(kDemo, license(), options).status().code() == StatusCode::kCancelled);
}
