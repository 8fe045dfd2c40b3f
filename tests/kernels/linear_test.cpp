// Matrix products of every type and level: against double sums over the dequantised weights, and
// byte-equal whatever the number of rows.
#include <algorithm>
#include <cstring>
#include <string_view>

#include "base/float_types.h"
#include "kernel_test.h"
#include "kernels/cpu/avx2/avx2_kernels.h"
#include "kernels/cpu/ref/ref_kernels.h"
#include "quant/dequantize.h"
#include "stored_matrix.h"

using namespace nemotron;
using namespace nemotron::kernels;
using namespace nemotron::test;

namespace {

std::size_t to_size(std::int64_t n) { return static_cast<std::size_t>(n); }

// Memory aligned to a cache line, of at least n bytes.
struct AlignedBytes {
  explicit AlignedBytes(std::int64_t n) : lines(to_size(n / 64 + 1)) {}
  void* data() { return lines.data(); }
  struct alignas(64) Line {
    unsigned char bytes[64];
  };
  std::vector<Line> lines;
};

// A matrix in the form of a level.
struct PackedMatrix {
  PackedMatrix(const KernelTable& t, const StoredMatrix& w)
      : table(t),
        type(w.type),
        n_out(w.n_rows),
        n_in(w.n_columns),
        tiles((n_out + kTileRows - 1) / kTileRows * t.tile_bytes(w.type, w.n_columns)) {
    for (std::int64_t j = 0; j < n_out; j += kTileRows)
      table.pack_tile(
          {type, w.bytes.data() + j * w.row_bytes, std::min(kTileRows, n_out - j), n_in,
           static_cast<char*>(tiles.data()) + j / kTileRows * table.tile_bytes(type, n_in)});
  }

  // y = x W^T in pieces of `piece` outputs.
  std::vector<float> times(const std::vector<float>& x, std::int64_t n_rows, std::int64_t piece) {
    std::vector<float> y(to_size(n_rows * n_out), NAN);
    AlignedBytes prepared(table.prepared_bytes(type, n_rows, n_in));
    AlignedBytes scratch(table.linear_scratch_bytes(type, n_in));
    const std::int64_t n_blocks = (n_in + kPrepareColumns - 1) / kPrepareColumns;
    const PrepareParams prepare{type, x.data(), n_rows, n_in, input_scale, prepared.data()};
    table.prepare(prepare, 0, n_blocks / 2);
    table.prepare(prepare, n_blocks / 2, n_blocks);
    const LinearParams params{tiles.data(),    type,   n_out,    n_in, x.data(),
                              prepared.data(), n_rows, y.data(), n_out};
    for (std::int64_t first = 0; first < n_out; first += piece)
      table.linear(params, first, std::min(first + piece, n_out), scratch.data());
    return y;
  }

  const KernelTable& table;
  TensorType type;
  std::int64_t n_out;
  std::int64_t n_in;
  AlignedBytes tiles;
  float input_scale = 0.0f;
};

enum class Rounding { kNone, kInt8, kBF16 };

// What a level documents that it does to its input.
Rounding input_rounding(const KernelTable& table, TensorType type, std::int64_t n_in) {
  const std::string_view level = table.name;
  if (level == "ref") return Rounding::kNone;
  switch (type) {
    case TensorType::kF32:
    case TensorType::kF16:
      return Rounding::kNone;
    case TensorType::kBF16:
    case TensorType::kF8_E4M3:
      return level == "avx512" && n_in % 32 == 0 ? Rounding::kBF16 : Rounding::kNone;
    default:
      return Rounding::kInt8;
  }
}

std::vector<float> rounded_input(std::vector<float> x, Rounding rounding) {
  if (rounding == Rounding::kBF16)
    for (float& value : x) value = bf16_to_float(float_to_bf16(value));
  if (rounding != Rounding::kInt8) return x;
  for (std::size_t begin = 0; begin < x.size(); begin += 32) {
    float max = 0;
    for (std::size_t i = begin; i < begin + 32; ++i) max = std::max(max, std::abs(x[i]));
    for (std::size_t i = begin; i < begin + 32; ++i)
      x[i] = max == 0 ? 0.0f : std::nearbyint(x[i] * (127.0f / max)) * (max / 127.0f);
  }
  return x;
}

// Sums are taken over codes, so what rounds is the largest weight that a block's factors allow.
double largest_weight(const StoredMatrix& w, std::int64_t row) {
  double largest = 0;
  for (std::int64_t k = 0; k < w.n_columns; ++k)
    largest = std::max(largest, std::abs(double{w.floats[to_size(row * w.n_columns + k)]}));
  return 2 * largest;
}

void check_against_double(const StoredMatrix& w, const std::vector<float>& x,
                          const std::vector<float>& y, std::int64_t n_rows, Rounding rounding) {
  for (std::int64_t j = 0; j < w.n_rows; ++j) {
    const double largest = rounding == Rounding::kInt8 ? largest_weight(w, j) : 0;
    for (std::int64_t i = 0; i < n_rows; ++i) {
      double sum = 0;
      double magnitude = 0;
      for (std::int64_t k = 0; k < w.n_columns; ++k) {
        const double factor = x[to_size(i * w.n_columns + k)];
        const double product = double{w.floats[to_size(j * w.n_columns + k)]} * factor;
        sum += product;
        magnitude += std::max(std::abs(product), largest * std::abs(factor));
      }
      const double error = std::abs(y[to_size(i * w.n_rows + j)] - sum);
      const double bound = sum_bound(w.n_columns, magnitude);
      if (!(error <= bound)) {
        INFO("row " << i << ", output " << j << ": off by " << error << ", bound " << bound);
        FAIL_CHECK();
      }
    }
  }
}

}  // namespace

