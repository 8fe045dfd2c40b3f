// What weights and intermediate results take in the memory of a backend. It is asked by whoever
// allocates them, and by whoever plans before there is a backend: there is one set of formulas.
#pragma once

#include <cstddef>
#include <cstdint>

#include "backend/tensor.h"

namespace nemotron {

class BackendMemory {
 public:
  virtual ~BackendMemory() = default;

  // Whether it is the host's own. Of a device's, states that nobody uses may move to the host's.
  virtual bool is_host() const = 0;

  // Of a matrix after upload(): 0 where its rows stay in their mapping. `source.read` is not
  // called.
  virtual std::uint64_t matrix_bytes(const MatrixSource& source) const = 0;
  // Working memory of products with the matrix. All share it: the largest is taken once.
  virtual std::uint64_t product_bytes(const MatrixSource& source) const = 0;
  // Working memory of a step of that many operations.
  virtual std::uint64_t operation_bytes(std::size_t n_operations) const = 0;
  // An activation in the form that linear() reads.
  virtual std::size_t activation_bytes(std::int64_t n_rows, std::int64_t n_columns) const = 0;
  // Working memory of attention over at most that many rows: what it is given as `carry`.
  virtual std::size_t attention_bytes(std::int64_t n_rows, std::int64_t n_heads,
                                      std::int64_t head_dim) const = 0;
};

}  // namespace nemotron
