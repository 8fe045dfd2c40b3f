// Convolution, scan and norms of every level against plain double arithmetic.
#include <utility>

#include "base/float_types.h"
#include "kernel_test.h"

using namespace nemotron;
using namespace nemotron::kernels;
using namespace nemotron::test;

namespace {

double silu(double x) { return x / (1.0 + std::exp(-x)); }

}  // namespace

TEST_CASE("the convolution continues from its state") {
  for (const KernelTable* table : kernel_tables()) {
    for (const std::int64_t d_conv : {1, 2, 3, 4}) {
      for (const std::int64_t n_rows : {1, 2, 3, 4, 9}) {
        Random random(static_cast<std::uint64_t>(d_conv * 10 + n_rows));
        const std::int64_t dim = 19;
        const std::int64_t stride = 23;
        const auto x = random.reals(n_rows * stride);
        const auto weight = random.reals(d_conv * dim);
        const auto bias = random.reals(dim);
        const auto state = random.reals((d_conv - 1) * dim);
        std::vector<double> history(state.begin(), state.end());
        for (std::int64_t t = 0; t < n_rows; ++t)
          for (std::int64_t c = 0; c < dim; ++c) history.push_back(x[at(t * stride + c)]);
        std::vector<double> expected;
        for (std::int64_t t = 0; t < n_rows; ++t)
          for (std::int64_t c = 0; c < dim; ++c) {
            double sum = bias[at(c)];
            for (std::int64_t k = 0; k < d_conv; ++k)
              sum += double{weight[at(k * dim + c)]} * history[at((t + k) * dim + c)];
            expected.push_back(silu(sum));
          }
        INFO(table->name << ", " << d_conv << " taps, " << n_rows << " rows");
        const std::vector<double> kept(history.end() - (d_conv - 1) * dim, history.end());
        auto in_place = state;
        std::vector<float> elsewhere(state.size(), NAN);
        std::vector<float> out(at(n_rows * dim), NAN);
        for (const bool is_in_place : {false, true}) {
          float* state_out = is_in_place ? in_place.data() : elsewhere.data();
          const float* state_in = is_in_place ? state_out : state.data();
          const auto before = std::exchange(out, std::vector<float>(out.size(), NAN));
          const CausalConv1dParams params{x.data(),  weight.data(), bias.data(), state_in,
                                          state_out, out.data(),    n_rows,      stride,
                                          dim,       d_conv};
          table->causal_conv1d(params, 0, 7);
          table->causal_conv1d(params, 7, dim);
          check_close(out, expected, 1e-6);
          if (is_in_place) CHECK(same_bytes(out, before));
        }
        check_close(elsewhere, kept, 0.0);
        check_close(in_place, kept, 0.0);
      }
    }
  }
}

namespace {

// Random inputs of a scan over n_rows tokens.
struct ScanInput {
  ScanInput(std::int64_t rows, std::int64_t head, std::int64_t states)
      : n_rows(rows),
        head_dim(head),
        d_state(states),
        d_inner(n_heads * head),
        stride(d_inner + 2 * n_groups * states) {
    Random random(5);
    xBC = random.reals(n_rows * stride);
    dt = random.reals(n_rows * n_heads, 3.0f);
    dt_bias = random.reals(n_heads);
    A = random.reals(n_heads);
    for (float& a : A) a = -std::abs(a) - 0.1f;
    D = random.reals(n_heads);
    state = random.reals(d_inner * d_state);
  }

  // Of rows [first, first + n), without state and y.
  SsmScanParams params(std::int64_t first, std::int64_t n) const {
    SsmScanParams p;
    p.x = xBC.data() + first * stride;
    p.B = p.x + d_inner;
    p.C = p.B + n_groups * d_state;
    p.dt = dt.data() + first * n_heads;
    p.dt_bias = dt_bias.data();
    p.A = A.data();
    p.D = D.data();
    p.n_rows = n;
    p.x_stride = stride;
    p.dt_stride = n_heads;
    p.n_heads = n_heads;
    p.head_dim = head_dim;
    p.d_state = d_state;
    p.n_groups = n_groups;
    p.dt_max = INFINITY;
    return p;
  }

