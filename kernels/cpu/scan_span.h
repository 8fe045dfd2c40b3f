// What the scans of the SIMD levels share: where a head's rows lie, and their step sizes.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/float_types.h"
#include "kernels/common/mamba2_params.h"
#include "kernels/common/math.h"

namespace nemotron::kernels {

inline constexpr std::int64_t kScanRows = 64;  // whose step sizes are computed at once

// The rows [first_row, first_row + n_rows) of one head.
template <typename Element>
struct HeadSpan {
  const SsmScanParams& p;
  std::int64_t head;
  std::int64_t first_row;
  std::int64_t n_rows;
  float dt[kScanRows] = {};
  float decay[kScanRows] = {};
  const float* B = nullptr;  // of the first row, this head's group
  const float* C = nullptr;
  const float* x = nullptr;
  float* y = nullptr;
  const Element* state_in = nullptr;  // [d_state, head_dim]
  Element* state_out = nullptr;

  std::int64_t y_stride() const { return p.n_heads * p.head_dim; }
};

template <typename Element>
void begin_span(HeadSpan<Element>& s) {
  const SsmScanParams& p = s.p;
  const std::int64_t group_offset = s.head / (p.n_heads / p.n_groups) * p.d_state;
  for (std::int64_t t = 0; t < s.n_rows; ++t) {
    const float raw = p.dt[(s.first_row + t) * p.dt_stride + s.head] + p.dt_bias[s.head];
    s.dt[t] = std::clamp(softplus_f32(raw), p.dt_min, p.dt_max);
    s.decay[t] = exp_f32(s.dt[t] * p.A[s.head]);
  }
  s.B = p.B + s.first_row * p.x_stride + group_offset;
  s.C = p.C + s.first_row * p.x_stride + group_offset;
  s.x = p.x + s.first_row * p.x_stride + s.head * p.head_dim;
  s.y = p.y + (s.first_row * p.n_heads + s.head) * p.head_dim;
  const std::int64_t head_offset = s.head * p.d_state * p.head_dim;
  s.state_out = static_cast<Element*>(p.state_out) + head_offset;
  s.state_in =
      s.first_row == 0 ? static_cast<const Element*>(p.state_in) + head_offset : s.state_out;
}

template <typename Element, typename OneRow, typename ManyRows>
void scan_head(const SsmScanParams& p, std::int64_t head, OneRow one_row, ManyRows many_rows) {
  for (std::int64_t row = 0; row < p.n_rows; row += kScanRows) {
    HeadSpan<Element> span{
        .p = p, .head = head, .first_row = row, .n_rows = std::min(kScanRows, p.n_rows - row)};
    begin_span(span);
    if (span.n_rows == 1) {
      one_row(span);
    } else {
      many_rows(span);
    }
  }
}

// Heads [first, last), up to kScanRows rows at a time, by the level's one_row(span) and
// many_rows(span).
template <typename OneRow, typename ManyRows>
void scan_heads(const SsmScanParams& p, std::int64_t first, std::int64_t last, OneRow one_row,
                ManyRows many_rows) {
  for (std::int64_t head = first; head < last; ++head) {
    if (p.state_type == StateType::kF32) {
      scan_head<float>(p, head, one_row, many_rows);
    } else {
      scan_head<bf16_bits>(p, head, one_row, many_rows);
    }
  }
}

}  // namespace nemotron::kernels
