// The kinds of work that operations are, and what it comes to in bytes and arithmetic: the same for
// all backends.
#pragma once

#include <cstdint>

#include "backend/backend.h"
#include "backend/operation_profile.h"

namespace nemotron {

enum class WorkKind : std::uint8_t {
  kEmbed,
  kRmsNorm,
  kPrepare,
  kLinear,
  kElementwise,
  kGather,
  kGatedNorm,
  kConv,
  kScan,
  kKvStore,
  kAttention,  // the last
};
constexpr int kNumWorkKinds = static_cast<int>(WorkKind::kAttention) + 1;

// What the speed of a piece of work depends on, and how much there is of it.
struct WorkShape {
  WorkKind kind = WorkKind::kElementwise;
  std::int64_t type = 0;    // of weights, keys or values
  std::int64_t width = 1;   // arithmetic of one unit: columns, elements of a state
  std::int64_t n_rows = 1;  // for which each item is computed
};

// What all of an operation's work comes to.
struct WorkAmount {
  double n_bytes = 0.0;
  double operations = 0.0;
  Arithmetic arithmetic = Arithmetic::kF32;
};

// WorkShape::type of what stores keys and values, or recurrent states.
std::int64_t kv_type(const StepBatch& batch);
std::int64_t state_type(const StepBatch& batch);

WorkAmount embed_amount(const Matrix& table, std::int64_t n_rows);
// Of a matrix that takes that many bytes.
WorkAmount product_amount(const Matrix& weight, double weight_bytes, std::int64_t n_rows,
                          Arithmetic arithmetic);
WorkAmount conv_amount(const StepBatch& batch, const Conv1dWeights& w);
WorkAmount scan_amount(const StepBatch& batch, const SsmWeights& w);
WorkAmount kv_store_amount(const StepBatch& batch);
WorkAmount attention_amount(const StepBatch& batch, const AttentionShape& shape);

}  // namespace nemotron