TEST_CASE("linear of every type and level is within the rounding of its sum") {
  Random random(1);
  for (const KernelTable* table : kernel_tables()) {
    for (const TensorType type : all_types()) {
      const std::int64_t block = traits(type).block_elements;
      for (const std::int64_t columns :
           {block, 2 * block, 5 * block, 17 * block, 32 * block, 33 * block}) {
        const StoredMatrix w(type, 23, columns, random);
        const auto x = random.reals(9 * columns);
        const Rounding rounding = input_rounding(*table, type, columns);
        INFO(table->name << ", " << traits(type).name << ", " << columns << " columns");
        const auto y = PackedMatrix(*table, w).times(x, 9, 16);
        check_against_double(w, rounded_input(x, rounding), y, 9, rounding);
      }
    }
  }
}

// Nothing may saturate on the way, however large codes and inputs are.
TEST_CASE("linear is exact where all codes and inputs are the largest") {
  Random random(12);
  for (const KernelTable* table : kernel_tables()) {
    for (const TensorType type : all_types()) {
      for (const unsigned char fill : {0x00, 0x77, 0x80, 0xff}) {
        const StoredMatrix w(type, 16, 512, random, fill);
        for (const float value : {1.0f, -1.0f}) {
          const std::vector<float> x(512, value);
          const Rounding rounding = input_rounding(*table, type, 512);
          INFO(table->name << ", " << traits(type).name << ", " << int{fill} << ", x " << value);
          const auto y = PackedMatrix(*table, w).times(x, 1, 16);
          check_against_double(w, rounded_input(x, rounding), y, 1, rounding);
        }
      }
    }
  }
}

TEST_CASE("levels with int8 inputs share their tiles and their bytes") {
  std::vector<const KernelTable*> tables = kernel_tables();
  std::erase_if(tables, [](const KernelTable* table) {
    return table->arithmetic(TensorType::kQ4_K, 256) != Arithmetic::kInt8;
  });
  Random random(13);
  for (const TensorType type : all_types()) {
    for (const std::int64_t columns : {256, 512, 5 * 256}) {
      const StoredMatrix w(type, 39, columns, random);
      auto x = random.reals(18 * columns);
      x[40] = NAN;
      std::fill_n(x.begin() + columns, 32, 1e-32f);
      if (tables.empty() || tables[0]->arithmetic(type, columns) != Arithmetic::kInt8) continue;
      PackedMatrix first(*tables[0], w);
      const auto expected = first.times(x, 18, 16);
      for (const KernelTable* table : tables) {
        INFO(table->name << ", " << traits(type).name << ", " << columns << " columns");
        PackedMatrix packed(*table, w);
        const auto y = packed.times(x, 18, 16);
        const std::int64_t n_bytes = 3 * table->tile_bytes(type, columns);
        REQUIRE(n_bytes == 3 * tables[0]->tile_bytes(type, columns));
        CHECK(std::memcmp(packed.tiles.data(), first.tiles.data(), to_size(n_bytes)) == 0);
        CHECK(same_bytes(std::vector(y.begin() + 39, y.end()),
                         std::vector(expected.begin() + 39, expected.end())));
        CHECK(std::isnan(y[0]));
      }
    }
  }
}

