// Matrix products of every type and level: against double sums over the dequantised weights, and
// byte-equal whatever the number of rows.
#include <cstring>

#include "kernel_test.h"
#include "kernels/cpu/avx2/avx2_kernels.h"
#include "quant/dequantize.h"

using namespace nemotron;
using namespace nemotron::kernels;
using namespace nemotron::test;

namespace {

std::vector<TensorType> all_types() {
  std::vector<TensorType> types;
  for (int i = 0; i < kNumTensorTypes; ++i) types.push_back(static_cast<TensorType>(i));
  return types;
}

// Where the half-precision numbers of a block lie.
std::vector<std::size_t> half_offsets(TensorType type) {
  switch (type) {
    case TensorType::kF32:
    case TensorType::kBF16:
    case TensorType::kF8_E4M3:
    case TensorType::kNVFP4:
      return {};
    case TensorType::kF16:
    case TensorType::kQ4_0:
    case TensorType::kQ5_0:
    case TensorType::kQ8_0:
    case TensorType::kIQ4_NL:
    case TensorType::kIQ4_XS:
      return {0};
    case TensorType::kQ4_1:
    case TensorType::kQ5_1:
    case TensorType::kQ4_K:
    case TensorType::kQ5_K:
      return {0, 2};
    case TensorType::kQ2_K:
      return {80, 82};
    case TensorType::kQ3_K:
      return {108};
    case TensorType::kQ6_K:
      return {208};
  }
  return {};
}

struct StoredMatrix {
  StoredMatrix(TensorType t, std::int64_t rows, std::int64_t columns, Random& random)
      : type(t), n_rows(rows), n_columns(columns) {
    const TensorTypeTraits& type_traits = traits(type);
    row_bytes = columns / type_traits.block_elements * type_traits.block_bytes;
    bytes.resize(static_cast<std::size_t>(rows * row_bytes));
    for (auto& byte : bytes) byte = static_cast<unsigned char>(random.bits());
    tame_exponents(random);
    floats.resize(static_cast<std::size_t>(rows * columns));
    for (std::int64_t i = 0; i < rows; ++i)
      dequantize(type, bytes.data() + i * row_bytes, static_cast<std::size_t>(columns),
                 floats.data() + i * columns);
  }

  // Random bits make any quants; the floats among them must be finite and of similar size.
  void tame_exponents(Random& random) {
    const auto put_half = [&](std::size_t offset) {
      const std::uint16_t half = static_cast<std::uint16_t>(0x2400 | (random.bits() & 0x83ff));
      std::memcpy(&bytes[offset], &half, sizeof half);
    };
    const std::size_t step = traits(type).block_bytes;
    for (std::size_t at = 0; at < bytes.size(); at += step) {
      switch (type) {
        case TensorType::kF32: {
          const float value = random.real();
          std::memcpy(&bytes[at], &value, sizeof value);
          break;
        }
        case TensorType::kBF16: {
          const auto bits = static_cast<std::uint16_t>(0x3e00 | (random.bits() & 0x81ff));
          std::memcpy(&bytes[at], &bits, sizeof bits);
          break;
        }
        case TensorType::kF8_E4M3:  // not NaN
          bytes[at] &= 0xbf;
          break;
        case TensorType::kNVFP4:
          for (std::size_t k = 0; k < 4; ++k) bytes[at + k] &= 0x3f;
          break;
        default:
          for (const std::size_t offset : half_offsets(type)) put_half(at + offset);
      }
    }
  }

  TensorType type;
  std::int64_t n_rows;
  std::int64_t n_columns;
  std::int64_t row_bytes = 0;
  std::vector<unsigned char> bytes;
  std::vector<float> floats;
};

std::vector<float> run(const KernelTable& table, const StoredMatrix& w, const std::vector<float>& x,
                       std::int64_t n_rows, std::int64_t piece) {
  std::vector<float> y(static_cast<std::size_t>(n_rows * w.n_rows), NAN);
  std::vector<float> scratch(static_cast<std::size_t>(w.n_columns));
  const LinearParams params{w.bytes.data(), w.type, w.row_bytes, w.n_columns,
                            x.data(),       n_rows, y.data(),    w.n_rows};
  for (std::int64_t first = 0; first < w.n_rows; first += piece)
    table.linear(params, first, std::min(first + piece, w.n_rows), scratch.data());
  return y;
}

void check_against_double(const StoredMatrix& w, const std::vector<float>& x,
                          const std::vector<float>& y, std::int64_t n_rows) {
  for (std::int64_t i = 0; i < n_rows; ++i) {
    for (std::int64_t j = 0; j < w.n_rows; ++j) {
      double sum = 0;
      double magnitude = 0;
      for (std::int64_t k = 0; k < w.n_columns; ++k) {
        const double product = double{w.floats[static_cast<std::size_t>(j * w.n_columns + k)]} *
                               x[static_cast<std::size_t>(i * w.n_columns + k)];
        sum += product;
        magnitude += std::abs(product);
      }
      const double error = std::abs(y[static_cast<std::size_t>(i * w.n_rows + j)] - sum);
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
      for (const std::int64_t columns : {block, 2 * block, 5 * block, 17 * block, 33 * block}) {
        const StoredMatrix w(type, 7, columns, random);
        const auto x = random.reals(9 * columns);
        INFO(table->name << ", " << traits(type).name << ", " << columns << " columns");
        check_against_double(w, x, run(*table, w, x, 9, 7), 9);
      }
    }
  }
}

TEST_CASE("an output of linear is the same for one row and for many, in any range") {
  Random random(2);
  for (const KernelTable* table : kernel_tables()) {
    for (const TensorType type : all_types()) {
      const std::int64_t columns = traits(type).block_elements == 1 ? 83 : 512;
      const StoredMatrix w(type, 11, columns, random);
      const auto x = random.reals(13 * columns);
      const auto all = run(*table, w, x, 13, 11);
      INFO(table->name << ", " << traits(type).name);
      CHECK(std::memcmp(all.data(), run(*table, w, x, 13, 3).data(), all.size() * 4) == 0);
      for (std::int64_t i = 0; i < 13; ++i) {
        const std::vector<float> row(x.begin() + i * columns, x.begin() + (i + 1) * columns);
        const auto alone = run(*table, w, row, 1, 2);
        CHECK(std::memcmp(all.data() + i * 11, alone.data(), alone.size() * 4) == 0);
      }
    }
  }
}

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
