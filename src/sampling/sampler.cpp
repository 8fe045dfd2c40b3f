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

// The first in the order of preference, or what is wrong. The one pass over all logits also finds
// those that are no numbers.
SampledToken find_largest(std::span<const float> logits) {
  Candidate largest{-kInfinity, 0};
  bool all_valid = true;
  for (std::size_t i = 0; i < logits.size(); ++i) {
    all_valid &= logits[i] < kInfinity;  // false for NaN
    if (logits[i] > largest.logit) largest = {logits[i], static_cast<std::int32_t>(i)};
  }
  if (!all_valid) {
    std::size_t i = 0;
    while (logits[i] < kInfinity) ++i;
    return {static_cast<std::int32_t>(i),
            std::isnan(logits[i]) ? SamplingFault::kNan : SamplingFault::kInfinite};
  }
  if (largest.logit == -kInfinity) return {0, SamplingFault::kAllExcluded};
  return {largest.id, SamplingFault::kNone};
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

SamplingParams literal_params(const SamplingParams& params) {
  switch (params.mode) {
    case SamplingMode::kModelDefault:
      return {SamplingMode::kLiteral, 1.0f, 0, 1.0f, params.seed};
    case SamplingMode::kGreedy:
      return {SamplingMode::kLiteral, 0.0f, 0, 1.0f, params.seed};
    case SamplingMode::kLiteral:
      break;
  }
  return params;
}

Result<std::int32_t> sample(std::span<const float> logits, const SamplingParams& params,
                            std::uint64_t position, SamplerScratch& scratch) {
  NEMO_TRY(check_sampling_params(params));
  if (logits.empty() || logits.size() > kMaxLogits)
    return Status(StatusCode::kInvalidArgument, join(logits.size(), " logits to sample from"));
  return token_of(sample_token(logits, params, position, scratch));
}

SampledToken sample_token(std::span<const float> logits, const SamplingParams& params,
                          std::uint64_t position, SamplerScratch& scratch) {
  const SampledToken largest = find_largest(logits);
  const SamplingParams literal = literal_params(params);
  if (largest.fault != SamplingFault::kNone || literal.temperature == 0) return largest;
  scratch.weights.resize(logits.size());
  compute_weights(logits, logits[static_cast<std::size_t>(largest.id)], literal.temperature,
                  scratch.weights);
  if (literal.top_k > 0) keep_top_k(logits, literal.top_k, scratch.weights, scratch.candidates);
  if (literal.top_p < 1) keep_top_p(logits, literal.top_p, scratch.weights, scratch.candidates);
  return {draw(scratch.weights, random_bits(params.seed, position)), SamplingFault::kNone};
}

Result<std::int32_t> token_of(const SampledToken& sampled) {
  if (sampled.fault == SamplingFault::kNone) return sampled.id;
  if (sampled.fault == SamplingFault::kAllExcluded)
    return Status(StatusCode::kInternal, "every token's logit is minus infinity");
  return Status(StatusCode::kInternal,
                join("the logit of token ", sampled.id,
                     sampled.fault == SamplingFault::kNan ? " is NaN" : " is infinite",
                     ": the model's weights are damaged or its arithmetic overflowed"));
}

}  // namespace nemotron