TEST_CASE("an output of linear is the same for one row and for many, in any range") {
  Random random(2);
  const std::int64_t odd_columns =
      GENERATE(83, 96, 576);  // the last: more than is unpacked at once
  for (const KernelTable* table : kernel_tables()) {
    for (const TensorType type : all_types()) {
      const std::int64_t columns = traits(type).block_elements == 1 ? odd_columns : 512;
      const std::int64_t n_out = 87;
      const StoredMatrix w(type, n_out, columns, random);
      PackedMatrix packed(*table, w);
      const auto x = random.reals(37 * columns);
      const auto all = packed.times(x, 37, n_out);
      INFO(table->name << ", " << traits(type).name);
      CHECK(std::memcmp(all.data(), packed.times(x, 37, 32).data(), all.size() * 4) == 0);
      for (const std::int64_t n : {1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 16, 17, 24, 33}) {
        const std::vector<float> rows(x.begin() + columns, x.begin() + (n + 1) * columns);
        const auto some = packed.times(rows, n, 16);
        INFO(n << " rows");
        CHECK(std::memcmp(all.data() + n_out, some.data(), some.size() * 4) == 0);
      }
    }
  }
}

TEST_CASE("a tile is the same from rows at any address, whatever was in its memory") {
  Random random(11);
  for (const KernelTable* table : kernel_tables()) {
    for (const TensorType type : all_types()) {
      const StoredMatrix w(type, 32, 768, random);
      const std::int64_t n_bytes = table->tile_bytes(type, 768);
      for (const std::int64_t n_rows : {1, 5, 16}) {
        AlignedBytes expected(n_bytes);
        std::memset(expected.data(), 0, to_size(n_bytes));
        table->pack_tile({type, w.bytes.data(), n_rows, 768, expected.data()});
        for (const std::size_t shift : {1, 2, 7, 63}) {
          std::vector<unsigned char> shifted(shift, 0xff);  // the rows end where the memory ends
          shifted.insert(shifted.end(), w.bytes.begin(), w.bytes.begin() + n_rows * w.row_bytes);
          shifted.shrink_to_fit();
          AlignedBytes tile(n_bytes);
          std::memset(tile.data(), 0xff, to_size(n_bytes));
          table->pack_tile({type, shifted.data() + shift, n_rows, 768, tile.data(),
                            w.bytes.data() + 16 * w.row_bytes});
          INFO(table->name << ", " << traits(type).name << ", " << n_rows << " rows, " << shift);
          CHECK(std::memcmp(tile.data(), expected.data(), to_size(n_bytes)) == 0);
        }
      }
    }
  }
}

TEST_CASE("FP8: inputs become multiples of their scale") {
  const std::vector<float> x = {1.0f, -2.0f, 0.3f, 1000.0f};
  std::vector<float> out(4, 7.0f);
  ref::round_to_f8_multiples(x.data() + 1, 3, 0.5f, out.data() + 1);
  CHECK(out == std::vector<float>{7.0f, -4.0f, 0.625f, 448.0f});
  ref::round_to_f8_multiples(x.data(), 4, 0.0f, out.data());
  CHECK(out == x);
}

// Every value of E4M3, what lies halfway to the next and what lies beside that, with both signs;
// and what is too small or too large for it.
std::vector<float> inputs_around_f8() {
  std::vector<float> values = {0.0f, 1e-45f, 1e-38f, 0x1.fp-10f, 465.0f, 1e30f, INFINITY};
  for (int code = 0; code < 126; ++code) {
    const float value = f8_e4m3_to_float(static_cast<std::uint8_t>(code));
    const float half = (value + f8_e4m3_to_float(static_cast<std::uint8_t>(code + 1))) / 2;
    values.insert(values.end(),
                  {value, half, std::nextafter(half, 0.0f), std::nextafter(half, 1e9f)});
  }
  const std::size_t n = values.size();
  for (std::size_t i = 0; i < n; ++i) values.push_back(-values[i]);
  return values;
}

