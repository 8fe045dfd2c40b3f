// The operations of the CPU backend that run along sequences: convolution, scan and attention.
#include <algorithm>
#include <cmath>

#include "backend/cpu/cpu_backend.h"
#include "base/checked_math.h"

namespace nemotron {

namespace {

constexpr std::int64_t kChannels = 64;  // of a convolution: one item

// KV blocks that attention goes through in one phase: a row's work in it stays well below a slice,
// however long the context.
constexpr std::int64_t kPhaseBlocks = 32;

kernels::KvView kv_view(const SequenceState& state, int layer) {
  const std::int64_t part = state.kv_layout.part_bytes();
  return {state.kv_blocks.data(), 2 * layer * part, (2 * layer + 1) * part, state.kv_layout.type};
}

// Units of work where an item goes through the rows of its span.
constexpr auto kSpanRows = [](const Span& span, std::int64_t) -> std::int64_t {
  return span.n_rows;
};

std::int64_t longest_span(const StepBatch& batch) {
  std::int64_t n = 1;
  for (const Span& span : batch.spans) n = std::max<std::int64_t>(n, span.n_rows);
  return n;
}

// The items of all spans in a row.
template <typename Count, typename Units, typename Body>
struct SpanWork {
  std::span<const Span> spans;
  Count n_items;
  Units n_units;
  Body body;

  void operator()(const WorkRange& range) const {
    std::int64_t first = range.first;
    std::int64_t last = range.last;
    for (const Span& span : spans) {
      const std::int64_t n = n_items(span);
      if (first < n && last > 0)
        body(span,
             {range.phase, std::max<std::int64_t>(first, 0), std::min(last, n), range.thread});
      first -= n;
      last -= n;
    }
  }

