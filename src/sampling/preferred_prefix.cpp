#include "sampling/preferred_prefix.h"

#include <algorithm>
#include <array>

namespace nemotron {
namespace {

constexpr std::size_t kBins = 4096;
constexpr std::size_t kSortedAtOnce = 64;

// Logits to bins, the largest logit to bin 0. Monotone, and in double nothing overflows; the
// largest and the smallest logit never share a bin, so that opening one always makes progress.
class Bins {
 public:
  Bins(float largest, float smallest)
      : largest_(largest), scale_((kBins - 1) / (double{largest} - double{smallest})) {}

  std::size_t of(float logit) const {
    return static_cast<std::size_t>(static_cast<std::int64_t>((largest_ - double{logit}) * scale_));
  }

 private:
  double largest_;
  double scale_;
};

class Amounts {
 public:
  Amounts(std::span<const std::uint64_t> weights, Measure measure)
      : weights_(weights), measure_(measure) {}

  std::uint64_t operator[](const Candidate& candidate) const {
    return measure_ == Measure::kTokens ? 1 : weights_[static_cast<std::size_t>(candidate.id)];
  }

 private:
  std::span<const std::uint64_t> weights_;
  Measure measure_;
};

// Keeps the candidates for which keep(candidate) holds, in order. Without a branch per candidate:
// whether to keep one cannot be predicted.
template <typename Keep>
void keep_if(std::vector<Candidate>& candidates, const Keep& keep) {
  std::size_t n_kept = 0;
  for (const Candidate& candidate : candidates) {
    candidates[n_kept] = candidate;
    n_kept += keep(candidate) ? 1 : 0;
  }
  candidates.resize(n_kept);
}

// Reduces the candidates to those of the bin in which the running sum reaches `wanted`, and
// lowers `wanted` by what lies before that bin.
void open_bin(const Bins& bins, const Amounts& amounts, std::uint64_t& wanted,
              std::vector<Candidate>& candidates) {
  std::array<std::uint64_t, kBins + 1> sums{};  // one more, for a product rounded up
  for (const Candidate& candidate : candidates)
    sums[bins.of(candidate.logit)] += amounts[candidate];
  std::size_t answer = 0;
  while (sums[answer] < wanted) wanted -= sums[answer++];
  keep_if(candidates,
          [&](const Candidate& candidate) { return bins.of(candidate.logit) == answer; });
}

}  // namespace

Candidate find_prefix_end(std::span<const float> logits, std::span<const std::uint64_t> weights,
                          Measure measure, std::uint64_t wanted,
                          std::vector<Candidate>& candidates) {
  candidates.resize(logits.size());
  std::size_t n_candidates = 0;
  for (std::size_t i = 0; i < logits.size(); ++i) {  // as keep_if() does, and why
    candidates[n_candidates] = {logits[i], static_cast<std::int32_t>(i)};
    n_candidates += weights[i] > 0 ? 1 : 0;
  }
  candidates.resize(n_candidates);

  // Their ids ascend throughout, so candidates with one and the same logit are in order.
  const Amounts amounts(weights, measure);
  while (candidates.size() > kSortedAtOnce) {
    float largest = candidates[0].logit;
    float smallest = largest;
    for (const Candidate& candidate : candidates) {
      largest = std::max(largest, candidate.logit);
      smallest = std::min(smallest, candidate.logit);
    }
    if (largest == smallest) break;
    open_bin(Bins(largest, smallest), amounts, wanted, candidates);
  }
  if (candidates.size() <= kSortedAtOnce)
    std::sort(candidates.begin(), candidates.end(), is_before);
  std::size_t last = 0;
  for (std::uint64_t sum = 0; last + 1 < candidates.size(); ++last)
    if ((sum += amounts[candidates[last]]) >= wanted) break;
  return candidates[last];
}

void keep_prefix(std::span<const float> logits, const Candidate& last,
                 std::span<std::uint64_t> weights) {
  for (std::size_t i = 0; i < logits.size(); ++i) {
    const bool is_after = is_before(last, {logits[i], static_cast<std::int32_t>(i)});
    weights[i] = is_after ? 0 : weights[i];
  }
}

}  // namespace nemotron
