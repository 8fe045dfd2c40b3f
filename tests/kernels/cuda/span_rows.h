// Spans of a step for tests of operations along sequences, and the layer that is looked at.
#pragma once

#include <utility>
#include <vector>

#include "kernels/kernel_test.h"
#include "simt/run_launch.h"

namespace nemotron::test {

using namespace nemotron::kernels;
using namespace nemotron::kernels::cuda;

inline constexpr std::int64_t kLayers = 3, kLayer = 1;

// Spans of one row, of fewer rows than a convolution has taps, and of more than are taken at once.
inline const std::vector<std::int64_t> kSpanRows = {1, 2, 37};

inline std::vector<SpanArgs> make_spans() {
  std::vector<SpanArgs> spans;
  std::int64_t first = 0;
  for (const std::int64_t n : kSpanRows) {
    SpanArgs span;
    span.first_row = std::exchange(first, first + n);
    span.n_rows = n;
    spans.push_back(span);
  }
  return spans;
}
inline constexpr std::int64_t kRows = 40;

}  // namespace nemotron::test
