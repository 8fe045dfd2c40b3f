// Matrices packed on the (host's) device, rows prepared for them, and their products.
#pragma once

#include <algorithm>

#include "packed_matrix.h"

namespace nemotron::test {

using namespace nemotron::kernels;
using namespace nemotron::kernels::cuda;

inline std::vector<TensorType> packed_types() {
  std::vector<TensorType> types = all_types();
  std::erase_if(types, [](TensorType type) { return !is_packed_type(type); });
  return types;
}

// A last chunk that is not full, where blocks allow it, and several parts of columns.
inline std::int64_t columns_of(TensorType type) {
  const std::int64_t n = traits(type).block_elements;
  return n == 1 ? 333 : n == 256 ? 512 : 5 * n;
}

// The order of columns that a lane's fragments want, written down a second time.
inline std::int64_t place_of(std::int64_t column) {
  constexpr int kOrder[8] = {0, 2, 4, 6, 1, 3, 5, 7};  // of the fours of 32 columns
  return column / 32 * 32 + 4 * kOrder[column % 32 / 4] + column % 4;
}

inline std::vector<bf16_bits> prepared(const std::vector<float>& x, std::int64_t n_rows,
                                       std::int64_t n_columns) {
  std::vector<bf16_bits> out(at(n_rows * prepared_stride(n_columns)));
  for (std::int64_t i = 0; i < n_rows; ++i)
    for (std::int64_t c = 0; c < n_columns; ++c)
      out[at(i * prepared_stride(n_columns) + place_of(c))] =
          float_to_bf16(x[at(i * n_columns + c)]);
  return out;
}

struct Product {
  const StoredMatrix& w;
  const Packed& packed;
  const std::vector<float>& x;

  PackedLinearArgs args(const std::vector<bf16_bits>& rows, std::int64_t n_rows,
                        std::vector<float>& y) const {
    PackedLinearArgs out;
    out.weight = reinterpret_cast<const std::uint8_t*>(packed.words.data());
    out.n_out = w.n_rows;
    out.n_in = w.n_columns;
    out.x = rows.data();
    out.n_rows = n_rows;
    out.y = y.data();
    out.y_stride = w.n_rows + 3;
    return out;
  }
  std::vector<float> operator()(std::int64_t n_rows, float scale = 1.0f) const {
    return run(n_rows, scale, [this](const PackedLinearArgs& args) {
      return launch_packed_linear(w.type, args, {});
    });
  }
  std::vector<float> in_blocks(const WideShape& shape, std::int64_t n_rows) const {
    return run(n_rows, 1.0f, [this, &shape](const PackedLinearArgs& args) {
      return launch_wide_linear(w.type, args, shape);
    });
  }

 private:
  template <typename MakeLaunch>
  std::vector<float> run(std::int64_t n_rows, float scale, const MakeLaunch& make_launch) const {
    std::vector<float> y(at(n_rows * (w.n_rows + 3)), -7.0f);
    const auto rows = prepared(x, n_rows, w.n_columns);
    PackedLinearArgs a = args(rows, n_rows, y);
    a.scale = scale;
    REQUIRE(simt::run_launch(make_launch(a)) == "");
    std::vector<float> out;
    for (std::int64_t i = 0; i < std::ssize(y); ++i) {
      if (i % (w.n_rows + 3) < w.n_rows)
        out.push_back(y[at(i)]);
      else
        CHECK(y[at(i)] == -7.0f);  // the columns between rows are not ours
    }
    return out;
  }
};

inline std::vector<float> bf16_reals(Random& random, std::int64_t n) {
  auto out = random.reals(n);
  for (float& value : out) value = bf16_to_float(float_to_bf16(value));
  return out;
}

}  // namespace nemotron::test