  const std::int64_t n_heads = 6, n_groups = 3;
  const std::int64_t n_rows, head_dim, d_state, d_inner, stride;
  std::vector<float> xBC, dt, dt_bias, A, D, state;
};

// The recurrence in double: y, and the state in place.
std::vector<double> recur(const ScanInput& in, std::vector<double>& h) {
  std::vector<double> expected;
  for (std::int64_t t = 0; t < in.n_rows; ++t) {
    for (std::int64_t head = 0; head < in.n_heads; ++head) {
      const double step =
          std::log1p(std::exp(double{in.dt[at(t * in.n_heads + head)]} + in.dt_bias[at(head)]));
      const std::int64_t group = head / (in.n_heads / in.n_groups);
      const float* B = &in.xBC[at(t * in.stride + in.d_inner + group * in.d_state)];
      const float* C = B + in.n_groups * in.d_state;
      for (std::int64_t p = 0; p < in.head_dim; ++p) {
        const double x = in.xBC[at(t * in.stride + head * in.head_dim + p)];
        double y = in.D[at(head)] * x;
        for (std::int64_t n = 0; n < in.d_state; ++n) {
          double& s = h[at((head * in.d_state + n) * in.head_dim + p)];
          s = std::exp(step * in.A[at(head)]) * s + step * x * B[n];
          y += s * C[n];
        }
        expected.push_back(y);
      }
    }
  }
  return expected;
}

}  // namespace

TEST_CASE("the scan is the recurrence") {
  const ScanInput in(GENERATE(1, 12, 70), GENERATE(5, 16, 80, 136), GENERATE(24, 32));
  std::vector<double> h(in.state.begin(), in.state.end());
  const auto expected = recur(in, h);
  for (const KernelTable* table : kernel_tables()) {
    INFO(table->name << ", " << in.n_rows << " rows, " << in.head_dim << " x " << in.d_state);
    std::vector<float> y(at(in.n_rows * in.d_inner), NAN);
    std::vector<float> elsewhere(in.state.size(), NAN);
    SsmScanParams params = in.params(0, in.n_rows);
    params.state_in = in.state.data();
    params.state_out = elsewhere.data();
    params.y = y.data();
    table->ssm_scan(params, 0, 1);
    table->ssm_scan(params, 1, in.n_heads);
    check_close(y, expected, 6e-5);
    check_close(elsewhere, h, 2e-5);

    auto in_place = in.state;
    const auto y_elsewhere = std::exchange(y, std::vector<float>(y.size(), NAN));
    params.state_in = params.state_out = in_place.data();
    params.y = y.data();
    table->ssm_scan(params, 0, in.n_heads);
    CHECK(same_bytes(y, y_elsewhere));
    CHECK(same_bytes(in_place, elsewhere));
  }
}

// What a bf16 state means: the f32 scan of one token, and the state rounded after each.
TEST_CASE("a bf16 state is the f32 state rounded after every token, however a prompt is cut") {
  const ScanInput in(70, GENERATE(5, 80, 136), GENERATE(24, 32));
  std::vector<bf16_bits> start;
  for (const float value : in.state) start.push_back(float_to_bf16(value));
  for (const KernelTable* table : kernel_tables()) {
    std::vector<float> expected(at(in.n_rows * in.d_inner), NAN);
    std::vector<float> h;
    for (const bf16_bits value : start) h.push_back(bf16_to_float(value));
    for (std::int64_t t = 0; t < in.n_rows; ++t) {
      SsmScanParams params = in.params(t, 1);
      params.state_in = params.state_out = h.data();
      params.y = expected.data() + t * in.d_inner;
      table->ssm_scan(params, 0, in.n_heads);
      for (float& value : h) value = bf16_to_float(float_to_bf16(value));
    }
    for (const std::int64_t piece : {1, 3, 64, 65, 70}) {
      INFO(table->name << ", " << in.head_dim << " x " << in.d_state << ", pieces of " << piece);
      std::vector<float> y(expected.size(), NAN);
      std::vector<bf16_bits> state(start.size(), 0x7fff);
      for (std::int64_t first = 0; first < in.n_rows; first += piece) {
        SsmScanParams params = in.params(first, std::min(piece, in.n_rows - first));
        params.state_type = StateType::kBF16;
        params.state_in = first == 0 ? start.data() : state.data();
        params.state_out = state.data();
        params.y = y.data() + first * in.d_inner;
        table->ssm_scan(params, 0, 2);
        table->ssm_scan(params, 2, in.n_heads);
      }
      CHECK(same_bytes(y, expected));
      std::vector<float> widened;
      for (const bf16_bits value : state) widened.push_back(bf16_to_float(value));
      CHECK(same_bytes(widened, h));
    }
  }
}

