// CUDA products on tensor cores, run on the host: packing and products against doubles, of inputs
// that bf16 holds, so that nothing is rounded but sums; and the same bytes for any number of rows.
#include "packed_product.h"

using namespace nemotron;
using namespace nemotron::test;

TEST_CASE("products on tensor cores are the sums, the same for every number of rows") {
  const std::vector<std::int64_t> row_counts = {1, 8, 9, 32, 33};
  for (const TensorType type : packed_types()) {
    Random random(static_cast<std::uint64_t>(type) + 3);
    const StoredMatrix w(type, 69, columns_of(type), random);  // 5 tiles of 16, padded to 8
    const auto x = bf16_reals(random, 70 * w.n_columns);
    const Packed packed(w);
    const Product product{w, packed, x};
    const auto all = product(70);  // more than one block of rows of the wide kernel
    INFO(traits(type).name);
    for (std::int64_t i = 0; i < 70; ++i)
      for (std::int64_t j = 0; j < w.n_rows; ++j) {
        double sum = 0, magnitudes = 0;
        for (std::int64_t k = 0; k < w.n_columns; ++k) {
          const double term =
              double{w.floats[at(j * w.n_columns + k)]} * x[at(i * w.n_columns + k)];
          sum += term;
          magnitudes += std::abs(term);
        }
        // A minimum and what it is taken from are rounded each.
        CHECK(std::abs(all[at(i * w.n_rows + j)] - sum) <= 4 * sum_bound(w.n_columns, magnitudes));
      }
    for (const std::int64_t n_rows : row_counts)
      CHECK(same_bytes(product(n_rows), {all.begin(), all.begin() + n_rows * w.n_rows}));
    auto scaled = std::vector<float>(all.begin(), all.begin() + 2 * w.n_rows);
    for (float& value : scaled) value *= 0.37f;
    CHECK(same_bytes(product(2, 0.37f), scaled));
  }
}

TEST_CASE("a product is added to what is there, or its square is prepared for the next one") {
  Random random(8);
  const StoredMatrix w(TensorType::kQ5_0, 69, 160, random);
  const auto x = bf16_reals(random, 40 * w.n_columns);
  const Packed packed(w);
  const Product product{w, packed, x};
  for (const std::int64_t n_rows : {3, 11, 40}) {
    const auto plain = product(n_rows);
    const auto rows = prepared(x, n_rows, w.n_columns);
    std::vector<float> y(at(n_rows * (w.n_rows + 3)), 2.5f);
    PackedLinearArgs args = product.args(rows, n_rows, y);
    args.epilogue = Epilogue::kAdd;
    REQUIRE(simt::run_launch(launch_packed_linear(w.type, args, {})) == "");
    for (std::int64_t i = 0; i < n_rows; ++i)
      for (std::int64_t j = 0; j < args.y_stride; ++j)
        CHECK(y[at(i * args.y_stride + j)] ==
              (j < w.n_rows ? 2.5f + plain[at(i * w.n_rows + j)] : 2.5f));

    std::vector<bf16_bits> squares(at(n_rows * prepared_stride(w.n_rows)), 0x7fc0);
    args.epilogue = Epilogue::kRelu2;
    args.y_stride = w.n_rows;
    args.y_prepared = squares.data();
    REQUIRE(simt::run_launch(launch_packed_linear(w.type, args, {})) == "");
    std::vector<float> expected = plain;
    for (float& value : expected) value = value > 0.0f ? value * value : 0.0f;
    y.resize(expected.size());
    CHECK(same_bytes(y, expected));
    CHECK(squares == prepared(expected, n_rows, w.n_rows));  // zeros behind the last column, too
  }
}

TEST_CASE("what norms and squares prepare are their rows, rounded and in the fragments' order") {
  Random random(9);
  const std::int64_t n_rows = 3, n_columns = 77;
  const auto x = random.reals(n_rows * n_columns);
  const auto weight = random.reals(n_columns);
  std::vector<float> out(x.size());
  std::vector<bf16_bits> found(at(n_rows * prepared_stride(n_columns)), 0x7fc0);
  const auto check = [&] { CHECK(found == prepared(out, n_rows, n_columns)); };

  RmsNormArgs norm;
  norm.x = x.data();
  norm.weight = weight.data();
  norm.out = out.data();
  norm.prepared = found.data();
  norm.n_columns = norm.x_stride = n_columns;
  norm.eps = 1e-5f;
  REQUIRE(simt::run_launch(launch_rms_norm(norm, n_rows)) == "");
  check();

  std::fill(found.begin(), found.end(), bf16_bits{0x7fc0});
  REQUIRE(simt::run_launch(launch_relu2({x.data(), out.data(), found.data(), n_columns}, n_rows)) ==
          "");
  check();

  std::fill(found.begin(), found.end(), bf16_bits{0x7fc0});
  GatedGroupNormArgs gated;
  gated.y = gated.z = x.data();
  gated.weight = weight.data();
  gated.out = out.data();
  gated.prepared = found.data();
  gated.n_columns = gated.y_stride = gated.z_stride = n_columns;
  gated.n_groups = 7;
  gated.eps = 1e-5f;
  REQUIRE(simt::run_launch(launch_gated_group_norm(gated, n_rows)) == "");
  check();

  std::fill(found.begin(), found.end(), bf16_bits{0x7fc0});
  REQUIRE(simt::run_launch(launch_prepare({x.data(), found.data(), n_columns, 0.25f}, n_rows)) ==
          "");
  for (std::size_t i = 0; i < x.size(); ++i) out[i] = round_to_f8_e4m3(x[i] / 0.25f);
  check();
}
