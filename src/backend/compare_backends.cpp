#include "backend/compare_backends.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <random>
#include <utility>
#include <vector>

#include "backend/compare_side.h"
#include "base/text.h"
#include "kernels/common/linear_params.h"
#include "quant/block_formats.h"
#include "quant/quantize.h"

namespace nemotron {

namespace {

// Sums of some hundred products in f32, in another order: some 1e-7 of them.
constexpr double kBound = 1e-5;
// Where a backend may round queries and weights to bf16, each by at most 2^-9 of itself.
constexpr double kAttentionBound = 0x1p-8;
// Of instructions for products of E4M3 numbers, which add up with about 13 bits.
constexpr double kF8Bound = 0x1p-12;

using Body = std::function<Floats(Side&)>;

double relative_error(const Floats& found, const Floats& expected) {
  double difference = 0.0, size = 0.0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const double d = double{found[i]} - expected[i];
    difference += d * d;
    size += double{expected[i]} * expected[i];
  }
  return std::sqrt(difference / std::max(size, 1e-30));  // a NaN stays one, and is no number below
}

class Comparison {
 public:
  Comparison(Backend& backend, Backend& reference,
             const std::function<void(const ComparedOperation&)>& told)
      : backend_(backend), reference_(reference), told_(told) {}

  // Runs the body on both sides. Whether there is any sense in going on.
  void run(const std::string& name, const Body& body, double bound = kBound) {
    if (!status_.is_ok()) return;
    Side side(backend_), truth(reference_);
    const Floats found = body(side);
    const Floats expected = body(truth);
    status_ = truth.status();
    if (!status_.is_ok()) return;
    ComparedOperation out{name, 0.0, bound, side.status()};
    if (out.status.is_ok()) out.error = relative_error(found, expected);
    told_(out);
    if (out.status.code() == StatusCode::kDeviceLost) status_ = out.status;
  }
  const Status& status() const { return status_; }