// Rounding carries: the largest NaN would become minus zero.
TEST_CASE("a state that is not a number stays so in bf16") {
  const std::uint32_t bits = 0x7fffffff;
  float largest_nan;
  std::memcpy(&largest_nan, &bits, sizeof bits);
  ScanInput in(5, 16, 32);
  const std::int64_t channel = 3;  // of the first head
  in.xBC[at(channel)] = largest_nan;
  for (const KernelTable* table : kernel_tables()) {
    for (const std::int64_t n_rows : {1, 5}) {
      INFO(table->name << ", " << n_rows << " rows");
      std::vector<bf16_bits> state(in.state.size(), 0);
      std::vector<float> y(at(n_rows * in.d_inner));
      SsmScanParams params = in.params(0, n_rows);
      params.state_type = StateType::kBF16;
      params.state_in = params.state_out = state.data();
      params.y = y.data();
      table->ssm_scan(params, 0, in.n_heads);
      for (std::int64_t n = 0; n < in.d_state; ++n)
        for (std::int64_t c = 0; c < in.head_dim; ++c)
          CHECK(std::isnan(bf16_to_float(state[at(n * in.head_dim + c)])) == (c == channel));
    }
  }
}

TEST_CASE("the norms divide by the root mean square, the gate first") {
  const std::int64_t n = 60;
  for (const KernelTable* table : kernel_tables()) {
    Random random(6);
    const auto x = random.reals(3 * n, 4.0f);
    const auto z = random.reals(3 * (n + 5), 4.0f);
    const auto weight = random.reals(n);
    for (const std::int64_t groups : {1, 4}) {
      std::vector<double> expected_plain, expected_gated;
      for (std::int64_t i = 0; i < 3; ++i) {
        for (std::int64_t c = 0; c < n; ++c) {
          const std::int64_t size = n / groups;
          double plain_sum = 0, gated_sum = 0;
          const auto gated = [&](std::int64_t k) {
            return x[at(i * n + k)] * silu(z[at(i * (n + 5) + k)]);
          };
          for (std::int64_t k = 0; k < n; ++k) plain_sum += std::pow(x[at(i * n + k)], 2);
          for (std::int64_t k = c / size * size; k < (c / size + 1) * size; ++k)
            gated_sum += std::pow(gated(k), 2);
          const double w = weight[at(c)];
          expected_plain.push_back(w * x[at(i * n + c)] /
                                   std::sqrt(plain_sum / static_cast<double>(n) + 1e-5));
          expected_gated.push_back(w * gated(c) /
                                   std::sqrt(gated_sum / static_cast<double>(size) + 1e-5));
        }
      }
      std::vector<float> out(at(3 * n), NAN);
      table->rms_norm({x.data(), weight.data(), out.data(), n, 1e-5f}, 0, 3);
      check_close(out, expected_plain, 2e-6);
      table->gated_group_norm(
          {x.data(), z.data(), weight.data(), out.data(), n, n + 5, groups, 1e-5f}, 0, 3);
      check_close(out, expected_gated, 4e-6);
    }
  }
}

TEST_CASE("relu2 squares what is positive, add adds") {
  const std::vector<float> x = {-2.0f, -0.0f, 0.5f, 3.0f};
  for (const KernelTable* table : kernel_tables()) {
    std::vector<float> y = {1.0f, 1.0f, 1.0f, 1.0f};
    table->relu2(x.data(), y.data(), 1, 4);
    CHECK(y == std::vector<float>{1.0f, 0.0f, 0.25f, 9.0f});
    table->add(x.data(), y.data(), 0, 3);
    CHECK(y == std::vector<float>{-1.0f, 0.0f, 0.75f, 9.0f});
  }
}
