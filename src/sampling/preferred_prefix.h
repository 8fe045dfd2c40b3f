// Where, in the order of preference, a running sum reaches an amount: what top_k and top_p ask.
// Linear time: tokens are counted into bins of logits, and only the bin with the answer is opened.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "sampling/candidate.h"

namespace nemotron {

enum class Measure : std::uint8_t {
  kTokens,   // every token counts one
  kWeights,  // every token counts its weight
};

// The first token, in the order of preference, at which the sum of the measure reaches `wanted`.
// Tokens of weight 0 are left out. Requires 0 < wanted <= the whole sum, `weights` by id, and
// finite logits where weights are not 0. `candidates` is scratch.
Candidate find_prefix_end(std::span<const float> logits, std::span<const std::uint64_t> weights,
                          Measure measure, std::uint64_t wanted,
                          std::vector<Candidate>& candidates);

// Sets to 0 the weights of all tokens after `last` in the order of preference.
void keep_prefix(std::span<const float> logits, const Candidate& last,
                 std::span<std::uint64_t> weights);

}  // namespace nemotron
