// The operations of the CUDA backend: arguments for the kernels.
#include <algorithm>
#include <bit>
#include <cstring>

#include "backend/cuda/cuda_backend.h"
#include "base/checked_math.h"
#include "kernels/common/linear_params.h"
#include "kernels/cuda/packed_layout.h"

namespace nemotron {

using namespace kernels::cuda;

namespace {

constexpr std::size_t kFewBlocks = 64;  // of all sequences of a step

float* first_element(const Activation& a) { return static_cast<float*>(a.data); }

std::int64_t type_of(const Matrix& matrix) { return static_cast<std::int64_t>(matrix.type); }

// What is behind the floats of an activation: see CudaMemory::float_bytes.
float* rounded_part(const Activation& a) {
  return reinterpret_cast<float*>(static_cast<std::byte*>(a.data) +
                                  CudaMemory::float_bytes(a.n_rows, a.n_columns));
}

SpanArgs span_args(const StepBatch& batch, const Span& span) {
  const SequenceState& state = batch.state_of(span);
  SpanArgs out;
  out.first_row = span.first_row;
  out.n_rows = span.n_rows;
  out.position = span.position;
  out.conv_in = state.conv_in;
  out.conv_out = state.conv_out;
  out.ssm_in = state.ssm_in;
  out.ssm_out = state.ssm_out;
  out.state_type = state.state_type;
  out.kv_type = state.kv_layout.type;
  return out;
}

// Blocks that the span's rows see.
std::size_t n_blocks_of(const StepBatch& batch, const Span& span) {
  const auto n = static_cast<std::size_t>(kernels::attention_blocks(span.position, span.n_rows));
  return std::min(n, batch.state_of(span).kv_blocks.size());
}

}  // namespace

bf16_bits* CudaBackend::prepared(const Activation& a) const {
  return is_tuned(kProductKernels) ? reinterpret_cast<bf16_bits*>(rounded_part(a)) : nullptr;
}

// The spans, then each row's span, then the blocks of each. There is room for more blocks, so that
// nothing but what the inputs hold changes from one step of the same shape to the next.
CudaBackend::StepTable CudaBackend::table_of(const StepBatch& batch) {
  if (table_.spans != nullptr && table_spans_ == batch.spans.data() &&
      table_generation_ == queue_->generation())
    return table_;
  std::size_t n_blocks = 0;
  for (const Span& span : batch.spans) n_blocks += n_blocks_of(batch, span);
  const std::size_t spans_bytes = batch.spans.size() * sizeof(SpanArgs);
  const std::size_t rows_bytes =
      round_up(static_cast<std::size_t>(batch.n_rows) * sizeof(std::int32_t), alignof(void*));
  const std::size_t blocks_bytes = std::bit_ceil(std::max(n_blocks, kFewBlocks)) * sizeof(void*);
  const CommandQueue::Input input = queue_->add_input(spans_bytes + rows_bytes + blocks_bytes);
  table_ = {};
  if (input.host == nullptr) return table_;
  std::size_t block_at = spans_bytes + rows_bytes;
  std::byte* const rows = input.host + spans_bytes;
  for (std::size_t i = 0; i < batch.spans.size(); ++i) {
    const Span& span = batch.spans[i];
    SpanArgs args = span_args(batch, span);
    args.kv_blocks = reinterpret_cast<void* const*>(input.device + block_at);
    std::memcpy(input.host + i * sizeof args, &args, sizeof args);
    const std::size_t bytes = n_blocks_of(batch, span) * sizeof(void*);
    if (bytes > 0) std::memcpy(input.host + block_at, batch.state_of(span).kv_blocks.data(), bytes);
    block_at += bytes;
    const auto index = static_cast<std::int32_t>(i);
    for (std::int32_t row = span.first_row; row < span.first_row + span.n_rows; ++row)
      std::memcpy(rows + static_cast<std::size_t>(row) * sizeof index, &index, sizeof index);
  }
  table_ = {reinterpret_cast<const SpanArgs*>(input.device),
            reinterpret_cast<const std::int32_t*>(input.device + spans_bytes)};
  table_spans_ = batch.spans.data();
  table_generation_ = queue_->generation();
  return table_;
}

const std::int32_t* CudaBackend::send(std::span<const std::int32_t> indices) {
  const CommandQueue::Input input = queue_->add_input(indices.size_bytes());
  if (input.host == nullptr) return nullptr;
  std::memcpy(input.host, indices.data(), indices.size_bytes());
  return reinterpret_cast<const std::int32_t*>(input.device);
}

void CudaBackend::embed(const Matrix& table, std::span<const std::int32_t> tokens, TensorView out) {
  queue_->begin(static_cast<std::int64_t>(tokens.size()));
  const std::int32_t* sent = tokens.empty() ? nullptr : send(tokens);
  if (sent == nullptr) return;
  const EmbedArgs args{table.memory.data(),
                       kernels::row_bytes(table.type, table.n_columns),
                       table.n_columns,
                       sent,
                       out.data,
                       out.stride,
                       table.type};
  queue_->mark({WorkKind::kEmbed, type_of(table)},
               embed_amount(table, static_cast<std::int64_t>(tokens.size())));
  queue_->record(launch_embed(args, static_cast<std::int64_t>(tokens.size())));
}

void CudaBackend::rms_norm(TensorView x, const NormWeights& w, Activation out) {
  queue_->begin();
  queue_->mark({WorkKind::kRmsNorm}, {});
  queue_->record(launch_rms_norm(
      {x.data, w.weight, first_element(out), prepared(out), x.n_columns, x.stride, w.eps},
      x.n_rows));
}

void CudaBackend::linear(Activation x, const Matrix& weight, TensorView out) {
  queue_->begin();
  if (weight.is_packed) {
    packed_linear(x, weight, out);
  } else {
    plain_linear(x, weight, out);
  }
}

bool CudaBackend::is_native_f8(const Matrix& weight) const {
  return has_native_f8_ && weight.type == TensorType::kF8_E4M3 && weight.input_scale > 0.0f;
}

const bf16_bits* CudaBackend::round_inputs(Activation x, const Matrix& weight) {
  bf16_bits* rounded = prepared(x) + CudaMemory::prepared_bytes(x.n_rows, x.n_columns) / 2;
  const PrepareArgs args{first_element(x), rounded, x.n_columns, weight.input_scale};
  queue_->mark({WorkKind::kPrepare, type_of(weight)}, {});
  queue_->record(is_native_f8(weight) ? launch_prepare_e4m3(args, x.n_rows)
                                      : launch_prepare(args, x.n_rows));
  return rounded;
}

void CudaBackend::packed_linear(Activation x, const Matrix& weight, TensorView out) {
  PackedLinearArgs args;
  args.x = prepared(x);
  args.scale = weight.weight_scale;
  if (weight.input_scale > 0.0f) {
    args.x = round_inputs(x, weight);
    args.scale = weight.weight_scale * weight.input_scale;
  }
  args.weight = static_cast<const std::uint8_t*>(weight.memory.data());
  args.n_out = weight.n_rows;
  args.n_in = weight.n_columns;
  args.n_rows = x.n_rows;
  args.y = out.data;
  args.y_stride = out.stride;
  queue_->mark({WorkKind::kLinear, type_of(weight)},
               product_amount(weight, static_cast<double>(weight.memory.size_bytes()), x.n_rows,
                              Arithmetic::kBF16));
  queue_->record(is_native_f8(weight) ? launch_native_f8_linear(args, device_->shape())
                                      : launch_packed_linear(weight.type, args, device_->shape()));
}

void CudaBackend::plain_linear(Activation x, const Matrix& weight, TensorView out) {
  LinearArgs args;
  args.x = first_element(x);
  args.scale = weight.weight_scale;
  if (weight.input_scale > 0.0f) {
    float* rounded = rounded_part(x);
    queue_->mark({WorkKind::kPrepare, type_of(weight)}, {});
    queue_->record(launch_round_f8({args.x, rounded, x.n_rows * x.n_columns, weight.input_scale}));
    args.x = rounded;
    args.scale = weight.weight_scale * weight.input_scale;
  }
  args.weight = weight.memory.data();
  args.row_bytes = kernels::row_bytes(weight.type, weight.n_columns);
  args.n_out = weight.n_rows;
  args.n_in = weight.n_columns;
  args.n_rows = x.n_rows;
  args.y = out.data;
  args.y_stride = out.stride;
  queue_->mark({WorkKind::kLinear, type_of(weight)},
               product_amount(weight, static_cast<double>(args.row_bytes * args.n_out), x.n_rows,
                              Arithmetic::kF32));
  queue_->record(launch_linear(weight.type, args));
}

PackedLinearArgs* CudaBackend::product_that_makes(const TensorView& x) {
  Launch* launch = queue_->last_launch();
  if (launch == nullptr || !is_packed_linear(*launch)) return nullptr;
  auto* args = reinterpret_cast<PackedLinearArgs*>(launch->args.data());
  const bool is_it = args->y == x.data && args->y_stride == x.stride && args->n_rows == x.n_rows &&
                     args->n_out == x.n_columns && args->epilogue == Epilogue::kStore;
  return is_it ? args : nullptr;
}

void CudaBackend::relu2(TensorView x, Activation out) {
  queue_->begin();
  if (PackedLinearArgs* product = product_that_makes(x)) {
    product->epilogue = Epilogue::kRelu2;
    product->y = first_element(out);
    product->y_stride = out.n_columns;
    product->y_prepared = prepared(out);
    return;
  }
  queue_->mark({WorkKind::kElementwise}, {});
  queue_->record(launch_relu2({x.data, first_element(out), prepared(out), x.n_columns}, x.n_rows));
}

void CudaBackend::add(TensorView x, TensorView residual) {
  queue_->begin();
  if (PackedLinearArgs* product = product_that_makes(x)) {
    product->epilogue = Epilogue::kAdd;
    product->y = residual.data;
    product->y_stride = residual.stride;
    return;
  }
  queue_->mark({WorkKind::kElementwise}, {});
  queue_->record(launch_add({x.data, residual.data, x.n_rows * x.n_columns}));
}

void CudaBackend::gather_rows(TensorView x, std::span<const std::int32_t> rows, TensorView out) {
  queue_->begin();
  const std::int32_t* sent = rows.empty() ? nullptr : send(rows);
  if (sent == nullptr) return;
  queue_->mark({WorkKind::kGather}, {});
  queue_->record(launch_gather_rows({x.data, sent, out.data, x.n_columns, x.stride, out.stride},
                                    static_cast<std::int64_t>(rows.size())));
}

void CudaBackend::gated_group_norm(TensorView y, TensorView z, const NormWeights& w,
                                   Activation out) {
  queue_->begin();
  queue_->mark({WorkKind::kGatedNorm}, {});
  queue_->record(
      launch_gated_group_norm({y.data, z.data, w.weight, first_element(out), prepared(out),
                               y.n_columns, y.stride, z.stride, w.n_groups, w.eps},
                              y.n_rows));
}

void CudaBackend::causal_conv1d(const StepBatch& batch, int layer, TensorView xBC,
                                const Conv1dWeights& w, TensorView out) {
  queue_->begin();
  const StepTable table = table_of(batch);
  if (table.spans == nullptr) return;
  const CausalConv1dArgs args{table.spans, xBC.data,   w.weight,   w.bias,   out.data,
                              xBC.stride,  out.stride, w.conv_dim, w.d_conv, layer};
  queue_->mark({WorkKind::kConv}, conv_amount(batch, w));
  const auto n_spans = static_cast<std::int64_t>(batch.spans.size());
  if (!is_tuned(kConvolutionKernels) || !can_convolve_in_registers(args))
    return queue_->record(launch_causal_conv1d(args, n_spans));
  std::int64_t n_span_rows = 0;
  for (const Span& span : batch.spans)
    n_span_rows = std::max<std::int64_t>(n_span_rows, span.n_rows);
  queue_->record(launch_conv1d_in_registers(args, n_spans, n_span_rows));
}

void CudaBackend::ssm_scan(const StepBatch& batch, int layer, TensorView x, TensorView B,
                           TensorView C, TensorView dt, const SsmWeights& w, TensorView y) {
  queue_->begin();
  const StepTable table = table_of(batch);
  if (table.spans == nullptr) return;
  SsmScanArgs args;
  args.spans = table.spans;
  args.x = x.data;
  args.B = B.data;
  args.C = C.data;
  args.dt = dt.data;
  args.dt_bias = w.dt_bias;
  args.A = w.A;
  args.D = w.D;
  args.y = y.data;
  args.x_stride = x.stride;
  args.dt_stride = dt.stride;
  args.y_stride = y.stride;
  args.n_heads = w.n_heads;
  args.head_dim = w.head_dim;
  args.d_state = w.d_state;
  args.n_groups = w.n_groups;
  args.layer = layer;
  args.dt_min = w.dt_min;
  args.dt_max = w.dt_max;
  queue_->mark({WorkKind::kScan, state_type(batch)}, scan_amount(batch, w));
  const auto n_spans = static_cast<std::int64_t>(batch.spans.size());
  queue_->record(is_tuned(kScanKernels) && can_scan_in_registers(args)
                     ? launch_scan_in_registers(args, n_spans)
                     : launch_ssm_scan(args, n_spans));
}

}  // namespace nemotron
