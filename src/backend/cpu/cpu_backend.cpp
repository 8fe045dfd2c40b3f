#include "backend/cpu/cpu_backend.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

#include "backend/cpu/fp8_scaling.h"
#include "backend/cpu/pack_weights.h"
#include "base/checked_math.h"
#include "io/page_buffer.h"
#include "threading/thread_pool.h"

namespace nemotron {

namespace {

using kernels::KernelTable;

// Pieces per thread: enough for threads of unequal speed to even out.
constexpr std::int64_t kPiecesPerThread = 4;
constexpr std::size_t kAlignment = 64;
constexpr std::int64_t kChannels = 64;       // of a convolution that one thread takes at once
constexpr std::int64_t kPrepareGrain = 512;  // blocks of prepared columns not worth another thread

class CpuBackend final : public Backend {
 public:
  CpuBackend(const CpuBackendOptions& options, std::unique_ptr<ThreadPool> pool)
      : kernels_(*options.kernels),
        pool_(std::move(pool)),
        fp8_weight_only_(options.fp8_weight_only) {}

  const char* name() const override { return kernels_.name; }

  Result<DeviceBuffer> allocate(std::size_t size_bytes) override;
  void zero(const DeviceBuffer& buffer) override;
  Status read(const float* device, std::span<float> host) override;
  Status write(const DeviceBuffer& device, std::span<const float> host) override;
  void copy(void* to, const void* from, std::size_t size_bytes) override {
    std::memcpy(to, from, size_bytes);
  }
  Status reserve_operations(std::size_t) override { return Status::ok(); }
  Result<bool> advance(const RunLimit&) override { return true; }
  Status synchronize() override { return Status::ok(); }
  Result<Matrix> upload(const MatrixSource& source) override;
  std::size_t activation_bytes(std::int64_t n_rows, std::int64_t n_columns) const override;

  void embed(const Matrix& table, std::span<const std::int32_t> tokens, TensorView out) override;
  void rms_norm(TensorView x, const NormWeights& w, Activation out) override;
  void linear(Activation x, const Matrix& weight, TensorView out) override;
  void relu2(TensorView x, Activation out) override;
  void add(TensorView x, TensorView residual) override;
  void gather_rows(TensorView x, std::span<const std::int32_t> rows, TensorView out) override;
  void gated_group_norm(TensorView y, TensorView z, const NormWeights& w, Activation out) override;

  void causal_conv1d(const StepBatch& batch, int layer, TensorView xBC, const Conv1dWeights& w,
                     TensorView out) override;
  void ssm_scan(const StepBatch& batch, int layer, TensorView x, TensorView B, TensorView C,
                TensorView dt, const SsmWeights& w, TensorView y) override;
  void attention(const StepBatch& batch, int layer, TensorView q, TensorView k, TensorView v,
                 const AttentionShape& shape, TensorView carry, Activation out) override;

 private:
  // Calls kernel(params, first, last) over [0, n) in pieces that begin at multiples of `unit`.
  template <typename Params>
  void share(void (*kernel)(const Params&, std::int64_t, std::int64_t), const Params& params,
             std::int64_t n, std::int64_t unit = 1) {
    pool_->parallel_for(n, grain(n, unit), [&](std::int64_t first, std::int64_t last, int) {
      kernel(params, first, last);
    });
  }
  // The same over all spans at once: body(span, first, last) over [0, n_items(span)).
  template <typename Count, typename Body>
  void share_spans(const StepBatch& batch, const Count& n_items, const Body& body);

  std::int64_t grain(std::int64_t n, std::int64_t unit = 1) const {
    return ceil_div(ceil_div(n, pool_->n_threads() * kPiecesPerThread), unit) * unit;
  }
  void prepare(const kernels::PrepareParams& params);
  Status reserve_scratch(TensorType type, std::int64_t n_columns);
  std::byte* scratch(int thread) const {
    return static_cast<std::byte*>(scratch_.data()) +
           scratch_bytes_ * static_cast<std::size_t>(thread);
  }

