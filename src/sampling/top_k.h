// Keep the k most probable tokens.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "sampling/candidate.h"

namespace nemotron {

// Sets all but the k largest weights to 0; of equal logits the smaller ids stay. Requires k > 0 and
// a weight above 0. `candidates` is scratch.
void keep_top_k(std::span<const float> logits, std::uint32_t k, std::span<std::uint64_t> weights,
                std::vector<Candidate>& candidates);

}  // namespace nemotron
