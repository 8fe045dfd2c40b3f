// The sampler against a plain sorted double-precision brute force, its statistics, ties and bounds.
#include "sampling/sampler.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <ctime>
#include <limits>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "sampling/random.h"

using nemotron::sample;
using nemotron::SamplerScratch;
using nemotron::SamplingMode;
using nemotron::SamplingParams;
using nemotron::StatusCode;

namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

SamplingParams literal(float temperature, std::uint32_t top_k, float top_p,
                       std::uint64_t seed = 0) {
  return {SamplingMode::kLiteral, temperature, top_k, top_p, seed};
}

std::int32_t sampled(const std::vector<float>& logits, const SamplingParams& params,
                     std::uint64_t position = 0) {
  SamplerScratch scratch;
  const auto token = sample(logits, params, position, scratch);
  REQUIRE(token.status().message() == "");
  return token.value();
}

StatusCode error_of(const std::vector<float>& logits, const SamplingParams& params) {
  SamplerScratch scratch;
  const auto token = sample(logits, params, 0, scratch);
  CHECK(token.status().message() != "");
  return token.status().code();
}

std::vector<float> random_logits(std::size_t n, float spread, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<float> logits(n);
  for (float& logit : logits)
    logit = spread * (static_cast<float>(random() % 20001) / 10000.0f - 1.0f);
  return logits;
}

// The probabilities that the parameters leave, by sorting everything in double precision.
std::vector<double> brute_force(const std::vector<float>& logits, const SamplingParams& params) {
  std::vector<std::size_t> order(logits.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return logits[a] > logits[b]; });
  if (params.top_k > 0) order.resize(std::min<std::size_t>(order.size(), params.top_k));
  std::vector<double> probabilities(logits.size(), 0.0);
  double total = 0;
  for (const std::size_t i : order)
    total += std::exp((double{logits[i]} - double{logits[order[0]]}) / double{params.temperature});
  double sum = 0;
  for (const std::size_t i : order) {
    const double probability =
        std::exp((double{logits[i]} - double{logits[order[0]]}) / double{params.temperature}) /
        total;
    probabilities[i] = probability;
    sum += probability;
    if (sum >= double{params.top_p}) break;
  }
  for (double& probability : probabilities) probability /= sum;
  return probabilities;
}

std::int32_t draw(const std::vector<double>& probabilities, std::uint64_t seed,
                  std::uint64_t position) {
  const double point = static_cast<double>(nemotron::random_bits(seed, position)) * 0x1p-64;
  double end = 0;
  for (std::size_t i = 0; i < probabilities.size(); ++i)
    if ((end += probabilities[i]) > point) return static_cast<std::int32_t>(i);
  return -1;
}

}  // namespace

TEST_CASE("greedy takes the largest logit and of equals the smallest id") {
  const SamplingParams greedy{SamplingMode::kGreedy};
  CHECK(sampled({1, 3, 2}, greedy) == 1);
  CHECK(sampled({3, 1, 3}, greedy) == 0);
  CHECK(sampled({-1, -kInfinity, -1}, greedy) == 0);
  CHECK(sampled({-0.0f, 0.0f}, greedy) == 0);
  CHECK(sampled({-kInfinity, -3e38f}, greedy) == 1);
  CHECK(sampled({1, 3, 3}, literal(0, 0, 1)) == 1);
}

TEST_CASE("logits that are no numbers are an error in every mode") {
  for (const SamplingParams& params : {SamplingParams{SamplingMode::kGreedy}, SamplingParams{},
                                       literal(1, 2, 0.5f), literal(0, 0, 1)}) {
    CHECK(error_of({1, kNan, 2}, params) == StatusCode::kInternal);
    CHECK(error_of({kNan, 1}, params) == StatusCode::kInternal);
    CHECK(error_of({1, kInfinity}, params) == StatusCode::kInternal);
    CHECK(error_of({-kInfinity, -kInfinity}, params) == StatusCode::kInternal);
    CHECK(error_of({}, params) == StatusCode::kInvalidArgument);
  }
}

