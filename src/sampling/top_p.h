// Nucleus sampling (Holtzman et al., arXiv:1904.09751): keep the fewest most probable tokens whose
// probabilities sum to at least p.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "sampling/candidate.h"

namespace nemotron {

// Sets the weights of all other tokens to 0. Requires 0 < p <= 1 and a weight above 0; the
// probabilities are those among the weights above 0. `candidates` is scratch.
void keep_top_p(std::span<const float> logits, float p, std::span<std::uint64_t> weights,
                std::vector<Candidate>& candidates);

}  // namespace nemotron
