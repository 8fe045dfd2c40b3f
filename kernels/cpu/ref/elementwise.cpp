// Element-wise operations of the `ref` level.
#include <algorithm>

#include "kernels/cpu/ref/ref_kernels.h"

namespace nemotron::kernels::ref {

void relu2(const float* x, float* y, std::int64_t first, std::int64_t last) {
  for (std::int64_t i = first; i < last; ++i) {
    const float positive = std::max(x[i], 0.0f);
    y[i] = positive * positive;
  }
}

void add(const float* x, float* y, std::int64_t first, std::int64_t last) {
  for (std::int64_t i = first; i < last; ++i) y[i] += x[i];
}

}  // namespace nemotron::kernels::ref