TEST_CASE("parameters out of range are refused, in literal mode only") {
  for (const SamplingParams& params :
       {literal(-1, 0, 1), literal(kNan, 0, 1), literal(kInfinity, 0, 1), literal(1, 0, 0),
        literal(1, 0, 1.5f), literal(1, 0, kNan), literal(1, 0, -0.5f)}) {
    CHECK(error_of({1, 2}, params) == StatusCode::kInvalidArgument);
    SamplingParams other = params;
    other.mode = SamplingMode::kGreedy;
    CHECK(sampled({1, 2}, other) == 1);
    other.mode = SamplingMode::kModelDefault;
    CHECK(sampled({1, 1000}, other) == 1);
  }
}

TEST_CASE("extreme temperatures") {
  CHECK(sampled({1, 1.0001f, 0.5f}, literal(1e-38f, 0, 1)) == 1);
  CHECK(sampled({1, 1.0001f, 0.5f}, literal(std::numeric_limits<float>::denorm_min(), 0, 0.9f)) ==
        1);
  const auto token = sampled({-3e38f, 3e38f}, literal(3e38f, 0, 1));
  CHECK((token == 0 || token == 1));
}

TEST_CASE("top_k and top_p keep whom they should") {
  const std::vector<float> logits = {0, 5, 5, 1, 5, -kInfinity};
  const auto seen = [&](const SamplingParams& params) {
    std::vector<bool> out(logits.size(), false);
    for (std::uint64_t position = 0; position < 300; ++position)
      out[static_cast<std::size_t>(sampled(logits, params, position))] = true;
    return out;
  };
  using Seen = std::vector<bool>;
  CHECK(seen(literal(1, 1, 1)) == Seen{false, true, false, false, false, false});
  CHECK(seen(literal(1, 2, 1)) == Seen{false, true, true, false, false, false});
  CHECK(seen(literal(100, 5, 1)) == Seen{true, true, true, true, true, false});
  CHECK(seen(literal(100, 6, 1)) == Seen{true, true, true, true, true, false});
  CHECK(seen(literal(100, 4000000000u, 1)) == Seen{true, true, true, true, true, false});
  CHECK(seen(literal(1, 0, 1e-9f)) == Seen{false, true, false, false, false, false});
  CHECK(seen(literal(1, 0, 0.5f)) == Seen{false, true, true, false, false, false});
  CHECK(seen(literal(1, 0, 0.9f)) == Seen{false, true, true, false, true, false});
  CHECK(seen(literal(1, 2, 0.5f)) == Seen{false, true, false, false, false, false});
}

TEST_CASE("tokens equal those of a brute force in double precision") {
  const std::size_t n = GENERATE(1, 2, 127, 128, 129, 1000, 5003);
  const float spread = GENERATE(0.0f, 0.01f, 2.0f, 30.0f);
  const auto logits = random_logits(n, spread, 7);
  for (const SamplingParams& params :
       {literal(1, 0, 1, 5), literal(0.7f, 40, 1, 6), literal(1.3f, 0, 0.9f, 7),
        literal(0.6f, 0, 0.95f, 8), literal(2, 200, 0.5f, 9), literal(1, 0, 0.999f, 1),
        literal(1, 3, 0.999999f, 2)}) {
    const auto probabilities = brute_force(logits, params);
    int n_different = 0;
    for (std::uint64_t position = 0; position < 200; ++position)
      n_different +=
          sampled(logits, params, position) != draw(probabilities, params.seed, position);
    INFO("n " << n << " spread " << spread << " T " << params.temperature << " k " << params.top_k
              << " p " << params.top_p);
    // f32 against f64: a point within 1e-6 of a border may fall on its other side. With all
    // logits equal the nucleus's own border is such a point.
    CHECK(n_different <= 1);
  }
}

