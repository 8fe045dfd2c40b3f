#include "sampling/top_p.h"

#include <algorithm>

#include "sampling/preferred_prefix.h"

namespace nemotron {
namespace {

// A token lighter than its share of what the nucleus leaves out is outside it, because all such
// tokens together are lighter than that. That usually leaves a few hundred of 131072.
void drop_light_tokens(std::span<std::uint64_t> weights, std::uint64_t left_out) {
  const std::uint64_t threshold = left_out / weights.size();
  for (std::uint64_t& weight : weights) weight = weight < threshold ? 0 : weight;
}

}  // namespace

void keep_top_p(std::span<const float> logits, float p, std::span<std::uint64_t> weights,
                std::vector<Candidate>& candidates) {
  std::uint64_t total = 0;
  for (const std::uint64_t weight : weights) total += weight;
  const std::uint64_t wanted = std::clamp<std::uint64_t>(
      static_cast<std::uint64_t>(static_cast<double>(p) * static_cast<double>(total)), 1, total);
  drop_light_tokens(weights, total - wanted);
  const Candidate last = find_prefix_end(logits, weights, Measure::kWeights, wanted, candidates);
  keep_prefix(logits, last, weights);
}

}  // namespace nemotron