 private:
  Backend& backend_;
  Backend& reference_;
  const std::function<void(const ComparedOperation&)>& told_;
  Status status_;
};

constexpr Dimensions kRows = {9, 256};  // over the rows that a kernel takes at once, and not alike
// For products, of which there may be kernels for few rows and for many.
constexpr std::array<std::int64_t, 3> kProductRows = {3, kRows.n_rows, 40};

void fill(TensorType type, const Floats& weights, std::vector<std::byte>& stored) {
  if (can_quantize(type)) return quantize(type, weights.data(), weights.size(), stored.data());
  std::mt19937 random(21);  // NVFP4: any bytes are a block, but scales that are large or NaN
  for (std::size_t i = 0; i < stored.size(); ++i)
    stored[i] = static_cast<std::byte>(random() & (i % sizeof(BlockNVFP4) < 4 ? 0x3fu : 0xffu));
}

// -15/16 to 15/16: numbers whose squares bf16 holds, so that who rounds to it rounds nothing.
Floats sixteenths(std::size_t n, unsigned seed) {
  Floats out = random_floats(n, seed);
  for (float& value : out) value = std::round(value * 15.0f) / 16.0f;
  return out;
}

// A product, and then rows by index of a table of the same bytes.
Floats linear(Side& side, TensorType type, float input_scale) {
  const std::int64_t n_out = 77;
  const Floats weights = random_floats(static_cast<std::size_t>(n_out * kRows.n_columns), 1);
  std::vector<std::byte> stored(
      static_cast<std::size_t>(n_out * kernels::row_bytes(type, kRows.n_columns)));
  fill(type, weights, stored);
  MatrixSource source;
  source.type = type;
  source.n_rows = n_out;
  source.n_columns = kRows.n_columns;
  source.weight_scale = 0.5f;
  source.input_scale = input_scale;
  source.read = [&](std::uint64_t offset, std::span<std::byte> out) {
    std::copy_n(stored.begin() + static_cast<std::ptrdiff_t>(offset), out.size(), out.begin());
    return Status::ok();
  };
  source.progress = [](std::uint64_t) { return Status::ok(); };
  const Matrix matrix = side.upload(source);
  Floats out;
  for (const std::int64_t n_rows : kProductRows) {
    const Dimensions rows{n_rows, kRows.n_columns};
    const Activation x = side.squares(rows, sixteenths(rows.size(), 2));
    const TensorView y = side.empty({n_rows, n_out});
    side.run([&](Backend& b) { b.linear(x, matrix, y); });
    for (const float value : side.read(y.data, static_cast<std::size_t>(n_rows * n_out)))
      out.push_back(value);
  }
  source.use = MatrixUse::kLookup;
  const Matrix table = side.upload(source);
  const std::array<std::int32_t, 3> tokens = {76, 0, 41};
  const TensorView looked_up = side.empty({3, kRows.n_columns});
  side.run([&](Backend& b) { b.embed(table, tokens, looked_up); });
  for (const float value : side.read(looked_up.data, static_cast<std::size_t>(3 * kRows.n_columns)))
    out.push_back(value);
  return out;
}

Floats rms_norm(Side& side) {
  const NormWeights w{side.floats(random_floats(256, 3)), 1, 1e-5f};
  const Activation out = side.activation(kRows);
  const TensorView x = side.tensor(kRows, random_floats(kRows.size(), 4));
  side.run([&](Backend& b) { b.rms_norm(x, w, out); });
  return side.read(out);
}

Floats gated_group_norm(Side& side) {
  const NormWeights w{side.floats(random_floats(256, 5)), 4, 1e-5f};
  const Activation out = side.activation(kRows);
  const Dimensions wide{kRows.n_rows, 300};
  const TensorView z =
      side.tensor(wide, random_floats(wide.size(), 6, -6.0f, 6.0f)).columns(5, 256);
  const TensorView y = side.tensor(kRows, random_floats(kRows.size(), 7));
  side.run([&](Backend& b) { b.gated_group_norm(y, z, w, out); });
  return side.read(out);
}

Floats elementwise(Side& side) {
  const TensorView residual = side.tensor(kRows, random_floats(kRows.size(), 8));
  const TensorView x = side.tensor(kRows, random_floats(kRows.size(), 9));
  const std::array<std::int32_t, 3> rows = {8, 0, 3};
  const TensorView gathered = side.empty({3, kRows.n_columns});
  side.run([&](Backend& b) {
    b.add(x, residual);
    b.gather_rows(residual, rows, gathered);
  });
  Floats out = side.read(residual.data, kRows.size());
  const Activation squares = side.squares(kRows, out);
  for (const float value : side.read(gathered.data, static_cast<std::size_t>(3 * kRows.n_columns)))
    out.push_back(value);
  for (const float value : side.read(squares)) out.push_back(value);
  return out;
}

// Greedy, at the model's default, and with both filters.
Floats choose_tokens(Side& side) {
  const Dimensions d{3, 3001};
  const TensorView logits = side.tensor(d, random_floats(d.size(), 40, -9.0f, 9.0f));
  std::array<TokenChoice, 3> choices;
  for (std::size_t i = 0; i < choices.size(); ++i)
    choices[i] = {static_cast<std::int64_t>(2 - i), 3000, {}, 17 * i};
  choices[0].params.mode = SamplingMode::kGreedy;
  choices[2].params = {SamplingMode::kLiteral, 1.5f, 200, 0.9f, 41};
  Floats out(choices.size());
  side.run([&](Backend& b) {
    b.choose_tokens(logits, choices);
    for (std::size_t i = 0; i < choices.size(); ++i) {
      Result<SampledToken> token = b.chosen_token(i);
      if (!token.is_ok()) return side.keep(std::move(token).status());
      out[i] = token->fault == SamplingFault::kNone ? static_cast<float>(token->id) : -1.0f;
    }
  });
  return out;
}

// Two sequences: one of a single row, one of the others.
constexpr std::array<Span, 2> kSpans = {Span{0, 0, 1, 70}, Span{1, 1, 8, 60}};
constexpr int kLayer = 1;

struct Sequences {
  std::array<SequenceState, 2> states;
  StepBatch batch() const { return {kRows.n_rows, {}, kSpans, states}; }
};

Floats convolution(Side& side) {
  const std::int64_t dim = 150, d_conv = 4;
  const std::size_t state = static_cast<std::size_t>(2 * (d_conv - 1) * dim);
  Sequences s;
  for (std::size_t i = 0; i < 2; ++i) {
    float* memory = side.floats(random_floats(state, 10 + static_cast<std::uint32_t>(i)));
    s.states[i].conv_in = s.states[i].conv_out = memory;
  }
  const Dimensions d{kRows.n_rows, dim};
  const Conv1dWeights w{side.floats(random_floats(static_cast<std::size_t>(d_conv * dim), 12)),
                        side.floats(random_floats(static_cast<std::size_t>(dim), 13)), dim, d_conv};
  const TensorView out = side.empty(d);
  const TensorView xBC = side.tensor(d, random_floats(d.size(), 14));
  side.run([&](Backend& b) { b.causal_conv1d(s.batch(), kLayer, xBC, w, out); });
  Floats values = side.read(out.data, d.size());
  for (const SequenceState& after : s.states)
    for (const float value : side.read(after.conv_out, state)) values.push_back(value);
  return values;
}

Floats scan(Side& side, StateType type) {
  const std::int64_t n_heads = 6, head_dim = 40, d_state = 24, n_groups = 3;
  const std::size_t state = static_cast<std::size_t>(2 * n_heads * head_dim * d_state);
  Sequences s;
  for (SequenceState& sequence : s.states) {
    sequence.ssm_in = side.bytes(state * state_element_bytes(type));  // zeros, and kept
    sequence.ssm_out = side.bytes(state * state_element_bytes(type));
    sequence.state_type = type;
  }
  const Dimensions wide{kRows.n_rows, n_heads * head_dim + 2 * n_groups * d_state};
  const TensorView xBC = side.tensor(wide, random_floats(wide.size(), 15));
  const auto heads = [&](std::uint32_t seed, float low, float high) {
    return side.floats(random_floats(static_cast<std::size_t>(n_heads), seed, low, high));
  };
  const SsmWeights w{heads(16, -4.0f, -0.1f),
                     heads(17, -1.0f, 1.0f),
                     heads(18, -1.0f, 1.0f),
                     n_heads,
                     head_dim,
                     d_state,
                     n_groups,
                     0.001f,
                     2.0f};
  const Dimensions dt{kRows.n_rows, n_heads};
  const Dimensions d{kRows.n_rows, n_heads * head_dim};
  const TensorView y = side.empty(d);
  const TensorView dt_rows = side.tensor(dt, random_floats(dt.size(), 19));
  const std::int64_t bc = n_groups * d_state;
  side.run([&](Backend& b) {
    b.ssm_scan(s.batch(), kLayer, xBC.columns(0, d.n_columns), xBC.columns(d.n_columns, bc),
               xBC.columns(d.n_columns + bc, bc), dt_rows, w, y);
  });
  return side.read(y.data, d.size());
}

// The rows before the step are stored first: attention sees all of them.
Floats attention(Side& side, std::array<KvType, 2> types) {
  const AttentionShape shape{6, 2, 64};
  Sequences s;
  std::array<std::array<void*, 2>, 2> blocks{};
  for (std::size_t i = 0; i < 2; ++i) {
    const KvLayout layout{2, shape.n_kv_heads, shape.head_dim, types[i]};
    for (void*& block : blocks[i])
      block = side.bytes(static_cast<std::size_t>(layout.block_bytes()));
    s.states[i].kv_blocks = blocks[i];
    s.states[i].kv_layout = layout;
  }
  const auto pass = [&](std::span<const Span> spans, std::int64_t n_rows, std::uint32_t seed) {
    const Dimensions q{n_rows, shape.n_heads * shape.head_dim};
    const Dimensions kv{n_rows, shape.n_kv_heads * shape.head_dim};
    const Activation out = side.activation(q);
    const TensorView carry = side.carry(n_rows, shape);
    const TensorView queries = side.tensor(q, random_floats(q.size(), seed, -2.0f, 2.0f));
    const TensorView k = side.tensor(kv, random_floats(kv.size(), seed + 1, -2.0f, 2.0f));
    const TensorView v = side.tensor(kv, random_floats(kv.size(), seed + 2));
    side.run([&](Backend& b) {
      b.attention({n_rows, {}, spans, s.states}, kLayer, queries, k, v, shape, carry, out);
    });
    return side.read(out);
  };
  constexpr std::array<Span, 2> kBefore = {Span{0, 0, 70, 0}, Span{1, 70, 60, 0}};
  Floats out = pass(kBefore, 130, 20);
  for (const float value : pass(kSpans, kRows.n_rows, 30)) out.push_back(value);
  return out;
}

}  // namespace

