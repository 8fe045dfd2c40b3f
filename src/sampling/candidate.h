// What the stages of sampling exchange. Probabilities are integers, proportional to them, so that
// their sums are exact in any order and the choice does not depend on how a stage partitions.
#pragma once

#include <cstdint>

namespace nemotron {

// The most probable token's weight; a token of less than 2^-41 of that has weight 0. A sum over
// fewer than 2^23 tokens stays below 2^63.
inline constexpr std::uint64_t kMaxWeight = std::uint64_t{1} << 40;

struct Candidate {
  float logit = 0;
  std::int32_t id = 0;
};

// The order of preference: larger logits first, smaller ids among equals. Logits are not NaN.
inline bool is_before(const Candidate& left, const Candidate& right) {
  return left.logit > right.logit || (left.logit == right.logit && left.id < right.id);
}

}  // namespace nemotron
