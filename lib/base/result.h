// A value or the Status that tells why there is none.
#pragma once

#include <cassert>
#include <optional>
#include <utility>

#include "base/status.h"

namespace nemotron {

template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : value_(std::move(value)) {}  // NOLINT: implicit on purpose
  Result(Status status) : status_(std::move(status)) { assert(!status_.is_ok()); }  // NOLINT

  bool is_ok() const { return value_.has_value(); }
  const Status& status() const& { return status_; }
  Status status() && { return std::move(status_); }

  // Requires is_ok().
  T& value() & { return *value_; }
  const T& value() const& { return *value_; }
  T value() && { return *std::move(value_); }
  T* operator->() { return &*value_; }
  const T* operator->() const { return &*value_; }

 private:
  std::optional<T> value_;
  Status status_;
};

}  // namespace nemotron

#define NEMO_CONCAT_INNER(a, b) a##b
#define NEMO_CONCAT(a, b) NEMO_CONCAT_INNER(a, b)

// NEMO_ASSIGN(auto header, read_header(file)): declares or assigns the value of a Result, or
// returns its Status.
#define NEMO_ASSIGN(declaration, expression)                        \
  auto NEMO_CONCAT(nemo_result_, __LINE__) = (expression);          \
  if (!NEMO_CONCAT(nemo_result_, __LINE__).is_ok())                 \
    return std::move(NEMO_CONCAT(nemo_result_, __LINE__)).status(); \
  declaration = std::move(NEMO_CONCAT(nemo_result_, __LINE__)).value()
