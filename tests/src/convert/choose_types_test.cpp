// The types of nemo4: few enough bits, the better of what fits, wide where it gains most.
#include "convert/choose_types.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <limits>
#include <optional>

#include "convert/importance_matrix.h"
#include "formats/open_model.h"
#include "lib/io/temp_folder.h"
#include "quant/dequantize.h"
#include "quant/quantize.h"
#include "src/convert/convert_fixture.h"

using namespace nemotron;
using namespace nemotron::test;

namespace {

bool is_wide(TensorType type) { return type == TensorType::kQ5_0 || type == TensorType::kQ5_K; }
bool is_narrow(TensorType type) { return type == TensorType::kIQ4_NL || type == TensorType::kQ4_K; }

// Of the whole matrix, relative.
double error_of(TensorType type, const TensorEntry& matrix, const std::vector<float>& values,
                const std::vector<float>& importance) {
  const std::size_t n_columns = matrix.dims().back();
  if (n_columns % traits(type).block_elements != 0) return std::numeric_limits<double>::infinity();
  std::vector<std::byte> blocks(values.size() / traits(type).block_elements *
                                traits(type).block_bytes);
  quantize_rows(type, values.data(), values.size() / n_columns, n_columns,
                importance.empty() ? nullptr : importance.data(), blocks.data());
  std::vector<float> rounded(values.size());
  dequantize(type, blocks.data(), values.size(), rounded.data());
  double error = 0, norm = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double weight = importance.empty() ? 1.0 : importance[i % n_columns];
    error += weight * (double{values[i]} - rounded[i]) * (double{values[i]} - rounded[i]);
    norm += weight * double{values[i]} * values[i];
  }
  return error / norm;
}

struct Matrix {
  TensorSlot slot;
  TensorType type;
  std::uint64_t n_weights;
  double gain_per_byte;  // of the wide type
};

// The matrices that every token reads; checks that each has the better type of its kind.
std::vector<Matrix> matrices_of(const ModelFile& original, const ModelFile& mixed,
                                const std::optional<ImportanceMatrix>& importance) {
  std::vector<Matrix> out;
  for (const TensorSlot slot : all_slots(mixed.config())) {
    const TensorEntry& entry = *mixed.lookup(slot.role, slot.layer);
    if (!is_matrix(slot.role)) {
      CHECK(entry.type == TensorType::kF32);
      continue;
    }
    const std::string name = tensor_name(NameStyle::gguf, slot);
    INFO(name << " " << traits(entry.type).name);
    std::vector<float> columns;
    if (importance) columns = importance->importance(name, entry.dims().back()).value();
    const auto values = values_of(original, slot.role, slot.layer);
    const auto error = [&](TensorType type) { return error_of(type, entry, values, columns); };
    const double nl = error(TensorType::kIQ4_NL), k4 = error(TensorType::kQ4_K);
    const double q5 = error(TensorType::kQ5_0), k5 = error(TensorType::kQ5_K);
    REQUIRE((is_narrow(entry.type) || is_wide(entry.type)));
    // What was measured on a part of the rows tells the whole but where they are nearly the same.
    const double best = is_wide(entry.type) ? std::min(q5, k5) : std::min(nl, k4);
    CHECK(error(entry.type) <= best * 1.02);
    if (slot.role == TensorRole::token_embedding) {
      CHECK(is_wide(entry.type));
      continue;
    }
    const auto n = entry.n_elements();
    out.push_back({slot, entry.type, n,
                   (std::min(nl, k4) - std::min(q5, k5)) / (static_cast<double>(n) / 8)});
  }
  return out;
}

}  // namespace

TEST_CASE("nemo4 keeps to its bits and widens what gains most per byte") {
  const bool has_importance = GENERATE(false, true);
  const std::string imatrix_path =
      has_importance ? data_path("convert/tiny.imatrix.gguf") : std::string();
  const TempFolder folder;
  REQUIRE(quantize_to(tiny_folder(), folder.file("x"), "nemo4", 2, imatrix_path).is_ok());
  const auto original = open_model(tiny_folder());
  const auto mixed = open_model(folder.file("x"));
  REQUIRE(mixed.is_ok());
  std::optional<ImportanceMatrix> importance;
  if (has_importance) importance = read_importance_matrix(imatrix_path).value();
  const auto matrices = matrices_of(original.value(), mixed.value(), importance);
  double n_weights = 0, n_bits = 0;
  for (const Matrix& matrix : matrices) {
    const auto n = static_cast<double>(matrix.n_weights);
    n_weights += n;
    n_bits += n * (is_wide(matrix.type) ? 5.5 : 4.5);
  }
  CHECK(n_bits <= kNemo4BitsPerWeight * n_weights);
  CHECK(n_bits > 4.5 * n_weights);
  for (const Matrix& narrow : matrices) {
    if (is_wide(narrow.type)) continue;
    // There is no room for it beside the wide ones, nor had it been in place of one as large.
    bool gains_less = true;
    for (const Matrix& wide : matrices)
      if (is_wide(wide.type) && wide.n_weights >= narrow.n_weights)
        gains_less = gains_less && narrow.gain_per_byte <= 1.05 * wide.gain_per_byte;
    CHECK(gains_less);
    CHECK(n_bits + static_cast<double>(narrow.n_weights) > kNemo4BitsPerWeight * n_weights);
  }
}

TEST_CASE("nemo4 is the same for any number of threads") {
  const TempFolder folder;
  REQUIRE(quantize_to(tiny_folder(), folder.file("a"), "nemo4", 1).is_ok());
  REQUIRE(quantize_to(tiny_folder(), folder.file("b"), "nemo4", 3).is_ok());
  CHECK(content(folder.file("a")) == content(folder.file("b")));
}

TEST_CASE("making nemo4 tells how far it is, and can be cancelled while it measures") {
  const TempFolder folder;
  std::uint64_t last = 0, end = 0;
  QuantizeOptions options;
  options.type = "nemo4";
  options.progress = [&](std::uint64_t done, std::uint64_t total) {
    CHECK(done >= last);
    last = done;
    end = total;
    return 0;
  };
  REQUIRE(quantize_model(tiny_folder(), folder.file("x"), options).is_ok());
  CHECK(last == end);
  options.progress = [](std::uint64_t, std::uint64_t) { return 1; };
  CHECK(quantize_model(tiny_folder(), folder.file("y"), options).code() == StatusCode::kCancelled);
}
