// The CUDA sampling kernel, run on the host: the very token that src/sampling chooses.
#include "sampling/sampler.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <random>

#include "kernels/kernel_test.h"
#include "sampling/random.h"
#include "sampling/temperature.h"
#include "simt/run_launch.h"

using namespace nemotron;
using namespace nemotron::kernels;
using namespace nemotron::kernels::cuda;

namespace {

using Logits = std::vector<float>;
constexpr float kInf = std::numeric_limits<float>::infinity();

SampleRow row_of(const SamplingParams& params, std::uint64_t position, std::size_t n) {
  const SamplingParams literal = literal_params(params);
  SampleRow row;
  row.random = random_bits(params.seed, position);
  row.n_logits = static_cast<std::int64_t>(n);
  row.temperature = literal.temperature;
  row.top_k = literal.top_k;
  row.top_p = literal.top_p;
  return row;
}

SampledToken on_device(const Logits& logits, const SampleRow& row) {
  SampledToken out{-1, SamplingFault::kNan};
  const SampleArgs args{logits.data(), static_cast<std::int64_t>(logits.size()), &row, &out};
  REQUIRE(simt::run_launch(launch_sample(args, 1)) == "");
  return out;
}

void check(const Logits& logits, const SamplingParams& params, std::uint64_t position) {
  SamplerScratch scratch;
  const SampledToken expected = sample_token(logits, params, position, scratch);
  const SampledToken found = on_device(logits, row_of(params, position, logits.size()));
  INFO(logits.size() << " logits, temperature " << params.temperature << ", top_k " << params.top_k
                     << ", top_p " << params.top_p << ", position " << position);
  REQUIRE(found.fault == expected.fault);
  REQUIRE(found.id == expected.id);
}

// Logits of several shapes: wide, close together, with many ties, with excluded ones, all equal.
Logits some_logits(std::size_t n, int shape, std::mt19937& random) {
  std::normal_distribution<float> normal(0.0f, shape == 1 ? 0.01f : 4.0f);
  Logits logits(n);
  for (float& logit : logits) {
    logit = normal(random);
    if (shape == 2) logit = std::round(logit);  // ties, and zeros of both signs
    if (shape == 3 && random() % 3 == 0) logit = -kInf;
    if (shape == 4) logit = -7.5f;
  }
  if (shape == 3) logits[random() % n] = 1.0f;  // not all of them
  return logits;
}

}  // namespace

TEST_CASE("a weight in integers is the weight in doubles, for every kind of number") {
  std::mt19937 random(3);
  const auto check_weight = [](float relative) {
    const double rounded = std::nearbyint(std::ldexp(double{relative}, 40));
    REQUIRE(sampling_weight(relative) == static_cast<std::uint64_t>(rounded));
  };
  for (const float x :
       {0.0f, 1.0f, 0x1p-149f, 0x1p-126f, 0x1p-40f, 0x1p-41f, 0x1.8p-40f, 0x1.8p-41f,
        0x1.000002p-41f, 0x1.fffffep-42f, 0x1.4p-39f, 0x1.cp-39f, 0x1.fffffep-1f})
    check_weight(x);
  for (int i = 0; i < 200000; ++i)
    check_weight(std::bit_cast<float>(static_cast<std::uint32_t>(random() % 0x3f800001u)));
}

TEST_CASE("the CUDA kernel chooses the CPU's token, whatever the filters and the logits") {
  std::mt19937 random(5);
  const std::array<float, 5> temperatures = {1.0f, 0.0f, 0.2f, 3.0f, 1e-30f};
  const std::array<float, 5> top_ps = {1.0f, 0.9f, 0.3f, 1e-6f, 0.9999f};
  for (const std::size_t n : {1u, 2u, 31u, 255u, 256u, 257u, 1000u, 2049u}) {
    const std::array<std::uint32_t, 6> top_ks = {
        0, 1, 2, 40, static_cast<std::uint32_t>(n), static_cast<std::uint32_t>(n) / 2};
    for (int i = 0; i < 60; ++i) {
      SamplingParams params;
      params.mode = SamplingMode::kLiteral;
      params.temperature = temperatures[random() % temperatures.size()];
      params.top_k = top_ks[random() % top_ks.size()];
      params.top_p = top_ps[random() % top_ps.size()];
      params.seed = random();
      check(some_logits(n, i % 5, random), params, random());
    }
  }
}

