// Searches for the scale (and minimum) with which rounded elements come nearest to what they were,
// by a weighted least-squares error: private to lib/quant. Which weights, the types decide.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>

#include "quant/quantize_block.h"

namespace nemotron {

inline constexpr float kNothing = 1e-15f;  // what is all smaller is zero

// Candidates for a scale: (first + i * step + max) / range for i in 0..n_steps.
struct Search {
  float first;
  float step;
  int n_steps;
  bool is_absolute;  // weighs |error| rather than its square
};

struct AffineFit {
  float scale = 0.0f;
  float min = 0.0f;  // to be subtracted, so not negative
};

template <int kCount>
float weighted_error(const float* x, const float* weights, const std::uint8_t* q, float scale,
                     float min, bool is_absolute) {
  float error = 0.0f;
  for (int i = 0; i < kCount; ++i) {
    const float difference = scale * static_cast<float>(q[i]) + min - x[i];
    error += weights[i] * (is_absolute ? std::fabs(difference) : difference * difference);
  }
  return error;
}

// q with scale * q - min ~ x, q in 0..max_q: rounds at several scales, solves the weighted least
// squares for scale and minimum of each rounding, and keeps the best.
template <int kCount>
AffineFit fit_affine(const float* x, const float* weights, int max_q, const Search& search,
                     std::uint8_t* q) {
  float min = x[0];
  float max = x[0];
  float sum_w = weights[0];
  float sum_x = sum_w * x[0];
  for (int i = 1; i < kCount; ++i) {
    if (x[i] < min) min = x[i];
    if (x[i] > max) max = x[i];
    sum_w += weights[i];
    sum_x += weights[i] * x[i];
  }
  if (min > 0.0f) min = 0.0f;
  if (max == min) {
    std::memset(q, 0, kCount);
    return {0.0f, -min};
  }
  const auto round_all = [&](float inverse_scale, std::uint8_t* out) {
    for (int i = 0; i < kCount; ++i)
      out[i] = static_cast<std::uint8_t>(nearest_int(inverse_scale * (x[i] - min), 0, max_q));
  };
  const auto top = static_cast<float>(max_q);
  const float first_inverse = top / (max - min);
  float scale = 1.0f / first_inverse;
  round_all(first_inverse, q);
  float best_error = weighted_error<kCount>(x, weights, q, scale, min, search.is_absolute);
  std::uint8_t candidate[kCount];
  for (int step = 0; step <= search.n_steps; ++step) {
    round_all((search.first + search.step * static_cast<float>(step) + top) / (max - min),
              candidate);
    float sum_q = 0.0f, sum_q2 = 0.0f, sum_xq = 0.0f;
    for (int i = 0; i < kCount; ++i) {
      const auto value = static_cast<float>(candidate[i]);
      const float weighted = weights[i] * value;
      sum_q += weighted;
      sum_q2 += weighted * value;
      sum_xq += weighted * x[i];
    }
    const float determinant = sum_w * sum_q2 - sum_q * sum_q;
    if (!(determinant > 0.0f)) continue;
    float new_scale = (sum_w * sum_xq - sum_x * sum_q) / determinant;
    float new_min = (sum_q2 * sum_x - sum_q * sum_xq) / determinant;
    if (new_min > 0.0f) {
      new_min = 0.0f;
      new_scale = sum_xq / sum_q2;
    }
    const float error =
        weighted_error<kCount>(x, weights, candidate, new_scale, new_min, search.is_absolute);
    if (!(error < best_error)) continue;
    std::memcpy(q, candidate, kCount);
    best_error = error;
    scale = new_scale;
    min = new_min;  // the next candidates round from here
  }
  return {scale, -min};
}

// scale with scale * (q - kHalf) ~ x, q in 0..2 kHalf - 1. Zeros give scale 0 and q 0.
template <int kHalf, int kCount>
float fit_scale(const float* x, const float* weights, std::uint8_t* q) {
  const float extreme = extreme_of<kCount>(x);
  if (std::fabs(extreme) < kNothing) {
    std::memset(q, 0, kCount);
    return 0.0f;
  }
  float sum_xq = 0.0f, sum_q2 = 0.0f;
  const auto round_all = [&](float inverse_scale, std::uint8_t* out) {
    sum_xq = sum_q2 = 0.0f;
    for (int i = 0; i < kCount; ++i) {
      const int level = nearest_int(inverse_scale * x[i], -kHalf, kHalf - 1);
      out[i] = static_cast<std::uint8_t>(level + kHalf);
      const auto value = static_cast<float>(level);
      sum_xq += weights[i] * x[i] * value;
      sum_q2 += weights[i] * value * value;
    }
  };
  round_all(-static_cast<float>(kHalf) / extreme, q);
  float scale = sum_q2 != 0.0f ? sum_xq / sum_q2 : 0.0f;
  float best = scale * sum_xq;
  std::uint8_t candidate[kCount];
  for (int step = -9; step <= 9; ++step) {
    if (step == 0) continue;
    round_all(-(static_cast<float>(kHalf) + 0.1f * static_cast<float>(step)) / extreme, candidate);
    if (!(sum_q2 > 0.0f && sum_xq * sum_xq > best * sum_q2)) continue;
    std::memcpy(q, candidate, kCount);
    scale = sum_xq / sum_q2;
    best = scale * sum_xq;
  }
  return scale;
}

// Of nine scales near the largest, the inverse of the one with which levels in 0..max_level come
// nearest to x.
template <int kCount>
float best_inverse_scale(const float* x, const float* weights, int max_level, float largest) {
  const auto error_at = [&](float inverse_scale) {
    const float scale = 1.0f / inverse_scale;
    float error = 0.0f;
    for (int i = 0; i < kCount; ++i) {
      const int level = std::min(max_level, nearest_int(inverse_scale * x[i]));
      const float difference = x[i] - scale * static_cast<float>(level);
      error += weights[i] * difference * difference;
    }
    return error;
  };
  const auto top = static_cast<float>(max_level);
  float best = top / largest;
  float least_error = error_at(best);
  for (int step = -4; step <= 4; ++step) {
    if (step == 0) continue;
    const float candidate = (0.1f * static_cast<float>(step) + top) / largest;
    const float error = error_at(candidate);
    if (!(error < least_error)) continue;
    least_error = error;
    best = candidate;
  }
  return best;
}

// The scale with scale * levels ~ x for x that are not negative, levels in 0..max_level: rounds at
// the best scale, then moves single levels as long as that improves the fit, five rounds at most.
template <int kCount>
float fit_levels(const float* x, const float* weights, int max_level, std::uint8_t* levels) {
  float largest = 0.0f;
  for (int i = 0; i < kCount; ++i) largest = std::max(largest, x[i]);
  if (largest < kNothing) {
    std::memset(levels, 0, kCount);
    return 0.0f;
  }
  const float inverse_scale = best_inverse_scale<kCount>(x, weights, max_level, largest);
  float sum_xq = 0.0f, sum_q2 = 0.0f;
  for (int i = 0; i < kCount; ++i) {
    levels[i] = static_cast<std::uint8_t>(std::min(max_level, nearest_int(inverse_scale * x[i])));
    const auto level = static_cast<float>(levels[i]);
    sum_xq += weights[i] * x[i] * level;
    sum_q2 += weights[i] * level * level;
  }
  bool has_changed = true;
  for (int round = 0; round < 5 && has_changed; ++round) {
    has_changed = false;
    for (int i = 0; i < kCount; ++i) {
      const auto level = static_cast<float>(levels[i]);
      float others_xq = sum_xq - weights[i] * x[i] * level;
      float others_q2 = sum_q2 - weights[i] * level * level;
      if (!(others_xq > 0.0f && others_q2 > 0.0f)) continue;
      const int moved = std::min(max_level, nearest_int(x[i] * others_q2 / others_xq));
      if (moved == levels[i]) continue;
      const auto value = static_cast<float>(moved);
      others_xq += weights[i] * x[i] * value;
      others_q2 += weights[i] * value * value;
      if (!(others_xq * others_xq * sum_q2 > sum_xq * sum_xq * others_q2)) continue;
      levels[i] = static_cast<std::uint8_t>(moved);
      sum_xq = others_xq;
      sum_q2 = others_q2;
      has_changed = true;
    }
  }
  return sum_q2 > 0.0f ? sum_xq / sum_q2 : 0.0f;
}

}  // namespace nemotron
