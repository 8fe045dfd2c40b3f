// Importance matrices: the input is the GGUF file. Every matrix that it describes must be one that
// the quantizers may be given, and they are.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "convert/importance_matrix.h"
#include "io/data_source.h"
#include "model_files.h"
#include "quant/quantize.h"

using namespace nemotron;

namespace {

void quantize_by(const std::vector<float>& importance) {
  constexpr std::size_t kMaxColumns = 2048;
  std::vector<float> values(std::min(importance.size(), kMaxColumns));
  for (std::size_t i = 0; i < values.size(); ++i)
    values[i] = static_cast<float>(static_cast<int>(i * 37 % 101) - 50) / 64.0f;
  for (const TensorType type : {TensorType::kQ4_0, TensorType::kQ3_K, TensorType::kIQ4_XS}) {
    const TensorTypeTraits& block = traits(type);
    const std::size_t n = values.size() / block.block_elements * block.block_elements;
    std::vector<std::byte> blocks(n / block.block_elements * block.block_bytes);
    quantize_rows(type, values.data(), n == 0 ? 0 : 1, n, importance.data(), blocks.data());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto source = memory_source("matrix", std::as_bytes(std::span(data, size)));
  const auto matrix = read_importance_matrix(*source);
  static const bool is_verbose = std::getenv("NEMO_FUZZ_VERBOSE") != nullptr;
  if (is_verbose) std::fprintf(stderr, "%s\n", matrix.status().message().c_str());
  if (!matrix.is_ok()) {
    const Status& status = matrix.status();
    if (status.message().empty()) fuzz::broken_promise("the message is empty", "");
    if (status.code() == StatusCode::kInternal) fuzz::broken_promise("a fault", status.message());
    return 0;
  }
  for (const auto& [name, entry] : matrix->entries) {
    const auto importance = matrix->importance(name, entry.sums.size());
    if (!importance.is_ok()) fuzz::broken_promise("a matrix is not known", name);
    for (const float value : importance.value())
      if (!std::isfinite(value) || value < 0.0f) fuzz::broken_promise("not an importance", name);
    if (!std::isfinite(entry.largest) || entry.largest < 0.0f)
      fuzz::broken_promise("not a largest input", name);
    quantize_by(importance.value());
  }
  return 0;
}