  const KernelTable& kernels_;
  std::unique_ptr<ThreadPool> pool_;
  DeviceBuffer scratch_;  // [n_threads, scratch_bytes_]
  std::size_t scratch_bytes_ = 0;
  bool fp8_weight_only_ = false;
};

template <typename Count, typename Body>
void CpuBackend::share_spans(const StepBatch& batch, const Count& n_items, const Body& body) {
  std::int64_t total = 0;
  for (const Span& span : batch.spans) total += n_items(span);
  pool_->parallel_for(total, grain(total), [&](std::int64_t first, std::int64_t last, int) {
    for (const Span& span : batch.spans) {
      const std::int64_t n = n_items(span);
      if (first < n && last > 0) body(span, std::max<std::int64_t>(first, 0), std::min(last, n));
      first -= n;
      last -= n;
    }
  });
}

// An activation: rows of floats, and behind them room for what a level's `prepare` writes.
float* first_element(const Activation& a) { return static_cast<float*>(a.data); }

std::size_t float_bytes(std::int64_t n_rows, std::int64_t n_columns) {
  return round_up(static_cast<std::size_t>(n_rows * n_columns) * sizeof(float), kAlignment);
}

void* prepared_part(const Activation& a) {
  return static_cast<std::byte*>(a.data) + float_bytes(a.n_rows, a.n_columns);
}

kernels::KvView kv_view(const SequenceState& state, int layer) {
  const std::int64_t part = state.kv_layout.part_bytes();
  return {state.kv_blocks.data(), 2 * layer * part, (2 * layer + 1) * part, state.kv_layout.type};
}

Result<DeviceBuffer> CpuBackend::allocate(std::size_t size_bytes) {
  auto pages = std::make_shared<PageBuffer>(PageBuffer::allocate(size_bytes));
  if (!pages->is_valid())
    return Status(StatusCode::kOutOfMemory,
                  "cannot allocate " + std::to_string(size_bytes) + " bytes");
  void* data = pages->data();
  return DeviceBuffer(std::shared_ptr<void>(std::move(pages), data), size_bytes);
}

void CpuBackend::zero(const DeviceBuffer& buffer) {
  std::memset(buffer.data(), 0, buffer.size_bytes());
}

Status CpuBackend::read(const float* device, std::span<float> host) {
  std::memcpy(host.data(), device, host.size_bytes());
  return Status::ok();
}

Status CpuBackend::write(const DeviceBuffer& device, std::span<const float> host) {
  std::memcpy(device.data(), host.data(), host.size_bytes());
  return Status::ok();
}

Result<Matrix> CpuBackend::upload(const MatrixSource& source) {
  Matrix matrix{{},
                source.type,
                source.n_rows,
                source.n_columns,
                source.weight_scale,
                fp8_weight_only_ ? 0.0f : source.input_scale};
  NEMO_ASSIGN(matrix.memory, allocate(stored_bytes(source, kernels_)));
  NEMO_TRY(pack_weights(source, kernels_, *pool_, static_cast<std::byte*>(matrix.memory.data())));
  if (source.use == MatrixUse::kProduct) NEMO_TRY(reserve_scratch(source.type, source.n_columns));
  return matrix;
}

Status CpuBackend::reserve_scratch(TensorType type, std::int64_t n_columns) {
  const std::size_t bytes = round_up(
      static_cast<std::size_t>(kernels_.linear_scratch_bytes(type, n_columns)), kAlignment);
  if (bytes <= scratch_bytes_) return Status::ok();
  NEMO_ASSIGN(scratch_, allocate(bytes * static_cast<std::size_t>(pool_->n_threads())));
  scratch_bytes_ = bytes;
  return Status::ok();
}

std::size_t CpuBackend::activation_bytes(std::int64_t n_rows, std::int64_t n_columns) const {
  std::int64_t prepared = 0;
  for (int i = 0; i < kNumTensorTypes; ++i)
    prepared =
        std::max(prepared, kernels_.prepared_bytes(static_cast<TensorType>(i), n_rows, n_columns));
  return float_bytes(n_rows, n_columns) + static_cast<std::size_t>(prepared);
}

void CpuBackend::embed(const Matrix& table, std::span<const std::int32_t> tokens, TensorView out) {
  const kernels::EmbedParams params{
      table.memory.data(), table.type,    kernels::row_bytes(table.type, table.n_columns),
      table.n_columns,     tokens.data(), out.data};
  share(kernels_.embed, params, static_cast<std::int64_t>(tokens.size()));
}

void CpuBackend::rms_norm(TensorView x, const NormWeights& w, Activation out) {
  const kernels::RmsNormParams params{x.data, w.weight, first_element(out), x.n_columns, w.eps};
  share(kernels_.rms_norm, params, x.n_rows);
}

void CpuBackend::prepare(const kernels::PrepareParams& params) {
  const std::int64_t unit = std::max<std::int64_t>(1, kPrepareGrain / params.n_rows);
  share(kernels_.prepare, params, ceil_div(params.n_in, kernels::kPrepareColumns), unit);
}

void CpuBackend::linear(Activation x, const Matrix& weight, TensorView out) {
  void* prepared = prepared_part(x);
  if (kernels_.prepared_bytes(weight.type, x.n_rows, x.n_columns) > 0)
    prepare({weight.type, first_element(x), x.n_rows, x.n_columns, weight.input_scale, prepared});
  const kernels::LinearParams params{weight.memory.data(),
                                     weight.type,
                                     weight.n_rows,
                                     weight.n_columns,
                                     first_element(x),
                                     prepared,
                                     x.n_rows,
                                     out.data,
                                     out.stride};
  const float input_scale = weight.input_scale > 0.0f ? weight.input_scale : 1.0f;
  const float output_scale = weight.weight_scale * input_scale;
  pool_->parallel_for(weight.n_rows, grain(weight.n_rows, kernels::kTileRows),
                      [&](std::int64_t first, std::int64_t last, int thread) {
                        kernels_.linear(params, first, last, scratch(thread));
                        if (output_scale != 1.0f) scale_columns(out, first, last, output_scale);
                      });
}

void CpuBackend::relu2(TensorView x, Activation out) {
  const std::int64_t n = x.n_rows * x.n_columns;
  pool_->parallel_for(n, grain(n), [&](std::int64_t first, std::int64_t last, int) {
    kernels_.relu2(x.data, first_element(out), first, last);
  });
}

void CpuBackend::add(TensorView x, TensorView residual) {
  const std::int64_t n = x.n_rows * x.n_columns;
  pool_->parallel_for(n, grain(n), [&](std::int64_t first, std::int64_t last, int) {
    kernels_.add(x.data, residual.data, first, last);
  });
}

void CpuBackend::gather_rows(TensorView x, std::span<const std::int32_t> rows, TensorView out) {
  for (std::size_t i = 0; i < rows.size(); ++i)
    std::copy_n(x.data + rows[i] * x.stride, x.n_columns,
                out.data + static_cast<std::int64_t>(i) * out.stride);
}

void CpuBackend::gated_group_norm(TensorView y, TensorView z, const NormWeights& w,
                                  Activation out) {
  const kernels::GatedGroupNormParams params{y.data,      z.data,   w.weight,   first_element(out),
                                             y.n_columns, z.stride, w.n_groups, w.eps};
  share(kernels_.gated_group_norm, params, y.n_rows);
}

void CpuBackend::causal_conv1d(const StepBatch& batch, int layer, TensorView xBC,
                               const Conv1dWeights& w, TensorView out) {
  const std::int64_t state_size = (w.d_conv - 1) * w.conv_dim;
  const auto n_items = [&](const Span&) { return ceil_div(w.conv_dim, kChannels); };
  share_spans(batch, n_items, [&](const Span& span, std::int64_t first, std::int64_t last) {
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
    kernels_.causal_conv1d(params, first * kChannels, std::min(last * kChannels, w.conv_dim));
  });
}

void CpuBackend::ssm_scan(const StepBatch& batch, int layer, TensorView x, TensorView B,
                          TensorView C, TensorView dt, const SsmWeights& w, TensorView y) {
  const std::int64_t state_size = w.n_heads * w.head_dim * w.d_state;
  const auto n_items = [&](const Span&) { return w.n_heads; };
  share_spans(batch, n_items, [&](const Span& span, std::int64_t first, std::int64_t last) {
    kernels::SsmScanParams params;
    params.x = x.data + span.first_row * x.stride;
    params.B = B.data + span.first_row * B.stride;
    params.C = C.data + span.first_row * C.stride;
    params.dt = dt.data + span.first_row * dt.stride;
    params.dt_bias = w.dt_bias;
    params.A = w.A;
    params.D = w.D;
    const SequenceState& state = batch.state_of(span);
    const std::int64_t offset =
        layer * state_size * static_cast<std::int64_t>(state_element_bytes(state.state_type));
    params.state_in = static_cast<const std::byte*>(state.ssm_in) + offset;
    params.state_out = static_cast<std::byte*>(state.ssm_out) + offset;
    params.state_type = state.state_type;
    params.y = y.data + span.first_row * y.stride;
    params.n_rows = span.n_rows;
    params.x_stride = x.stride;
    params.dt_stride = dt.stride;
    params.n_heads = w.n_heads;
    params.head_dim = w.head_dim;
    params.d_state = w.d_state;
    params.n_groups = w.n_groups;
    params.dt_min = w.dt_min;
    params.dt_max = w.dt_max;
    kernels_.ssm_scan(params, first, last);
  });
}

void CpuBackend::attention(const StepBatch& batch, int layer, TensorView q, TensorView k,
                           TensorView v, const AttentionShape& shape, TensorView carry,
                           Activation out) {
  const auto n_kv_heads = [&](const Span&) { return shape.n_kv_heads; };
  share_spans(batch, n_kv_heads, [&](const Span& span, std::int64_t first, std::int64_t last) {
    const kernels::KvStoreParams params{k.data + span.first_row * k.stride,
                                        v.data + span.first_row * v.stride,
                                        kv_view(batch.state_of(span), layer),
                                        span.n_rows,
                                        span.position,
                                        shape.n_kv_heads,
                                        shape.head_dim};
    kernels_.kv_store(params, first, last);
  });
  const auto n_pairs = [&](const Span& span) { return span.n_rows * shape.n_kv_heads; };
  share_spans(batch, n_pairs, [&](const Span& span, std::int64_t first, std::int64_t last) {
    kernels::AttentionParams params;
    params.q = q.data + span.first_row * q.stride;
    params.kv = kv_view(batch.state_of(span), layer);
    params.out = first_element(out) + span.first_row * out.n_columns;
    params.carry = carry.data + span.first_row * carry.stride;
    params.end_block = kernels::attention_blocks(span.position, span.n_rows);
    params.n_rows = span.n_rows;
    params.position = span.position;
    params.n_heads = shape.n_heads;
    params.n_kv_heads = shape.n_kv_heads;
    params.head_dim = shape.head_dim;
    params.scale = 1.0f / std::sqrt(static_cast<float>(shape.head_dim));
    kernels_.attention(params, first, last);
  });
}

}  // namespace

Result<std::unique_ptr<Backend>> make_cpu_backend(const CpuBackendOptions& options) {
  const int n_threads = options.n_threads > 0 ? options.n_threads : usable_processors();
  NEMO_ASSIGN(auto pool, ThreadPool::create(n_threads));
  return std::unique_ptr<Backend>(new CpuBackend(options, std::move(pool)));
}

}  // namespace nemotron
