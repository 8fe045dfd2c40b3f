// The operations of the CPU backend that treat each row, or each element, by itself.
#include <algorithm>

#include "backend/cpu/cpu_backend.h"
#include "backend/cpu/fp8_scaling.h"
#include "backend/cpu/mapped_weights.h"
#include "base/checked_math.h"

namespace nemotron {

namespace {

constexpr std::int64_t kPrepareGrain = 512;  // blocks of prepared columns not worth another range

void* prepared_part(const Activation& a) {
  return static_cast<std::byte*>(a.data) + CpuMemory::float_bytes(a.n_rows, a.n_columns);
}

// Where a matrix begins: packed tiles or, where it is mapped or for looking up, rows.
const void* first_byte(const Matrix& matrix) {
  return matrix.mapped_rows != nullptr ? matrix.mapped_rows.get() : matrix.memory.data();
}

void linear_from_tiles(const kernels::KernelTable& kernels, const kernels::LinearParams& p,
                       std::int64_t first, std::int64_t last, std::byte* scratch) {
  kernels.linear(p, first, last, scratch);
}

WorkPlan plan_of(std::int64_t n_items, const WorkShape& shape, std::int64_t unit = 1) {
  WorkPlan plan;
  plan.n_items = n_items;
  plan.unit = unit;
  plan.shape = shape;
  return plan;
}

// Of packed tiles.
WorkAmount tiles_amount(const kernels::KernelTable& kernels, const Matrix& weight,
                        std::int64_t n_rows) {
  const auto n_tiles = static_cast<double>(ceil_div(weight.n_rows, kernels::kTileRows));
  const auto tile_bytes = static_cast<double>(kernels.tile_bytes(weight.type, weight.n_columns));
  return product_amount(weight, n_tiles * tile_bytes, n_rows,
                        kernels.arithmetic(weight.type, weight.n_columns));
}

}  // namespace

Status CpuBackend::read_activation(Activation x, std::span<float> rows) {
  return read(first_element(x), rows);
}

void CpuBackend::embed(const Matrix& table, std::span<const std::int32_t> tokens, TensorView out) {
  const kernels::EmbedParams params{
      first_byte(table), table.type,    kernels::row_bytes(table.type, table.n_columns),
      table.n_columns,   tokens.data(), out.data};
  const auto type = static_cast<std::int64_t>(table.type);
  const auto n_tokens = static_cast<std::int64_t>(tokens.size());
  WorkPlan plan = plan_of(n_tokens, {WorkKind::kEmbed, type, table.n_columns});
  plan.amount = embed_amount(table, n_tokens);
  share(kernels_.embed, params, plan);
}

void CpuBackend::rms_norm(TensorView x, const NormWeights& w, Activation out) {
  const kernels::RmsNormParams params{x.data, w.weight, first_element(out), x.n_columns, w.eps};
  share(kernels_.rms_norm, params, plan_of(x.n_rows, {WorkKind::kRmsNorm, 0, x.n_columns}));
}

void CpuBackend::prepare(const kernels::PrepareParams& params) {
  const std::int64_t unit = std::max<std::int64_t>(1, kPrepareGrain / params.n_rows);
  const auto type = static_cast<std::int64_t>(params.type);
  share(kernels_.prepare, params,
        plan_of(ceil_div(params.n_in, kernels::kPrepareColumns),
                {WorkKind::kPrepare, type, kernels::kPrepareColumns, params.n_rows}, unit));
}

void CpuBackend::linear(Activation x, const Matrix& weight, TensorView out) {
  void* prepared = prepared_part(x);
  if (kernels_.prepared_bytes(weight.type, x.n_rows, x.n_columns) > 0)
    prepare({weight.type, first_element(x), x.n_rows, x.n_columns, weight.input_scale, prepared});
  const kernels::LinearParams params{first_byte(weight), weight.type,      weight.n_rows,
                                     weight.n_columns,   first_element(x), prepared,
                                     x.n_rows,           out.data,         out.stride};
  const float input_scale = weight.input_scale > 0.0f ? weight.input_scale : 1.0f;
  const float output_scale = weight.weight_scale * input_scale;
  const auto type = static_cast<std::int64_t>(weight.type);
  const auto product = weight.mapped_rows != nullptr ? linear_from_rows : linear_from_tiles;
  const WorkShape shape{WorkKind::kLinear, type, weight.n_columns, x.n_rows};
  WorkPlan plan = plan_of(weight.n_rows, shape, kernels::kTileRows);
  plan.amount = tiles_amount(kernels_, weight, x.n_rows);
  queue_.record(plan, [this, params, out, output_scale, product](const WorkRange& range) {
    product(kernels_, params, range.first, range.last, scratch(range.thread));
    if (output_scale != 1.0f) scale_columns(out, range.first, range.last, output_scale);
  });
}

void CpuBackend::relu2(TensorView x, Activation out) {
  queue_.record(plan_of(x.n_rows * x.n_columns, {WorkKind::kElementwise}),
                [kernel = kernels_.relu2, x, y = first_element(out)](const WorkRange& range) {
                  kernel(x.data, y, range.first, range.last);
                });
}

void CpuBackend::add(TensorView x, TensorView residual) {
  queue_.record(plan_of(x.n_rows * x.n_columns, {WorkKind::kElementwise}),
                [kernel = kernels_.add, x, residual](const WorkRange& range) {
                  kernel(x.data, residual.data, range.first, range.last);
                });
}

void CpuBackend::gather_rows(TensorView x, std::span<const std::int32_t> rows, TensorView out) {
  const WorkShape shape{WorkKind::kGather, 0, x.n_columns};
  queue_.record(plan_of(static_cast<std::int64_t>(rows.size()), shape),
                [x, rows, out](const WorkRange& range) {
                  for (std::int64_t i = range.first; i < range.last; ++i)
                    std::copy_n(x.data + rows[static_cast<std::size_t>(i)] * x.stride, x.n_columns,
                                out.data + i * out.stride);
                });
}

void CpuBackend::gated_group_norm(TensorView y, TensorView z, const NormWeights& w,
                                  Activation out) {
  const kernels::GatedGroupNormParams params{y.data,      z.data,   w.weight,   first_element(out),
                                             y.n_columns, z.stride, w.n_groups, w.eps};
  share(kernels_.gated_group_norm, params,
        plan_of(y.n_rows, {WorkKind::kGatedNorm, 0, y.n_columns}));
}

}  // namespace nemotron
