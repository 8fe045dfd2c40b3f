#include "convert/fp8_scales.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "base/text.h"
#include "threading/thread_pool.h"

namespace nemotron {
namespace {

constexpr std::uint64_t kScannedElements = 1 << 18;
constexpr float kLargestE4M3 = 448.0f;

// A scale has to be a positive number, also that of a matrix of zeros.
float scale_of(float largest) {
  if (largest == 0.0f) return 1.0f;
  return std::max(largest / kLargestE4M3, std::numeric_limits<float>::min());
}

float largest_of(std::span<const float> values) {
  float largest = 0.0f;
  for (const float value : values) largest = std::max(largest, std::fabs(value));
  return largest;
}

}  // namespace

Result<std::optional<Fp8Scales>> find_input_scales(const ModelFile& model,
                                                   const ImportanceMatrix* matrix) {
  Fp8Scales scales;
  bool lacks_one = false;
  for (const TensorSlot slot : all_slots(model.config())) {
    if (keeps_bf16(model.config(), slot)) continue;
    float& input = scales[{slot.role, slot.layer}].input;
    if (matrix == nullptr) {
      input = model.scales(slot.role, slot.layer).input;
      lacks_one = lacks_one || input == 0.0f;
      continue;
    }
    const std::string name = tensor_name(NameStyle::gguf, slot);
    const auto found = matrix->entries.find(name);
    if (found == matrix->entries.end() || found->second.largest == 0.0f)
      return Status{StatusCode::kConfigMismatch,
                    join("the importance matrix does not say how large the inputs of '", name,
                         "' are; one made by this library does")};
    input = scale_of(found->second.largest);
  }
  if (lacks_one) return std::optional<Fp8Scales>();
  return std::optional(std::move(scales));
}

TensorPlan fp8_matrices(const TensorPlan& plan) {
  TensorPlan out;
  for (const PlannedTensor& tensor : plan)
    if (tensor.entry.type == TensorType::kF8_E4M3) out.push_back(tensor);
  return out;
}

Status find_weight_scales(const TensorPlan& matrices, const WeightReader& reader, int n_threads,
                          const ConvertProgress& progress, Fp8Scales& scales) {
  struct Scratch {
    std::vector<float> values;
    std::vector<std::byte> stored;
    std::vector<float> largest;  // of each matrix, as far as this thread has seen
  };
  if (n_threads <= 0) n_threads = usable_processors();
  std::vector<Scratch> scratch(static_cast<std::size_t>(n_threads));
  for (Scratch& mine : scratch) mine.largest.resize(matrices.size());
  const auto visit = [&](const Piece& piece, int thread) {
    Scratch& mine = scratch[static_cast<std::size_t>(thread)];
    mine.values.resize(piece.n_elements);
    NEMO_TRY(
        reader.read(matrices[piece.tensor].slot, piece.first_element, mine.values, mine.stored));
    float& largest = mine.largest[piece.tensor];
    largest = std::max(largest, largest_of(mine.values));
    return Status::ok();
  };
  NEMO_TRY(
      visit_pieces(matrices, {kScannedElements, /*whole_rows=*/true}, n_threads, progress, visit));
  for (std::size_t i = 0; i < matrices.size(); ++i) {
    float largest = 0.0f;
    for (const Scratch& thread : scratch) largest = std::max(largest, thread.largest[i]);
    scales[{matrices[i].slot.role, matrices[i].slot.layer}].weight = scale_of(largest);
  }
  return Status::ok();
}

}  // namespace nemotron
