// CUDA products of E4M3 numbers by the tensor cores' own instruction, run on the host: the products
// by way of bf16 to the byte where no sum is rounded, sums against doubles where they are, and the
// same bytes for any number of rows.
#include "packed_matrix.h"

using namespace nemotron;
using namespace nemotron::kernels;
using namespace nemotron::kernels::cuda;
using namespace nemotron::test;

namespace {

constexpr TensorType kType = TensorType::kF8_E4M3;
constexpr float kInputScale = 0.25f;
const std::vector<std::int64_t> kRowCounts = {1, 8, 9, 32, 33, 64, 70};

// Rows of x, rounded to E4M3 by one kernel and multiplied by another.
struct Product {
  const StoredMatrix& w;
  const Packed packed{w};

  // Outputs of each row, and three floats between rows that stay.
  std::vector<float> operator()(const std::vector<float>& x, std::int64_t n_rows, bool is_native,
                                Epilogue epilogue = Epilogue::kStore,
                                const DeviceShape& device = {}) const {
    std::vector<bf16_bits> rows(at(n_rows * prepared_stride(w.n_columns)), 0x7fc0);
    const PrepareArgs prepare{x.data(), rows.data(), w.n_columns, kInputScale};
    REQUIRE(simt::run_launch(is_native ? launch_prepare_e4m3(prepare, n_rows)
                                       : launch_prepare(prepare, n_rows)) == "");
    std::vector<float> y(at(n_rows * (w.n_rows + 3)), -7.0f);
    PackedLinearArgs args;
    args.weight = reinterpret_cast<const std::uint8_t*>(packed.words.data());
    args.n_out = w.n_rows;
    args.n_in = w.n_columns;
    args.x = rows.data();
    args.n_rows = n_rows;
    args.y = y.data();
    args.y_stride = w.n_rows + 3;
    args.scale = kInputScale;
    args.epilogue = epilogue;
    REQUIRE(simt::run_launch(is_native ? launch_native_f8_linear(args, device)
                                       : launch_packed_linear(kType, args, device)) == "");
    return y;
  }
};

// Of all exponents that are left.
std::vector<float> any_reals(Random& random, std::int64_t n) {
  auto out = random.reals(n);
  for (float& value : out) value *= std::ldexp(1.0f, static_cast<int>(random.bits() % 12) - 6);
  return out;
}

// Small integers times a power of two: what sums of them are is exact.
StoredMatrix small_integers(std::int64_t n_rows, std::int64_t n_columns, Random& random) {
  StoredMatrix w(kType, n_rows, n_columns, random);
  for (std::size_t i = 0; i < w.bytes.size(); ++i) {
    w.floats[i] = (static_cast<float>(random.bits() % 15) - 7.0f) / 64.0f;
    w.bytes[i] = float_to_f8_e4m3(w.floats[i]);
  }
  return w;
}

}  // namespace

// Chunks that are not full, one that is, several parts of columns; tiles that are not.
TEST_CASE("products of E4M3 instructions are those of bf16, to the byte where sums are exact") {
  for (const std::int64_t n_columns : {40, 64, 333}) {
    for (const std::int64_t n_out : {5, 69}) {
      Random random(static_cast<std::uint64_t>(n_columns + n_out));
      const StoredMatrix w = small_integers(n_out, n_columns, random);
      std::vector<float> x(at(70 * n_columns));
      for (float& value : x) value = kInputScale * (static_cast<float>(random.bits() % 15) - 7.0f);
      const Product product{w};
      for (const std::int64_t n_rows : kRowCounts) {
        const auto y = product(x, n_rows, true);
        CHECK(same_bytes(y, product(x, n_rows, false)));
        for (std::int64_t i = 0; i < n_rows; ++i)
          for (std::int64_t j = 0; j < n_out + 3; ++j) {
            float sum = j < n_out ? 0.0f : -7.0f;
            for (std::int64_t k = 0; j < n_out && k < n_columns; ++k)
              sum += w.floats[at(j * n_columns + k)] * x[at(i * n_columns + k)];
            CHECK(y[at(i * (n_out + 3) + j)] == sum);
          }
      }
    }
  }
}

TEST_CASE("products of any E4M3 numbers are the sums, the same for every number of rows") {
  Random random(11);
  const StoredMatrix w(kType, 69, 333, random);
  const auto x = any_reals(random, 70 * w.n_columns);
  const Product product{w};
  const std::int64_t stride = w.n_rows + 3;
  const auto all = product(x, 70, true);
  for (std::int64_t i = 0; i < 70; ++i)
    for (std::int64_t j = 0; j < w.n_rows; ++j) {
      double sum = 0, magnitudes = 0;
      for (std::int64_t k = 0; k < w.n_columns; ++k) {
        const float rounded = round_to_f8_e4m3(x[at(i * w.n_columns + k)] / kInputScale);
        const double term = double{w.floats[at(j * w.n_columns + k)]} * rounded * kInputScale;
        sum += term;
        magnitudes += std::abs(term);
      }
      CHECK(std::abs(all[at(i * stride + j)] - sum) <= sum_bound(w.n_columns, magnitudes));
    }
  for (const std::int64_t n_rows : kRowCounts)
    for (const std::int64_t n_processors : {1, 2, 132})  // blocks of other shapes
      CHECK(same_bytes(
          product(x, n_rows, true, Epilogue::kStore, {n_processors, std::int64_t{99} << 10}),
          {all.begin(), all.begin() + n_rows * stride}));
}

TEST_CASE("a product of E4M3 instructions is added to what is there") {
  Random random(12);
  const StoredMatrix w = small_integers(21, 96, random);
  std::vector<float> x(at(40 * w.n_columns), kInputScale);
  const Product product{w};
  for (const std::int64_t n_rows : {2, 11, 40}) {
    auto expected = product(x, n_rows, false);
    for (std::size_t i = 0; i < expected.size(); ++i)
      if (i % 24 < 21) expected[i] -= 7.0f;
    CHECK(same_bytes(product(x, n_rows, true, Epilogue::kAdd), expected));
  }
}

TEST_CASE("rows are rounded to E4M3 in the order of fragments, with zeros behind the last column") {
  Random random(13);
  const std::int64_t n_rows = 3, n_columns = 77;
  auto x = any_reals(random, n_rows * n_columns);
  x[5] = 1e9f;  // saturates
  std::vector<bf16_bits> found(at(n_rows * prepared_stride(n_columns)), 0x7fc0);
  REQUIRE(simt::run_launch(
              launch_prepare_e4m3({x.data(), found.data(), n_columns, kInputScale}, n_rows)) == "");
  const auto* bytes = reinterpret_cast<const f8_e4m3_bits*>(found.data());
  for (std::int64_t i = 0; i < n_rows; ++i)
    for (std::int64_t c = 0; c < prepared_stride(n_columns); ++c) {
      // Fours of columns, of 32: each fourth of them together.
      const std::int64_t four = c % 32 / 4;
      const std::int64_t place = c / 32 * 32 + 4 * (four % 4 * 2 + four / 4) + c % 4;
      const float value = c < n_columns ? x[at(i * n_columns + c)] / kInputScale : 0.0f;
      CHECK(bytes[i * prepared_stride(n_columns) + place] == float_to_f8_e4m3(value));
    }
  for (std::int64_t i = n_rows * prepared_stride(n_columns) / 2; i < std::ssize(found); ++i)
    CHECK(found[at(i)] == 0x7fc0);  // half of the place is not needed
}
