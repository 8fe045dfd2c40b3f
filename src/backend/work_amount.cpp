#include "backend/work_amount.h"

namespace nemotron {

namespace {

// A state that each sequence reads and writes, and operations on each row.
WorkAmount state_amount(const StepBatch& batch, double state_bytes, double row_operations) {
  return {2.0 * static_cast<double>(batch.spans.size()) * state_bytes,
          row_operations * static_cast<double>(batch.n_rows)};
}

double kv_bytes_per_position(const StepBatch& batch) {
  if (batch.states.empty()) return 0.0;
  const double part_bytes = static_cast<double>(batch.states[0].kv_layout.part_bytes());
  return 2.0 * part_bytes / static_cast<double>(kernels::kKvBlockTokens);
}

}  // namespace

std::int64_t kv_type(const StepBatch& batch) {
  return batch.states.empty() ? 0 : static_cast<std::int64_t>(batch.states[0].kv_layout.type);
}

std::int64_t state_type(const StepBatch& batch) {
  return batch.states.empty() ? 0 : static_cast<std::int64_t>(batch.states[0].state_type);
}

WorkAmount embed_amount(const Matrix& table, std::int64_t n_rows) {
  return {static_cast<double>(n_rows * kernels::row_bytes(table.type, table.n_columns))};
}

WorkAmount product_amount(const Matrix& weight, double weight_bytes, std::int64_t n_rows,
                          Arithmetic arithmetic) {
  const double n_weights =
      static_cast<double>(weight.n_rows) * static_cast<double>(weight.n_columns);
  return {weight_bytes, 2.0 * n_weights * static_cast<double>(n_rows), arithmetic};
}

WorkAmount conv_amount(const StepBatch& batch, const Conv1dWeights& w) {
  const auto n_weights = static_cast<double>(w.d_conv * w.conv_dim);
  return state_amount(batch, 4.0 * static_cast<double>((w.d_conv - 1) * w.conv_dim),
                      2.0 * n_weights);
}

WorkAmount scan_amount(const StepBatch& batch, const SsmWeights& w) {
  const auto n_elements = static_cast<double>(w.n_heads * w.head_dim * w.d_state);
  const std::size_t element_bytes =
      batch.states.empty() ? 0 : state_element_bytes(batch.states[0].state_type);
  return state_amount(batch, n_elements * static_cast<double>(element_bytes), 5.0 * n_elements);
}

WorkAmount kv_store_amount(const StepBatch& batch) {
  return {static_cast<double>(batch.n_rows) * kv_bytes_per_position(batch)};
}

// Each row looks at all positions up to its own; the rows of a span share what they read.
WorkAmount attention_amount(const StepBatch& batch, const AttentionShape& shape) {
  double n_read = 0.0;
  double n_seen = 0.0;
  for (const Span& span : batch.spans) {
    const double n_rows = span.n_rows;
    const auto position = static_cast<double>(span.position);
    n_read += position + n_rows;
    n_seen += n_rows * (position + (n_rows + 1.0) / 2.0);
  }
  const auto width = static_cast<double>(shape.n_heads * shape.head_dim);
  return {n_read * kv_bytes_per_position(batch), 4.0 * width * n_seen};
}

}  // namespace nemotron