TEST_CASE("frequencies pass a chi-square test") {
  const auto logits = random_logits(50, 2.0f, 11);
  for (const SamplingParams& params :
       {SamplingParams{SamplingMode::kModelDefault, 9, 9, 9, 3}, literal(0.8f, 20, 0.9f, 4)}) {
    SamplingParams effective = params;
    if (params.mode == SamplingMode::kModelDefault) effective = literal(1, 0, 1);
    const auto probabilities = brute_force(logits, effective);
    constexpr std::uint64_t kDraws = 200000;
    std::vector<double> counts(logits.size(), 0.0);
    SamplerScratch scratch;
    for (std::uint64_t position = 0; position < kDraws; ++position)
      ++counts[static_cast<std::size_t>(sample(logits, params, position, scratch).value())];
    double chi_square = 0;
    double freedom = -1;
    for (std::size_t i = 0; i < counts.size(); ++i) {
      const double expected = probabilities[i] * kDraws;
      if (expected == 0) {
        CHECK(counts[i] == 0);
        continue;
      }
      chi_square += (counts[i] - expected) * (counts[i] - expected) / expected;
      ++freedom;
    }
    // Mean `freedom`, deviation sqrt(2 * freedom): four deviations either way.
    CHECK(std::fabs(chi_square - freedom) < 4 * std::sqrt(2 * freedom));
  }
}

TEST_CASE("the same seed and position give the same token, whatever the scratch held") {
  const auto logits = random_logits(3000, 3.0f, 1);
  const auto others = random_logits(4000, 9.0f, 2);
  SamplerScratch used;
  int n_seed_differs = 0;
  for (std::uint64_t position = 0; position < 50; ++position) {
    const auto params = literal(1, 100, 0.9f, 42);
    REQUIRE(sample(others, literal(2, 0, 0.8f, 1), position, used).is_ok());
    const auto token = sample(logits, params, position, used);
    REQUIRE(token.is_ok());
    CHECK(token.value() == sampled(logits, params, position));
    n_seed_differs += token.value() != sampled(logits, literal(1, 100, 0.9f, 43), position);
  }
  CHECK(n_seed_differs > 25);
}

TEST_CASE("no allocation after the first token of a vocabulary") {
  const auto logits = random_logits(2000, 3.0f, 1);
  SamplerScratch scratch;
  REQUIRE(sample(logits, literal(1, 50, 0.9f), 0, scratch).is_ok());
  const auto* weights = scratch.weights.data();
  const auto* candidates = scratch.candidates.data();
  for (std::uint64_t position = 1; position < 20; ++position)
    REQUIRE(sample(logits, literal(1, 50, 0.9f), position, scratch).is_ok());
  CHECK(scratch.weights.data() == weights);
  CHECK(scratch.candidates.data() == candidates);
}

TEST_CASE("time for a vocabulary of 131072", "[.bench]") {
  for (const float spread : {0.5f, 10.0f}) {
    const auto logits = random_logits(131072, spread, 3);
    SamplerScratch scratch;
    for (const SamplingParams& params :
         {SamplingParams{SamplingMode::kGreedy}, SamplingParams{}, literal(1, 40, 1),
          literal(1, 0, 0.95f), literal(1, 40, 0.95f), literal(1, 50000, 0.95f)}) {
      constexpr int kRounds = 50;
      std::vector<double> times;
      for (int i = 0; i < kRounds; ++i) {
        const std::clock_t start = std::clock();  // processor time: others may share the machine
        REQUIRE(sample(logits, params, static_cast<std::uint64_t>(i), scratch).is_ok());
        times.push_back(1e3 * static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC);
      }
      std::sort(times.begin(), times.end());
      WARN("spread " << spread << ", top_k " << params.top_k << ", top_p " << params.top_p
                     << ": median " << times[kRounds / 2] << " ms");
    }
  }
}
