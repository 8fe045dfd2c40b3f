// CUDA products of many rows: whatever their blocks, they give the bytes of the products of few
// rows; and which blocks are chosen.
#include <array>

#include "packed_product.h"

using namespace nemotron;
using namespace nemotron::test;

namespace {

constexpr std::array<WideShape, 6> kShapes = {
    {{1, 1, 2}, {2, 1, 3}, {4, 1, 4}, {1, 2, 2}, {2, 2, 3}, {4, 2, 4}}};

// Of the middle kernel, 32 rows at a time.
std::vector<float> few_at_once(const StoredMatrix& w, const Packed& packed,
                               const std::vector<float>& x, std::int64_t n_rows) {
  std::vector<float> out;
  for (std::int64_t row = 0; row < n_rows; row += 32) {
    const std::vector<float> part(x.begin() + row * w.n_columns, x.end());
    const auto y = Product{w, packed, part}(std::min<std::int64_t>(32, n_rows - row));
    out.insert(out.end(), y.begin(), y.end());
  }
  return out;
}

void check_blocks(TensorType type, std::int64_t n_columns, std::int64_t n_out,
                  const std::vector<std::int64_t>& row_counts, int n_stages) {
  Random random(static_cast<std::uint64_t>(n_columns + n_out));
  const StoredMatrix w(type, n_out, n_columns, random);
  const auto x = bf16_reals(random, row_counts.back() * n_columns);
  const Packed packed(w);
  const auto expected = few_at_once(w, packed, x, row_counts.back());
  for (const std::int64_t n_rows : row_counts) {
    const std::vector<float> some(expected.begin(), expected.begin() + n_rows * n_out);
    for (WideShape shape : kShapes) {
      if (n_stages > 0) shape.n_stages = n_stages;
      INFO(traits(type).name << ", " << n_columns << " columns, " << n_rows << " rows, "
                             << shape.output_warps << " x " << shape.row_warps << " warps, "
                             << shape.n_stages << " stages");
      CHECK(same_bytes(Product{w, packed, x}.in_blocks(shape, n_rows), some));
    }
  }
}

}  // namespace

TEST_CASE("blocks of every shape give the bytes of products of few rows") {
  // Neither outputs nor rows fill their last block.
  for (const TensorType type : packed_types()) check_blocks(type, columns_of(type), 200, {133}, 0);
}

TEST_CASE("so they do where columns are fewer than stages, and for any number of rows") {
  for (const int n_stages : {2, 3, 4})
    for (const std::int64_t n_columns : {40, 64, 128, 330})
      check_blocks(TensorType::kBF16, n_columns, 69, {33, 64, 65, 129}, n_stages);
  check_blocks(TensorType::kQ4_K, 256, 213, {200}, 2);
  check_blocks(TensorType::kQ8_0, 32, 213, {33, 200}, 3);
}

TEST_CASE("the blocks of a product fit into shared memory, and large ones read little") {
  const auto operations_to_a_byte = [](TensorType type, std::int64_t shared_bytes) {
    const WideShape shape = wide_shape(type, 17504, 2048, {132, shared_bytes});
    return std::int64_t{shape.n_tiles(type)} * 16 * shape.n_rows() * 2 * kChunkColumns /
           shape.stage_bytes(type);
  };
  for (const std::int64_t shared_bytes : {99 << 10, 163 << 10, 227 << 10}) {
    CHECK(operations_to_a_byte(TensorType::kBF16, shared_bytes) == 76);
    CHECK(operations_to_a_byte(TensorType::kF8_E4M3, shared_bytes) == 109);
    CHECK(operations_to_a_byte(TensorType::kQ8_0, shared_bytes) == 83);
    CHECK(operations_to_a_byte(TensorType::kQ4_K, shared_bytes) == 97);
  }
  for (const TensorType type : packed_types())
    for (const std::int64_t shared_bytes : {48 << 10, 99 << 10, 163 << 10, 227 << 10})
      for (const std::int64_t n_rows : {33, 64, 512, 4096})
        for (const std::int64_t n_out : {16, 1024, 3136, 131072}) {
          const WideShape shape = wide_shape(type, n_out, n_rows, {132, shared_bytes});
          INFO(traits(type).name << ", " << shared_bytes << " bytes, " << n_out << " x " << n_rows);
          CHECK(shape.shared_bytes(type) <= shared_bytes);
          CHECK(shape.n_stages >= 2);
          CHECK(shape.n_warps() <= kMostWideWarps);
        }
}

TEST_CASE(
    "few outputs or rows are shared among all multiprocessors, with deep stages where they fit") {
  constexpr auto kType = TensorType::kBF16;
  const auto check = [](const WideShape& shape, int output_warps, int row_warps, int n_stages) {
    CHECK(shape.output_warps == output_warps);
    CHECK(shape.row_warps == row_warps);
    CHECK(shape.n_stages == n_stages);
  };
  check(wide_shape(kType, 17504, 2048, {132, 227 << 10}), 4, 2, 4);
  check(wide_shape(kType, 17504, 2048, {108, 163 << 10}), 4, 2, 3);
  check(wide_shape(kType, 17504, 2048, {128, 99 << 10}), 4, 2, 2);
  check(wide_shape(TensorType::kF8_E4M3, 17504, 2048, {128, 99 << 10}), 4, 2, 3);
  check(wide_shape(kNativeF8, 17504, 2048, {128, 99 << 10}), 4, 2, 4);  // rows of half the bytes
  check(wide_shape(kType, 3136, 512, {132, 227 << 10}), 2, 2, 4);
  check(wide_shape(kType, 3136, 64, {132, 227 << 10}), 1, 1, 4);
  check(wide_shape(kType, 3136, 64, {8, 227 << 10}), 4, 1, 3);  // two to a multiprocessor
}
