#include "sampling/sampler.h"

#include <cmath>
#include <limits>

#include "base/text.h"
#include "sampling/random.h"
#include "sampling/temperature.h"
#include "sampling/top_k.h"
#include "sampling/top_p.h"

namespace nemotron {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr std::size_t kMaxLogits = std::size_t{1} << 23;  // see kMaxWeight

// The first in the order of preference. The one pass over all logits also finds those that are no
// numbers.
Result<Candidate> find_largest(std::span<const float> logits) {
  Candidate largest{-kInfinity, 0};
  bool all_valid = true;
  for (std::size_t i = 0; i < logits.size(); ++i) {
    all_valid &= logits[i] < kInfinity;  // false for NaN
    if (logits[i] > largest.logit) largest = {logits[i], static_cast<std::int32_t>(i)};
  }
  if (!all_valid) {
    std::size_t i = 0;
    while (logits[i] < kInfinity) ++i;
    return Status(StatusCode::kInternal,
                  join("the logit of token ", i, std::isnan(logits[i]) ? " is NaN" : " is infinite",
                       ": the model's weights are damaged or its arithmetic overflowed"));
  }
  if (largest.logit == -kInfinity)
    return Status(StatusCode::kInternal, "every token's logit is minus infinity");
  return largest;
}

// One of the tokens, each with probability weight / total, by inversion: the ids in ascending
// order, as lengths on a line. The product is below `total`, and no token's chance is off by more
// than total / 2^64.
std::int32_t draw(std::span<const std::uint64_t> weights, std::uint64_t random) {
  std::uint64_t total = 0;
  for (const std::uint64_t weight : weights) total += weight;
  const auto point = static_cast<std::uint64_t>(
      static_cast<unsigned __int128>(random) * static_cast<unsigned __int128>(total) >> 64);
  std::uint64_t end = 0;
  std::size_t i = 0;
  while ((end += weights[i]) <= point) ++i;
  return static_cast<std::int32_t>(i);
}

}  // namespace

Status check_sampling_params(const SamplingParams& params) {
  if (params.mode != SamplingMode::kLiteral) return Status::ok();
  if (!(params.temperature >= 0 && params.temperature < kInfinity))
    return {StatusCode::kInvalidArgument,
            join("the temperature is ", params.temperature, "; it must be 0 or more")};
  if (!(params.top_p > 0 && params.top_p <= 1))
    return {StatusCode::kInvalidArgument,
            join("top_p is ", params.top_p, "; it must be above 0 and at most 1")};
  return Status::ok();
}

Result<std::int32_t> sample(std::span<const float> logits, const SamplingParams& params,
                            std::uint64_t position, SamplerScratch& scratch) {
  NEMO_TRY(check_sampling_params(params));
  if (logits.empty() || logits.size() > kMaxLogits)
    return Status(StatusCode::kInvalidArgument, join(logits.size(), " logits to sample from"));
  NEMO_ASSIGN(const Candidate largest, find_largest(logits));

  SamplingParams literal = params;
  if (params.mode == SamplingMode::kModelDefault)
    literal = {SamplingMode::kLiteral, 1.0f, 0, 1.0f, params.seed};
  if (params.mode == SamplingMode::kGreedy || literal.temperature == 0) return largest.id;

  scratch.weights.resize(logits.size());
  compute_weights(logits, largest.logit, literal.temperature, scratch.weights);
  if (literal.top_k > 0) keep_top_k(logits, literal.top_k, scratch.weights, scratch.candidates);
  if (literal.top_p < 1) keep_top_p(logits, literal.top_p, scratch.weights, scratch.candidates);
  return draw(scratch.weights, random_bits(params.seed, position));
}

}  // namespace nemotron
