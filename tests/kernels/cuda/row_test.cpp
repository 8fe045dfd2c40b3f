// The plain CUDA norms and element-wise kernels, run on the host, against the CPU's reference.
#include "base/float_types.h"
#include "kernels/cpu/ref/ref_kernels.h"
#include "kernels/kernel_test.h"
#include "simt/run_launch.h"

using namespace nemotron;
using namespace nemotron::kernels;
using namespace nemotron::kernels::cuda;
using namespace nemotron::test;

namespace {

// Both compute the same products; only the order of the sum of squares differs, and its rounding
// (at most n * 2^-24, relative, in each) passes through a square root.
void check_relative(const std::vector<float>& found, const std::vector<float>& expected,
                    std::int64_t n) {
  REQUIRE(found.size() == expected.size());
  const double bound = static_cast<double>(n + 8) * 0x1p-24;
  for (std::size_t i = 0; i < found.size(); ++i)
    if (!(std::abs(double{found[i]} - expected[i]) <= bound * std::abs(expected[i])))
      FAIL("at " << i << ": " << found[i] << ", expected " << expected[i]);
}

}  // namespace

TEST_CASE("the CUDA RMS norm equals the CPU's but for the order of its sum") {
  for (const std::int64_t n : {1, 31, 256, 257, 777}) {
    Random random(static_cast<std::uint64_t>(n));
    const std::int64_t n_rows = 3, stride = n + 4;
    const auto x = random.reals(n_rows * stride, 3.0f);
    const auto weight = random.reals(n);
    std::vector<float> out(at(n_rows * n), NAN), expected(at(n_rows * n), NAN);
    for (std::int64_t i = 0; i < n_rows; ++i)
      ref_kernels().rms_norm({&x[at(i * stride)], weight.data(), &expected[at(i * n)], n, 1e-5f}, 0,
                             1);
    const RmsNormArgs args{x.data(), weight.data(), out.data(), nullptr, n, stride, 1e-5f};
    REQUIRE(simt::run_launch(launch_rms_norm(args, n_rows)) == "");
    check_relative(out, expected, n);
  }
}

TEST_CASE("the CUDA gated group norm equals the CPU's but for the order of its sums") {
  for (const std::int64_t n_groups : {1, 2, 7}) {
    const std::int64_t n = 7 * 2 * 45, n_rows = 4, z_stride = n + 9;
    Random random(static_cast<std::uint64_t>(n_groups));
    const auto y = random.reals(n_rows * n);
    const auto z = random.reals(n_rows * z_stride, 4.0f);
    const auto weight = random.reals(n);
    std::vector<float> out(at(n_rows * n), NAN), expected(at(n_rows * n), NAN);
    ref_kernels().gated_group_norm(
        {y.data(), z.data(), weight.data(), expected.data(), n, z_stride, n_groups, 1e-5f}, 0,
        n_rows);
    const GatedGroupNormArgs args{y.data(), z.data(), weight.data(), out.data(), nullptr,
                                  n,        n,        z_stride,      n_groups,   1e-5f};
    REQUIRE(simt::run_launch(launch_gated_group_norm(args, n_rows)) == "");
    check_relative(out, expected, n / n_groups);
  }
}

TEST_CASE("CUDA's element-wise kernels give the CPU's bytes") {
  for (const std::int64_t n : {1, 255, 256, 257, 1000}) {
    Random random(static_cast<std::uint64_t>(n));
    auto x = random.reals(n, 300.0f);
    x[0] = -0.0f;
    if (n > 3) x[1] = NAN, x[2] = 1e30f, x[3] = -INFINITY;
    auto y = random.reals(n);
    auto y_expected = y;
    ref_kernels().add(x.data(), y_expected.data(), 0, n);
    REQUIRE(simt::run_launch(launch_add({x.data(), y.data(), n})) == "");
    CHECK(same_bytes(y, y_expected));

    std::vector<float> out(at(n) + 1, -7.0f), expected(at(n) + 1, -7.0f);
    ref_kernels().relu2(x.data(), expected.data(), 0, n);
    REQUIRE(simt::run_launch(launch_relu2({x.data(), out.data(), nullptr, n}, 1)) == "");
    CHECK(same_bytes(out, expected));

    ref::round_to_f8_multiples(x.data(), n, 0.3f, expected.data());
    REQUIRE(simt::run_launch(launch_round_f8({x.data(), out.data(), n, 0.3f})) == "");
    CHECK(same_bytes(out, expected));
  }
}

TEST_CASE("CUDA gathers the rows that it is told") {
  Random random(5);
  const std::int64_t n_columns = 300, x_stride = 301, out_stride = 303;
  const auto x = random.reals(6 * x_stride);
  const std::vector<std::int32_t> rows = {5, 0, 0, 2};
  std::vector<float> out(at(4 * out_stride), -7.0f);
  const GatherRowsArgs args{x.data(), rows.data(), out.data(), n_columns, x_stride, out_stride};
  REQUIRE(simt::run_launch(launch_gather_rows(args, 4)) == "");
  for (std::size_t i = 0; i < rows.size(); ++i)
    for (std::int64_t c = 0; c < out_stride; ++c)
      CHECK(out[i * at(out_stride) + at(c)] ==
            (c < n_columns ? x[at(rows[i] * x_stride + c)] : -7.0f));
}
