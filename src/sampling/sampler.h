// The next token from its logits. A pure function of (logits, parameters, position): the same
// everywhere, because its exp is ours and its sums are of integers. It allocates only when a
// scratch meets a larger vocabulary than before.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"
#include "kernels/common/sampling.h"
#include "sampling/candidate.h"

namespace nemotron {

enum class SamplingMode : std::uint8_t {
  kModelDefault,  // temperature 1, no filters; only `seed` is read
  kGreedy,        // the largest logit; of equals, the smallest id
  kLiteral,       // every field as it stands
};

struct SamplingParams {
  SamplingMode mode = SamplingMode::kModelDefault;
  float temperature = 1;    // >= 0; 0 is greedy
  std::uint32_t top_k = 0;  // 0: all
  float top_p = 1;          // (0, 1]; of what top_k kept
  std::uint64_t seed = 0;
};

// How a token is to be chosen from a row of logits, where nothing else is wanted of them.
struct TokenChoice {
  std::int64_t row = 0;
  std::int64_t n_logits = 0;  // the first so many of the row
  SamplingParams params;      // checked
  std::uint64_t position = 0;
};

using kernels::SampledToken;
using kernels::SamplingFault;

// Owned by whoever samples, used again for each token.
struct SamplerScratch {
  std::vector<std::uint64_t> weights;  // [n_vocab]
  std::vector<Candidate> candidates;   // [n_vocab], only with top_k or top_p
};

// kInvalidArgument for numbers out of range.
Status check_sampling_params(const SamplingParams& params);

// With kLiteral: what the mode stands for.
SamplingParams literal_params(const SamplingParams& params);

// The token for `position`. -inf excludes a token; kInternal when a logit is NaN or +inf, or all
// are -inf. kInvalidArgument as above, and for no logits or more than 2^23.
Result<std::int32_t> sample(std::span<const float> logits, const SamplingParams& params,
                            std::uint64_t position, SamplerScratch& scratch);

// The same in two steps, for whoever chooses elsewhere than the outcome is wanted: of parameters
// that are in range, and 1 to 2^23 logits.
SampledToken sample_token(std::span<const float> logits, const SamplingParams& params,
                          std::uint64_t position, SamplerScratch& scratch);
Result<std::int32_t> token_of(const SampledToken& sampled);

}  // namespace nemotron