Status compare_backends(Backend& backend, Backend& reference, bool has_native_f8,
                        const std::function<void(const ComparedOperation&)>& told) {
  Comparison comparison(backend, reference, told);
  for (int i = 0; i < kNumTensorTypes; ++i) {
    const auto type = static_cast<TensorType>(i);
    comparison.run(join("linear and embed ", traits(type).name),
                   [type](Side& side) { return linear(side, type, 0.0f); });
  }
  comparison.run(
      "linear F8_E4M3, static input scale",
      [](Side& side) { return linear(side, TensorType::kF8_E4M3, 0.01f); },
      has_native_f8 ? kF8Bound : kBound);
  comparison.run("rms_norm", rms_norm);
  comparison.run("gated_group_norm", gated_group_norm);
  comparison.run("add, relu2, gather_rows", elementwise);
  comparison.run("choose_tokens", choose_tokens);
  comparison.run("causal_conv1d", convolution);
  comparison.run("ssm_scan f32", [](Side& side) { return scan(side, StateType::kF32); });
  comparison.run("ssm_scan bf16", [](Side& side) { return scan(side, StateType::kBF16); });
  const auto attend = [&](const std::string& name, KvType first, KvType second, double bound) {
    comparison.run(
        name,
        [=](Side& side) {
          return attention(side, {first, second});
        },
        bound);
  };
  attend("attention bf16", KvType::kBF16, KvType::kBF16, kAttentionBound);
  attend("attention f32", KvType::kF32, KvType::kF32, kBound);
  attend("attention q8", KvType::kQ8, KvType::kQ8, kAttentionBound);
  attend("attention f32 and q8", KvType::kF32, KvType::kQ8, kAttentionBound);
  return comparison.status();
}

}  // namespace nemotron
