// The next token from a row of logits: the one that src/sampling chooses, exactly, since its
// weights are integers and so are their sums. A block to a row.
//
// top_k and top_p both ask where, in the order of preference, a running sum reaches an amount. It
// is found four bits of the logit at a time; every thread counts into bins of its own, so that
// there are no atomics. Ties go by their ids, ascending, as does the draw.
#include <cmath>

#include "kernels/common/math.h"
#include "kernels/common/sampling.h"
#include "kernels/cuda/device.cuh"
#include "kernels/cuda/kernel_list.h"
#include "kernels/cuda/launch_shapes.h"

namespace nemotron::kernels::cuda {

constexpr int kDigitBits = 4;
constexpr int kDigits = 1 << kDigitBits;
constexpr int kSampleWarps = kSampleThreads / kWarp;
static_assert(kSampleThreads == kDigits * kDigits);  // find_last() adds up bins in two rounds

// What a token counts in a sum.
enum class Amount : std::uint8_t {
  kPossible,  // one, if its weight is not 0
  kWeight,
  kTie,  // one, if its logit is that of `last`
};

// Tokens up to `last` in the order of preference are kept.
struct Row {
  const float* logits = nullptr;
  std::int64_t n = 0;
  float largest = 0.0f;
  float temperature = 1.0f;
  float last_logit = 0.0f;
  std::int64_t last_id = 0;
};

// Memory of the block.
struct Sums {
  std::uint64_t* bins;        // [kDigits, kSampleThreads]
  std::uint64_t* of_threads;  // [kSampleThreads]
  std::uint64_t* of_warps;    // [kSampleWarps]
  std::uint64_t* of_digits;   // [kDigits]
};

__device__ inline float logit_at(const Row& row, std::int64_t id) {
  const float logit = row.logits[id];
  return logit == 0.0f ? 0.0f : logit;  // -0 equals 0
}

// Ordered as the numbers are.
__device__ inline std::uint32_t key_of(float logit) {
  const auto bits = std::bit_cast<std::uint32_t>(logit);
  return (bits & 0x80000000u) != 0 ? ~bits : bits | 0x80000000u;
}
__device__ inline float logit_of(std::uint32_t key) {
  return std::bit_cast<float>((key & 0x80000000u) != 0 ? key & 0x7fffffffu : ~key);
}

__device__ inline std::uint64_t weight_of(const Row& row, float logit) {
  return sampling_weight(exp_f32((logit - row.largest) / row.temperature));
}

__device__ inline std::uint64_t amount_of(const Row& row, std::int64_t id, Amount amount) {
  const float logit = logit_at(row, id);
  if (logit < row.last_logit || (logit == row.last_logit && id > row.last_id)) return 0;
  if (amount == Amount::kTie) return logit == row.last_logit ? 1 : 0;
  const std::uint64_t weight = weight_of(row, logit);
  return amount == Amount::kWeight || weight == 0 ? weight : 1;
}

// The sum, or the largest, over the block, in each thread; of_threads and of_warps stay.
template <bool is_sum>
__device__ std::uint64_t combine(std::uint64_t own, const Sums& sums) {
  const auto add = [](std::uint64_t a, std::uint64_t b) {
    return is_sum ? a + b : (a > b ? a : b);
  };
  __syncthreads();  // earlier ones have been read
  sums.of_threads[threadIdx.x] = own;
  __syncthreads();
  if (threadIdx.x < kSampleWarps) {
    std::uint64_t of_warp = 0;
    for (int i = 0; i < kWarp; ++i)
      of_warp = add(of_warp, sums.of_threads[threadIdx.x * kWarp + i]);
    sums.of_warps[threadIdx.x] = of_warp;
  }
  __syncthreads();
  std::uint64_t total = 0;
  for (int i = 0; i < kSampleWarps; ++i) total = add(total, sums.of_warps[i]);
  return total;
}

// Each warp adds up one segment of the ids, ascending.
__device__ inline std::int64_t segment_of(const Row& row) {
  return (row.n + kSampleWarps - 1) / kSampleWarps;
}

__device__ std::uint64_t total_of(const Row& row, Amount amount, const Sums& sums) {
  const std::int64_t begin = threadIdx.x / kWarp * segment_of(row);
  const std::int64_t end = begin + segment_of(row) < row.n ? begin + segment_of(row) : row.n;
  std::uint64_t own = 0;
  for (std::int64_t id = begin + threadIdx.x % kWarp; id < end; id += kWarp)
    own += amount_of(row, id, amount);
  return combine<true>(own, sums);
}

// After total_of(), and below what it gave: the first id with which the running sum, ids ascending,
// is above `point`.
__device__ std::int64_t find_in_order(const Row& row, Amount amount, std::uint64_t point,
                                      const Sums& sums) {
  int warp = 0;
  while (sums.of_warps[warp] <= point) point -= sums.of_warps[warp++];
  const std::int64_t begin = warp * segment_of(row);
  const std::int64_t end = begin + segment_of(row) < row.n ? begin + segment_of(row) : row.n;
  const std::int64_t piece = (segment_of(row) + kSampleThreads - 1) / kSampleThreads;
  std::uint64_t own = 0;
  for (std::int64_t i = 0; i < piece; ++i) {
    const std::int64_t id = begin + threadIdx.x * piece + i;
    if (id < end) own += amount_of(row, id, amount);
  }
  combine<true>(own, sums);
  for (warp = 0; sums.of_warps[warp] <= point; ++warp) point -= sums.of_warps[warp];
  int thread = warp * kWarp;
  while (sums.of_threads[thread] <= point) point -= sums.of_threads[thread++];
  std::int64_t id = begin + thread * piece;
  for (;; ++id) {
    const std::uint64_t one = amount_of(row, id, amount);
    if (one > point) return id;
    point -= one;
  }
}

// The sums of the bins, over all threads, into of_digits.
__device__ void add_bins(const Sums& sums) {
  const unsigned digit = threadIdx.x / kDigits;
  const unsigned part = threadIdx.x % kDigits;
  __syncthreads();
  std::uint64_t sum = 0;
  for (int i = 0; i < kDigits; ++i) sum += sums.bins[digit * kSampleThreads + part * kDigits + i];
  sums.of_threads[threadIdx.x] = sum;
  __syncthreads();
  if (threadIdx.x < kDigits) {
    sum = 0;
    for (int i = 0; i < kDigits; ++i) sum += sums.of_threads[threadIdx.x * kDigits + i];
    sums.of_digits[threadIdx.x] = sum;
  }
  __syncthreads();
}

// Makes `last` the first token, in the order of preference, at which the running sum reaches
// `wanted`: above 0, at most the sum.
__device__ void find_last(Row& row, Amount amount, std::uint64_t wanted, const Sums& sums) {
  std::uint32_t prefix = 0;
  for (int shift = 32 - kDigitBits; shift >= 0; shift -= kDigitBits) {
    for (int d = 0; d < kDigits; ++d) sums.bins[d * kSampleThreads + threadIdx.x] = 0;
    for (std::int64_t id = threadIdx.x; id < row.n; id += kSampleThreads) {
      const std::uint32_t key = key_of(logit_at(row, id));
      if ((std::uint64_t{key ^ prefix} >> (shift + kDigitBits)) != 0) continue;
      sums.bins[(key >> shift) % kDigits * kSampleThreads + threadIdx.x] +=
          amount_of(row, id, amount);
    }
    add_bins(sums);
    std::uint32_t digit = kDigits - 1;
    for (; sums.of_digits[digit] < wanted; --digit) wanted -= sums.of_digits[digit];
    prefix |= digit << shift;
  }
  Row ties = row;
  ties.last_logit = logit_of(prefix);
  ties.last_id = row.n;  // those that are kept come first, and suffice
  const std::uint64_t one = amount == Amount::kWeight ? weight_of(row, ties.last_logit) : 1;
  total_of(ties, Amount::kTie, sums);
  row.last_id = find_in_order(ties, Amount::kTie, (wanted + one - 1) / one - 1, sums);
  row.last_logit = ties.last_logit;
}

// The upper half of the product.
__device__ inline std::uint64_t multiply_high(std::uint64_t a, std::uint64_t b) {
  const std::uint64_t a0 = a & 0xffffffffu, a1 = a >> 32, b0 = b & 0xffffffffu, b1 = b >> 32;
  const std::uint64_t middle = a1 * b0 + (a0 * b0 >> 32);
  return a1 * b1 + (middle >> 32) + ((a0 * b1 + (middle & 0xffffffffu)) >> 32);
}

// The most preferred token, or what is wrong with the logits.
__device__ SampledToken find_first(const Row& row, const Sums& sums) {
  std::uint64_t best = 0;
  std::uint64_t bad = 0;  // the smallest id is the largest of these
  for (std::int64_t id = threadIdx.x; id < row.n; id += kSampleThreads) {
    const float logit = logit_at(row, id);
    const std::uint64_t order = 0xffffffffu - static_cast<std::uint64_t>(id);
    const std::uint64_t candidate = std::uint64_t{key_of(logit)} << 32 | order;
    if (!(logit < INFINITY)) bad = bad > order ? bad : order;
    best = best > candidate ? best : candidate;
  }
  bad = combine<false>(bad, sums);
  best = combine<false>(best, sums);
  const auto id_of = [](std::uint64_t order) {
    return static_cast<std::int32_t>(0xffffffffu - (order & 0xffffffffu));
  };
  if (bad != 0) {
    const std::int32_t id = id_of(bad);
    const float logit = row.logits[id];
    return {id, logit != logit ? SamplingFault::kNan : SamplingFault::kInfinite};
  }
  const bool is_any = row.logits[id_of(best)] > -INFINITY;
  return {id_of(best), is_any ? SamplingFault::kNone : SamplingFault::kAllExcluded};
}

// With a temperature above 0.
__device__ std::int64_t draw(Row& row, const SampleRow& choice, const Sums& sums) {
  if (choice.top_k > 0 && choice.top_k < total_of(row, Amount::kPossible, sums))
    find_last(row, Amount::kPossible, choice.top_k, sums);
  if (choice.top_p < 1.0f) {
    const std::uint64_t total = total_of(row, Amount::kWeight, sums);
    const auto part =
        static_cast<std::uint64_t>(static_cast<double>(choice.top_p) * static_cast<double>(total));
    find_last(row, Amount::kWeight, part < 1 ? 1 : part > total ? total : part, sums);
  }
  const std::uint64_t total = total_of(row, Amount::kWeight, sums);
  return find_in_order(row, Amount::kWeight, multiply_high(choice.random, total), sums);
}

NEMO_KERNEL(sample_ref)(const SampleArgs p) {
  __shared__ std::uint64_t bins[kDigits * kSampleThreads];
  __shared__ std::uint64_t of_threads[kSampleThreads];
  __shared__ std::uint64_t of_warps[kSampleWarps];
  __shared__ std::uint64_t of_digits[kDigits];
  const Sums sums{bins, of_threads, of_warps, of_digits};
  const SampleRow& choice = p.rows[blockIdx.x];
  Row row;
  row.logits = p.logits + choice.row * p.stride;
  row.n = choice.n_logits;
  row.temperature = choice.temperature;
  row.last_logit = -INFINITY;
  row.last_id = row.n;
  SampledToken token = find_first(row, sums);
  if (token.fault == SamplingFault::kNone && row.temperature > 0.0f) {
    row.largest = logit_at(row, token.id);
    token.id = static_cast<std::int32_t>(draw(row, choice, sums));
  }
  if (threadIdx.x == 0) p.out[blockIdx.x] = token;
}

}  // namespace nemotron::kernels::cuda
