// Rows of floats as Eigen vectors. Only coefficient-wise expressions and sums over two operands are
// used: their order depends on the length alone, while Eigen's matrix products choose blockings.
#pragma once

#include <Eigen/Core>
#include <cstdint>

namespace nemotron::kernels::ref {

using ConstRow = Eigen::Map<const Eigen::ArrayXf>;
using Row = Eigen::Map<Eigen::ArrayXf>;

inline ConstRow row(const float* data, std::int64_t n) { return {data, n}; }
inline Row row(float* data, std::int64_t n) { return {data, n}; }

// Sum of a[i] * b[i]. Eigen's vectorised reduction starts at element 0 for a product expression,
// whatever the alignment of its operands.
inline float dot(const float* a, const float* b, std::int64_t n) {
  return (row(a, n) * row(b, n)).sum();
}

}  // namespace nemotron::kernels::ref