  WorkUnits units(std::int64_t phase) const {
    std::int64_t most = 0;
    double sum = 0.0;
    double n_all = 0.0;
    for (const Span& span : spans) {
      const std::int64_t units = n_units(span, phase);
      const auto n = static_cast<double>(n_items(span));
      most = std::max(most, units);
      sum += static_cast<double>(units) * n;
      n_all += n;
    }
    return {static_cast<double>(most), n_all > 0.0 ? sum / n_all : 0.0};
  }
};

}  // namespace

template <typename Count, typename Units, typename Body>
void CpuBackend::share_spans(const StepBatch& batch, WorkPlan plan, const Count& n_items,
                             const Units& n_units, const Body& body) {
  for (const Span& span : batch.spans) plan.n_items += n_items(span);
  queue_.record(plan, SpanWork<Count, Units, Body>{batch.spans, n_items, n_units, body});
}

void CpuBackend::causal_conv1d(const StepBatch& batch, int layer, TensorView xBC,
                               const Conv1dWeights& w, TensorView out) {
  const std::int64_t n_channel_groups = ceil_div(w.conv_dim, kChannels);
  const auto n_items = [n_channel_groups](const Span&) { return n_channel_groups; };
  const auto body = [kernel = kernels_.causal_conv1d, batch, layer, xBC, w, out](
                        const Span& span, const WorkRange& range) {
    const std::int64_t state_size = (w.d_conv - 1) * w.conv_dim;
    const kernels::CausalConv1dParams params{xBC.data + span.first_row * xBC.stride,
                                             w.weight,
                                             w.bias,
                                             batch.state_of(span).conv_in + layer * state_size,
                                             batch.state_of(span).conv_out + layer * state_size,
                                             out.data + span.first_row * out.stride,
                                             span.n_rows,
                                             xBC.stride,
                                             w.conv_dim,
                                             w.d_conv};
    kernel(params, range.first * kChannels, std::min(range.last * kChannels, w.conv_dim));
  };
  WorkPlan plan;
  plan.shape = {WorkKind::kConv, 0, kChannels * w.d_conv, longest_span(batch)};
  plan.amount = conv_amount(batch, w);
  share_spans(batch, plan, n_items, kSpanRows, body);
}

void CpuBackend::ssm_scan(const StepBatch& batch, int layer, TensorView x, TensorView B,
                          TensorView C, TensorView dt, const SsmWeights& w, TensorView y) {
  kernels::SsmScanParams params;  // of row 0 and the first sequence
  params.x = x.data;
  params.B = B.data;
  params.C = C.data;
  params.dt = dt.data;
  params.dt_bias = w.dt_bias;
  params.A = w.A;
  params.D = w.D;
  params.y = y.data;
  params.x_stride = x.stride;
  params.dt_stride = dt.stride;
  params.n_heads = w.n_heads;
  params.head_dim = w.head_dim;
  params.d_state = w.d_state;
  params.n_groups = w.n_groups;
  params.dt_min = w.dt_min;
  params.dt_max = w.dt_max;
  const auto body = [kernel = kernels_.ssm_scan, batch, layer, params, y_stride = y.stride](
                        const Span& span, const WorkRange& range) {
    kernels::SsmScanParams p = params;
    const SequenceState& state = batch.state_of(span);
    const std::int64_t offset_bytes =
        layer * p.n_heads * p.head_dim * p.d_state *
        static_cast<std::int64_t>(state_element_bytes(state.state_type));
    p.x += span.first_row * p.x_stride;
    p.B += span.first_row * p.x_stride;
    p.C += span.first_row * p.x_stride;
    p.dt += span.first_row * p.dt_stride;
    p.y += span.first_row * y_stride;
    p.state_in = static_cast<const std::byte*>(state.ssm_in) + offset_bytes;
    p.state_out = static_cast<std::byte*>(state.ssm_out) + offset_bytes;
    p.state_type = state.state_type;
    p.n_rows = span.n_rows;
    kernel(p, range.first, range.last);
  };
  const auto n_items = [n_heads = w.n_heads](const Span&) { return n_heads; };
  WorkPlan plan;
  plan.shape = {WorkKind::kScan, state_type(batch), w.head_dim * w.d_state, longest_span(batch)};
  plan.amount = scan_amount(batch, w);
  share_spans(batch, plan, n_items, kSpanRows, body);
}

void CpuBackend::store_kv(const StepBatch& batch, int layer, TensorView k, TensorView v,
                          const AttentionShape& shape) {
  const auto n_items = [n = shape.n_kv_heads](const Span&) { return n; };
  const auto body = [kernel = kernels_.kv_store, batch, layer, k, v, shape](
                        const Span& span, const WorkRange& range) {
    const kernels::KvStoreParams params{k.data + span.first_row * k.stride,
                                        v.data + span.first_row * v.stride,
                                        kv_view(batch.state_of(span), layer),
                                        span.n_rows,
                                        span.position,
                                        shape.n_kv_heads,
                                        shape.head_dim};
    kernel(params, range.first, range.last);
  };
  WorkPlan plan;
  plan.shape = {WorkKind::kKvStore, kv_type(batch), shape.head_dim, longest_span(batch)};
  plan.amount = kv_store_amount(batch);
  share_spans(batch, plan, n_items, kSpanRows, body);
}

void CpuBackend::attention(const StepBatch& batch, int layer, TensorView q, TensorView k,
                           TensorView v, const AttentionShape& shape, TensorView carry,
                           Activation out) {
  store_kv(batch, layer, k, v, shape);
  const auto n_items = [n = shape.n_kv_heads](const Span& span) { return span.n_rows * n; };
  const auto n_positions = [](const Span& span, std::int64_t phase) {
    constexpr std::int64_t kPositions = kPhaseBlocks * kernels::kKvBlockTokens;
    const std::int64_t n = span.position + span.n_rows - phase * kPositions;
    return std::clamp<std::int64_t>(n, 0, kPositions);
  };
  const auto body = [kernel = kernels_.attention, batch, layer, q, shape, carry, out](
                        const Span& span, const WorkRange& range) {
    kernels::AttentionParams params;
    params.begin_block = range.phase * kPhaseBlocks;
    params.end_block = std::min(params.begin_block + kPhaseBlocks,
                                kernels::attention_blocks(span.position, span.n_rows));
    if (params.begin_block >= params.end_block) return;
    params.q = q.data + span.first_row * q.stride;
    params.kv = kv_view(batch.state_of(span), layer);
    params.out = first_element(out) + span.first_row * out.n_columns;
    params.carry = carry.data + span.first_row * carry.stride;
    params.n_rows = span.n_rows;
    params.position = span.position;
    params.n_heads = shape.n_heads;
    params.n_kv_heads = shape.n_kv_heads;
    params.head_dim = shape.head_dim;
    params.scale = 1.0f / std::sqrt(static_cast<float>(shape.head_dim));
    kernel(params, range.first, range.last);
  };
  std::int64_t n_blocks = 1;
  for (const Span& span : batch.spans)
    n_blocks = std::max(n_blocks, kernels::attention_blocks(span.position, span.n_rows));
  const std::int64_t width = shape.n_heads / shape.n_kv_heads * shape.head_dim * 2;
  WorkPlan plan;
  plan.shape = {WorkKind::kAttention, kv_type(batch), width};  // a unit is one position
  plan.n_phases = ceil_div(n_blocks, kPhaseBlocks);
  plan.amount = attention_amount(batch, shape);
  share_spans(batch, plan, n_items, n_positions, body);
}

}  // namespace nemotron
