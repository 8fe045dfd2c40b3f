// Convolution, scan and norms of every level against plain double arithmetic.
#include <utility>

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

TEST_CASE("the scan is the recurrence") {
  const std::int64_t heads = 6, groups = 3;
  const std::int64_t n_rows = GENERATE(1, 12, 70);
  const std::int64_t head_dim = GENERATE(5, 16, 80, 136);
  const std::int64_t d_state = GENERATE(24, 32);
  const std::int64_t d_inner = heads * head_dim;
  const std::int64_t stride = d_inner + 2 * groups * d_state;
  for (const KernelTable* table : kernel_tables()) {
    Random random(5);
    const auto xBC = random.reals(n_rows * stride);
    const auto dt = random.reals(n_rows * heads, 3.0f);
    const auto dt_bias = random.reals(heads);
    auto A = random.reals(heads);
    for (float& a : A) a = -std::abs(a) - 0.1f;
    const auto D = random.reals(heads);
    const auto state = random.reals(d_inner * d_state);
    std::vector<double> h(state.begin(), state.end());
    std::vector<double> expected;
    for (std::int64_t t = 0; t < n_rows; ++t) {
      for (std::int64_t head = 0; head < heads; ++head) {
        const double step =
            std::log1p(std::exp(double{dt[at(t * heads + head)]} + dt_bias[at(head)]));
        const float* B = &xBC[at(t * stride + d_inner + head / (heads / groups) * d_state)];
        const float* C = B + groups * d_state;
        for (std::int64_t p = 0; p < head_dim; ++p) {
          const std::int64_t channel = head * head_dim + p;
          const double x = xBC[at(t * stride + channel)];
          double y = D[at(head)] * x;
          for (std::int64_t n = 0; n < d_state; ++n) {
            double& s = h[at((head * d_state + n) * head_dim + p)];
            s = std::exp(step * A[at(head)]) * s + step * x * B[n];
            y += s * C[n];
          }
          expected.push_back(y);
        }
      }
    }
    std::vector<float> y(at(n_rows * d_inner), NAN);
    SsmScanParams params;
    params.x = xBC.data();
    params.B = xBC.data() + d_inner;
    params.C = params.B + groups * d_state;
    params.dt = dt.data();
    params.dt_bias = dt_bias.data();
    params.A = A.data();
    params.D = D.data();
    std::vector<float> elsewhere(state.size(), NAN);
    params.state_in = state.data();
    params.state_out = elsewhere.data();
    params.y = y.data();
    params.n_rows = n_rows;
    params.x_stride = stride;
    params.dt_stride = heads;
    params.n_heads = heads;
    params.head_dim = head_dim;
    params.d_state = d_state;
    params.n_groups = groups;
    params.dt_max = INFINITY;
    table->ssm_scan(params, 0, 1);
    table->ssm_scan(params, 1, heads);
    INFO(table->name << ", " << n_rows << " rows, " << head_dim << " x " << d_state);
    check_close(y, expected, 6e-5);
    check_close(elsewhere, h, 2e-5);

    auto in_place = state;
    const auto y_elsewhere = std::exchange(y, std::vector<float>(y.size(), NAN));
    params.state_in = params.state_out = in_place.data();
    params.y = y.data();
    table->ssm_scan(params, 0, heads);
    CHECK(same_bytes(y, y_elsewhere));
    CHECK(same_bytes(in_place, elsewhere));
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
