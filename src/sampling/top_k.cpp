#include "sampling/top_k.h"

#include "sampling/preferred_prefix.h"

namespace nemotron {

void keep_top_k(std::span<const float> logits, std::uint32_t k, std::span<std::uint64_t> weights,
                std::vector<Candidate>& candidates) {
  std::uint64_t n_possible = 0;
  for (const std::uint64_t weight : weights) n_possible += weight > 0;
  if (k >= n_possible) return;
  const Candidate last = find_prefix_end(logits, weights, Measure::kTokens, k, candidates);
  keep_prefix(logits, last, weights);
}

}  // namespace nemotron
