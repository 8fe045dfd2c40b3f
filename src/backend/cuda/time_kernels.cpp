#include "backend/cuda/time_kernels.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <map>
#include <vector>

#include "backend/compare_side.h"
#include "base/text.h"
#include "kernels/common/linear_params.h"

namespace nemotron {

namespace {

using Clock = std::chrono::steady_clock;

// Prepares an operation's memory and gives what records it.
using Prepare = std::function<std::function<void(Backend&)>(Side&)>;

constexpr int kTries = 3;  // the fastest counts: anything else on the device only adds time

// Microseconds of one run.
Result<double> time_on(Backend& backend, const Prepare& prepare, int n_runs) {
  Side side(backend);
  const std::function<void(Backend&)> record = prepare(side);
  NEMO_TRY(side.status());
  record(backend);
  NEMO_TRY(backend.synchronize());
  double best = 0.0;
  for (int i = 0; i < kTries; ++i) {
    const Clock::time_point begin = Clock::now();
    for (int run = 0; run < n_runs; ++run) record(backend);
    NEMO_TRY(backend.synchronize());
    const double us = std::chrono::duration<double, std::micro>(Clock::now() - begin).count();
    if (i == 0 || us < best) best = us;
  }
  return best / n_runs;
}

Prepare product(TensorType type, std::int64_t n_columns, std::int64_t n_rows,
                float input_scale = 0.0f) {
  return [=](Side& side) {
    MatrixSource source;
    source.type = type;
    source.n_rows = 4 * n_columns;
    source.n_columns = n_columns;
    source.input_scale = input_scale;
    // Zeros: no kernel looks at what it multiplies.
    source.read = [](std::uint64_t, std::span<std::byte> out) {
      std::fill(out.begin(), out.end(), std::byte{});
      return Status::ok();
    };
    source.progress = [](std::uint64_t) { return Status::ok(); };
    const Activation x = side.activation({n_rows, n_columns});
    const TensorView y = side.empty({n_rows, source.n_rows});
    const auto matrix = std::make_shared<Matrix>(side.upload(source));
    return [x, y, matrix](Backend& b) { b.linear(x, *matrix, y); };
  };
}

// One sequence, and what a step over some rows of it needs.
struct Sequence {
  std::vector<void*> blocks;
  std::array<SequenceState, 1> states;
  std::array<Span, 1> spans;
  StepBatch batch() const { return {spans[0].n_rows, {}, spans, states}; }
};

std::shared_ptr<Sequence> sequence_of(std::int64_t n_rows, std::int64_t position) {
  auto out = std::make_shared<Sequence>();
  out->spans[0] = {0, 0, static_cast<std::int32_t>(n_rows), position};
  return out;
}

Prepare attention(const TimedShapes& shapes, KvType type, std::int64_t n_rows) {
  return [=](Side& side) {
    const AttentionShape shape{shapes.n_heads, shapes.n_kv_heads, shapes.attention_head_dim};
    const KvLayout layout{1, shape.n_kv_heads, shape.head_dim, type};
    const auto sequence = sequence_of(n_rows, shapes.n_positions);
    for (std::int64_t at = 0; at < shapes.n_positions + n_rows; at += kernels::kKvBlockTokens)
      sequence->blocks.push_back(side.bytes(static_cast<std::size_t>(layout.block_bytes())));
    sequence->states[0].kv_blocks = sequence->blocks;
    sequence->states[0].kv_layout = layout;
    const TensorView q = side.empty({n_rows, shape.n_heads * shape.head_dim});
    const TensorView kv = side.empty({n_rows, shape.n_kv_heads * shape.head_dim});
    const Activation out = side.activation({n_rows, q.n_columns});
    const TensorView carry = side.carry(n_rows, shape);
    return [=](Backend& b) { b.attention(sequence->batch(), 0, q, kv, kv, shape, carry, out); };
  };
}

Prepare scan(const TimedShapes& shapes, std::int64_t n_rows) {
  return [=](Side& side) {
    const auto sequence = sequence_of(n_rows, 0);
    const std::int64_t d_inner = shapes.n_ssm_heads * shapes.ssm_head_dim;
    SequenceState& state = sequence->states[0];
    state.ssm_out = side.bytes(static_cast<std::size_t>(d_inner * shapes.d_state) * sizeof(float));
    state.ssm_in = state.ssm_out;
    SsmWeights w;
    w.A = w.D = w.dt_bias = side.empty({1, shapes.n_ssm_heads}).data;
    w.n_heads = shapes.n_ssm_heads;
    w.head_dim = shapes.ssm_head_dim;
    w.d_state = shapes.d_state;
    w.n_groups = shapes.n_groups;
    w.dt_max = 1.0f;
    const TensorView x = side.empty({n_rows, d_inner});
    const TensorView bc = side.empty({n_rows, d_inner});  // as wide, so that all strides are one
    const TensorView dt = side.empty({n_rows, shapes.n_ssm_heads});
    const TensorView y = side.empty({n_rows, d_inner});
    const std::int64_t n_bc = shapes.n_groups * shapes.d_state;
    return [=](Backend& b) {
      b.ssm_scan(sequence->batch(), 0, x, bc.columns(0, n_bc), bc.columns(0, n_bc), dt, w, y);
    };
  };
}

Prepare convolution(const TimedShapes& shapes, std::int64_t n_rows) {
  return [=](Side& side) {
    const auto sequence = sequence_of(n_rows, 0);
    Conv1dWeights w;
    w.conv_dim = shapes.n_ssm_heads * shapes.ssm_head_dim + 2 * shapes.n_groups * shapes.d_state;
    w.d_conv = 4;
    SequenceState& state = sequence->states[0];
    state.conv_out = side.empty({w.d_conv - 1, w.conv_dim}).data;
    state.conv_in = state.conv_out;
    w.weight = side.empty({w.d_conv, w.conv_dim}).data;
    w.bias = side.empty({1, w.conv_dim}).data;
    const TensorView x = side.empty({n_rows, w.conv_dim});
    const TensorView out = side.empty({n_rows, w.conv_dim});
    return [=](Backend& b) { b.causal_conv1d(sequence->batch(), 0, x, w, out); };
  };
}

struct Case {
  std::string name;
  CudaKernels kernels;
  Prepare prepare;
};

std::vector<Case> cases_of(const TimedShapes& shapes) {
  std::vector<Case> out;
  for (const std::int64_t n_rows : {std::int64_t{1}, shapes.n_rows}) {
    const std::string rows = n_rows == 1 ? ", 1 row" : join(", ", n_rows, " rows");
    for (const TensorType type : {TensorType::kBF16, TensorType::kF8_E4M3, TensorType::kQ5_0,
                                  TensorType::kQ8_0, TensorType::kQ4_K, TensorType::kQ6_K})
      out.push_back({join("product ", traits(type).name, rows), kProductKernels,
                     product(type, shapes.n_columns, n_rows)});
    out.push_back({"product F8_E4M3 x E4M3" + rows, kProductKernels,
                   product(TensorType::kF8_E4M3, shapes.n_columns, n_rows, 0.5f)});
    out.push_back(
        {"attention bf16" + rows, kAttentionKernels, attention(shapes, KvType::kBF16, n_rows)});
    out.push_back(
        {"attention q8" + rows, kAttentionKernels, attention(shapes, KvType::kQ8, n_rows)});
    out.push_back({"ssm_scan" + rows, kScanKernels, scan(shapes, n_rows)});
    out.push_back({"causal_conv1d" + rows, kConvolutionKernels, convolution(shapes, n_rows)});
  }
  return out;
}

}  // namespace

Result<std::uint32_t> time_kernels(CudaBackend& plain, CudaBackend& tuned,
                                   const TimedShapes& shapes,
                                   const std::function<void(const TimedOperation&)>& told) {
  std::map<CudaKernels, double> gained;  // parts of the plain times; below zero they are lost
  for (const Case& one : cases_of(shapes)) {
    TimedOperation out{one.name, one.kernels, 0.0, 0.0};
    NEMO_ASSIGN(out.plain_us, time_on(plain, one.prepare, shapes.n_runs));
    NEMO_ASSIGN(out.tuned_us, time_on(tuned, one.prepare, shapes.n_runs));
    gained[one.kernels] += 1.0 - out.tuned_us / std::max(out.plain_us, 1e-3);
    told(out);
  }
  std::uint32_t slower = 0;
  for (const auto& [kernels, gain] : gained)
    if (gain < 0.0) slower |= kernels;
  return slower;
}

}  // namespace nemotron