TEST_CASE("FP8: a product with an input scale is the product of the rounded inputs") {
  Random random(10);
  const float scale = GENERATE(0.01f, 0x1p-7f);  // divided by the latter, halves stay halves
  const std::vector<float> around = inputs_around_f8();
  const auto n_rows = static_cast<std::int64_t>(around.size() / 83);
  for (const KernelTable* table : kernel_tables()) {
    for (const std::int64_t columns : {83, 96}) {
      const StoredMatrix w(TensorType::kF8_E4M3, 40, columns, random);
      auto x = random.reals(n_rows * columns, 5.0f);
      for (std::size_t i = 0; i < std::min(x.size(), around.size()); ++i) x[i] = around[i] * scale;
      std::vector<float> multiples(x.size());
      ref::round_to_f8_multiples(x.data(), n_rows * columns, scale, multiples.data());
      PackedMatrix packed(*table, w);
      const auto expected = packed.times(multiples, n_rows, 16);
      packed.input_scale = scale;
      const auto y = packed.times(x, n_rows, 16);
      INFO(table->name << ", " << columns << " columns");
      CHECK(std::memcmp(y.data(), expected.data(), y.size() * 4) == 0);
      packed.input_scale = 0.0f;
      CHECK(packed.times(x, n_rows, 16) != expected);
    }
  }
}

TEST_CASE("a product with something that is not a number is not a number") {
  Random random(8);
  for (const KernelTable* table : kernel_tables()) {
    for (const TensorType type : {TensorType::kQ5_0, TensorType::kQ4_K, TensorType::kQ6_K,
                                  TensorType::kBF16, TensorType::kF32}) {
      const StoredMatrix w(type, 16, 256, random);
      auto x = random.reals(256);
      x[100] = NAN;
      INFO(table->name << ", " << traits(type).name);
      for (const float y : PackedMatrix(*table, w).times(x, 1, 16)) CHECK(std::isnan(y));
      x[100] = 0.0f;
      for (float& value : x) value *= 1e-36f;
      for (const float y : PackedMatrix(*table, w).times(x, 1, 16)) CHECK(std::abs(y) < 1e-30f);
    }
  }
}

#if defined(__aarch64__)
TEST_CASE("neon: products with the dot product instructions and without have the same bytes") {
  if (!detect_cpu_features().has_dot_product) return;
  Random random(12);
  for (const TensorType type : all_types()) {
    const std::int64_t columns = traits(type).block_elements == 1 ? 83 : 768;
    const StoredMatrix w(type, 21, columns, random);
    const auto x = random.reals(11 * columns);
    INFO(traits(type).name);
    CHECK(same_bytes(PackedMatrix(*neon_kernels(true), w).times(x, 11, 16),
                     PackedMatrix(*neon_kernels(false), w).times(x, 11, 16)));
  }
}
#endif

#if defined(__x86_64__)
TEST_CASE("the avx2 unpack equals the scalar dequantiser bit by bit") {
  if (kernel_tables().size() < 2) return;
  Random random(3);
  for (const TensorType type : all_types()) {
    const std::int64_t columns = traits(type).block_elements == 1 ? 77 : 1024;
    const StoredMatrix w(type, 20, columns, random);
    std::vector<float> scratch(static_cast<std::size_t>(columns));
    for (std::int64_t j = 0; j < 20; ++j) {
      const float* row =
          avx2::unpack_row(type, w.bytes.data() + j * w.row_bytes, columns, scratch.data());
      INFO(traits(type).name << ", row " << j);
      CHECK(std::memcmp(row, w.floats.data() + j * columns, scratch.size() * sizeof(float)) == 0);
    }
  }
}
#endif

TEST_CASE("embed gives the dequantised rows of its tokens") {
  Random random(4);
  for (const TensorType type : all_types()) {
    const StoredMatrix w(type, 10, 256, random);
    const std::vector<std::int32_t> tokens = {9, 0, 3, 3};
    std::vector<float> out(4 * 256, NAN);
    const EmbedParams params{w.bytes.data(), type, w.row_bytes, 256, tokens.data(), out.data()};
    ref_kernels().embed(params, 0, 4);
    for (std::size_t i = 0; i < tokens.size(); ++i)
      CHECK(std::memcmp(&out[i * 256], &w.floats[static_cast<std::size_t>(tokens[i]) * 256],
                        1024) == 0);
  }
}
