// The plain CUDA products and the embedding, run on the host: weights to the bit as lib/quant reads
// them, sums against doubles, and the same bytes whatever the number of rows.
#include <algorithm>

#include "kernels/stored_matrix.h"
#include "simt/run_launch.h"

using namespace nemotron;
using namespace nemotron::kernels;
using namespace nemotron::kernels::cuda;
using namespace nemotron::test;

namespace {

// Around the 4 outputs and 8 rows of a block; two blocks of columns, or an odd number of them.
const std::vector<std::int64_t> kRowCounts = {1, 7, 8, 9, 17};

std::int64_t columns_of(TensorType type) {
  const std::int64_t n = traits(type).block_elements;
  return n == 1 ? 77 : 3 * n;
}

std::vector<float> product(const StoredMatrix& w, const std::vector<float>& x, std::int64_t n_rows,
                           float scale) {
  const std::int64_t stride = w.n_rows + 3;
  std::vector<float> y(at(n_rows * stride), -7.0f);
  LinearArgs args;
  args.weight = w.bytes.data();
  args.row_bytes = w.row_bytes;
  args.n_out = w.n_rows;
  args.n_in = w.n_columns;
  args.x = x.data();
  args.n_rows = n_rows;
  args.y = y.data();
  args.y_stride = stride;
  args.scale = scale;
  REQUIRE(simt::run_launch(launch_linear(w.type, args)) == "");
  std::vector<float> out;
  for (std::int64_t i = 0; i < n_rows; ++i)
    for (std::int64_t j = 0; j < stride; ++j) {
      if (j < w.n_rows)
        out.push_back(y[at(i * stride + j)]);
      else
        CHECK(y[at(i * stride + j)] == -7.0f);  // the columns between rows are not ours
    }
  return out;
}

}  // namespace

TEST_CASE("CUDA products of every type are the sums, the same for every number of rows") {
  for (const TensorType type : all_types()) {
    Random random(static_cast<std::uint64_t>(type) + 3);
    const StoredMatrix w(type, 13, columns_of(type), random);
    const auto x = random.reals(kRowCounts.back() * w.n_columns);
    const auto all = product(w, x, kRowCounts.back(), 1.0f);
    INFO(traits(type).name);
    for (std::int64_t i = 0; i < kRowCounts.back(); ++i)
      for (std::int64_t j = 0; j < w.n_rows; ++j) {
        double sum = 0, magnitudes = 0;
        for (std::int64_t k = 0; k < w.n_columns; ++k) {
          const double term =
              double{w.floats[at(j * w.n_columns + k)]} * x[at(i * w.n_columns + k)];
          sum += term;
          magnitudes += std::abs(term);
        }
        CHECK(std::abs(all[at(i * w.n_rows + j)] - sum) <= sum_bound(w.n_columns, magnitudes));
      }
    for (const std::int64_t n_rows : kRowCounts) {
      const auto some = product(w, x, n_rows, 1.0f);
      CHECK(same_bytes(some, {all.begin(), all.begin() + n_rows * w.n_rows}));
    }
    auto scaled = all;
    for (float& value : scaled) value *= 0.37f;
    CHECK(same_bytes(product(w, x, kRowCounts.back(), 0.37f), scaled));
  }
}

TEST_CASE("CUDA reads every element of every type as dequantize() does") {
  for (const TensorType type : all_types()) {
    Random random(static_cast<std::uint64_t>(type) + 40);
    const StoredMatrix table(type, 9, columns_of(type), random);
    const std::vector<std::int32_t> tokens = {8, 0, 3, 3, 1};
    const std::int64_t stride = table.n_columns + 5;
    std::vector<float> out(tokens.size() * at(stride), -7.0f);
    const EmbedArgs args{table.bytes.data(),
                         table.row_bytes,
                         table.n_columns,
                         tokens.data(),
                         out.data(),
                         stride,
                         type};
    REQUIRE(simt::run_launch(launch_embed(args, std::ssize(tokens))) == "");
    INFO(traits(type).name);
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      const auto* found = &out[i * at(stride)];
      const auto* expected = &table.floats[at(tokens[i] * table.n_columns)];
      CHECK(std::memcmp(found, expected, at(table.n_columns) * sizeof(float)) == 0);
      CHECK(found[table.n_columns] == -7.0f);
    }
  }
}