TEST_CASE("the CUDA kernel chooses from as many tokens as the 4B has") {
  std::mt19937 random(6);
  const std::size_t n = 131072;
  for (const SamplingParams& params :
       {SamplingParams{}, SamplingParams{SamplingMode::kGreedy},
        SamplingParams{SamplingMode::kLiteral, 0.7f, 0, 0.95f, 1},
        SamplingParams{SamplingMode::kLiteral, 1.0f, 50, 0.9f, 2},
        SamplingParams{SamplingMode::kLiteral, 1.0f, 100000, 1.0f, 3}})
    for (const int shape : {0, 2}) check(some_logits(n, shape, random), params, random());
}

TEST_CASE("with many positions the CUDA kernel draws every token as often as the CPU") {
  std::mt19937 random(7);
  const Logits logits = some_logits(300, 0, random);
  const SamplingParams params{SamplingMode::kLiteral, 1.5f, 100, 0.8f, 11};
  for (std::uint64_t position = 0; position < 300; ++position) check(logits, params, position);
}

TEST_CASE("among equal logits the CUDA kernel keeps the CPU's, and zeros of both signs are equal") {
  std::mt19937 random(10);
  Logits logits(300);
  for (float& logit : logits) logit = random() % 2 == 0 ? 0.0f : -0.0f;
  logits[200] = logits[20] = 1.0f;
  for (const float top_p : {1.0f, 0.6f})
    for (std::uint64_t position = 0; position < 200; ++position)
      check(logits, {SamplingMode::kLiteral, 3.0f, 40, top_p, 12}, position);
}

TEST_CASE("the CUDA kernel tells of logits that are no numbers, the first of them") {
  std::mt19937 random(8);
  for (const SamplingMode mode : {SamplingMode::kGreedy, SamplingMode::kModelDefault}) {
    const SamplingParams params{mode};
    Logits logits = some_logits(600, 0, random);
    logits[599] = std::nanf("");
    check(logits, params, 1);
    logits[301] = kInf;
    check(logits, params, 1);
    logits[300] = -std::nanf("");
    check(logits, params, 1);
    logits[0] = kInf;
    check(logits, params, 1);
    check(Logits(600, -kInf), params, 1);
    check(Logits(1, -kInf), params, 1);
    check(Logits(1, 0.0f), params, 1);
  }
}

TEST_CASE("each row of a launch has its own place and parameters") {
  std::mt19937 random(9);
  const std::size_t n = 500, stride = 520;
  Logits logits(3 * stride, kInf);  // what lies between rows is not looked at
  std::vector<SampleRow> rows;
  std::vector<SampledToken> expected;
  SamplerScratch scratch;
  for (const std::size_t r : {2u, 0u}) {
    const Logits one = some_logits(n, 0, random);
    std::copy(one.begin(), one.end(), logits.begin() + static_cast<std::ptrdiff_t>(r * stride));
    const SamplingParams params{SamplingMode::kLiteral, r == 0 ? 0.0f : 2.0f, 0, 1.0f, r};
    rows.push_back(row_of(params, r, n));
    rows.back().row = static_cast<std::int64_t>(r);
    expected.push_back(sample_token(one, params, r, scratch));
  }
  std::vector<SampledToken> found(2);
  const SampleArgs args{logits.data(), static_cast<std::int64_t>(stride), rows.data(),
                        found.data()};
  REQUIRE(simt::run_launch(launch_sample(args, 2)) == "");
  for (std::size_t i = 0; i < 2; ++i) CHECK(found[i].id == expected[i].id);
}
