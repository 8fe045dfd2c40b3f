#include "convert/choose_types.h"

#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <mutex>
#include <utility>

#include "quant/dequantize.h"
#include "quant/quantize.h"
#include "threading/thread_pool.h"

namespace nemotron {
namespace {

constexpr std::uint64_t kMeasuredElements = 1 << 16;
// One piece in so many is measured, and it may be the last, shorter one.
constexpr std::uint64_t kMeasuredOf = 8;

constexpr std::size_t kNarrowTypes = 2;  // the first of kCandidates
constexpr std::array kCandidates = {TensorType::kIQ4_NL, TensorType::kQ4_K, TensorType::kQ5_0,
                                    TensorType::kQ5_K};

struct Errors {
  std::array<double, kCandidates.size()> squares{};  // of differences, by candidate
  double weights = 0.0;                              // squares of the weights
};

bool fits(TensorType type, const TensorEntry& matrix) {
  return matrix.dims().back() % traits(type).block_elements == 0;
}

bool is_chosen(const PlannedTensor& tensor) {
  return is_matrix(tensor.slot.role) && fits(TensorType::kIQ4_NL, tensor.entry);
}

// A weighed sum of squares of a - b, whole rows.
double sum_of_squares(std::span<const float> a, std::span<const float> b,
                      const std::vector<float>& importance, std::size_t n_columns) {
  double sum = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double difference = double{a[i]} - (b.empty() ? 0.0f : b[i]);
    sum += difference * difference * (importance.empty() ? 1.0f : importance[i % n_columns]);
  }
  return sum;
}

// Tries all candidates on rows of a matrix.
class Trial {
 public:
  Errors run(const TensorEntry& matrix, std::span<const float> values,
             const std::vector<float>& importance) {
    const std::size_t n_columns = matrix.dims().back();
    const float* weights = importance.empty() ? nullptr : importance.data();
    Errors out;
    out.weights = sum_of_squares(values, {}, importance, n_columns);
    rounded_.resize(values.size());
    for (std::size_t i = 0; i < kCandidates.size(); ++i) {
      if (!fits(kCandidates[i], matrix)) continue;
      const TensorTypeTraits& block = traits(kCandidates[i]);
      blocks_.resize(values.size() / block.block_elements * block.block_bytes);
      quantize_rows(kCandidates[i], values.data(), values.size() / n_columns, n_columns, weights,
                    blocks_.data());
      dequantize(kCandidates[i], blocks_.data(), values.size(), rounded_.data());
      out.squares[i] = sum_of_squares(values, rounded_, importance, n_columns);
    }
    return out;
  }

 private:
  std::vector<std::byte> blocks_;
  std::vector<float> rounded_;
};

// The sums of each tensor of the plan. Those of pieces are added in their order, whichever thread
// made them.
Result<std::vector<Errors>> measure(const WeightReader& reader,
                                    const std::vector<std::vector<float>>& importance,
                                    int n_threads, const ConvertProgress& progress,
                                    const TensorPlan& plan) {
  struct Scratch {
    std::vector<float> values;
    std::vector<std::byte> stored;
    Trial trial;
  };
  std::vector<Scratch> scratch(static_cast<std::size_t>(n_threads));
  std::map<std::pair<std::size_t, std::uint64_t>, Errors> pieces;
  std::mutex mutex;
  const auto visit = [&](const Piece& piece, int thread) {
    const PlannedTensor& tensor = plan[piece.tensor];
    if (!is_chosen(tensor) || piece.first_element / piece.n_elements % kMeasuredOf != 0)
      return Status::ok();
    Scratch& mine = scratch[static_cast<std::size_t>(thread)];
    mine.values.resize(piece.n_elements);
    NEMO_TRY(reader.read(tensor.slot, piece.first_element, mine.values, mine.stored));
    const Errors errors = mine.trial.run(tensor.entry, mine.values, importance[piece.tensor]);
    const std::lock_guard lock(mutex);
    pieces.emplace(std::pair(piece.tensor, piece.first_element), errors);
    return Status::ok();
  };
  NEMO_TRY(
      visit_pieces(plan, {kMeasuredElements, /*whole_rows=*/true}, n_threads, progress, visit));
  std::vector<Errors> out(plan.size());
  for (const auto& [key, errors] : pieces) {
    Errors& sums = out[key.first];
    sums.weights += errors.weights;
    for (std::size_t i = 0; i < kCandidates.size(); ++i) sums.squares[i] += errors.squares[i];
  }
  return out;
}

struct Choice {
  TensorType type;
  double error;  // relative
  double bytes;  // of the whole matrix
};

// The best of candidates [first, end) for a matrix that the first of them fits.
Choice best_of(const TensorEntry& matrix, const Errors& errors, std::size_t first,
               std::size_t end) {
  std::size_t best = first;
  for (std::size_t i = first; i < end; ++i)
    if (fits(kCandidates[i], matrix) && errors.squares[i] < errors.squares[best]) best = i;
  const TensorTypeTraits& block = traits(kCandidates[best]);
  const double error = errors.weights > 0.0 ? errors.squares[best] / errors.weights : 0.0;
  const double n_blocks = static_cast<double>(matrix.n_elements()) / block.block_elements;
  return {kCandidates[best], error, n_blocks * block.block_bytes};
}

struct Upgrade {
  std::size_t tensor;
  TensorType type;
  double bytes;
  double gain_per_byte;
};

}  // namespace

Status choose_types(const ModelConfig& config, const WeightReader& reader,
                    const std::vector<std::vector<float>>& importance, int n_threads,
                    const ConvertProgress& progress, TensorPlan& plan) {
  if (n_threads <= 0) n_threads = usable_processors();
  NEMO_ASSIGN(const std::vector<Errors> errors,
              measure(reader, importance, n_threads, progress, plan));
  std::vector<Upgrade> upgrades;
  double room_bytes = 0.0;
  for (std::size_t i = 0; i < plan.size(); ++i) {
    if (!is_chosen(plan[i])) continue;
    TensorEntry& matrix = plan[i].entry;
    const Choice narrow = best_of(matrix, errors[i], 0, kNarrowTypes);
    const Choice wide = best_of(matrix, errors[i], kNarrowTypes, kCandidates.size());
    if (plan[i].slot.role == TensorRole::token_embedding && !config.tied_output) {
      matrix.type = wide.type;
      continue;
    }
    matrix.type = narrow.type;
    room_bytes += static_cast<double>(matrix.n_elements()) * kNemo4BitsPerWeight / 8 - narrow.bytes;
    const double bytes = wide.bytes - narrow.bytes;
    upgrades.push_back({i, wide.type, bytes, (narrow.error - wide.error) / bytes});
  }
  std::ranges::stable_sort(upgrades, std::greater<>(), &Upgrade::gain_per_byte);
  for (const Upgrade& upgrade : upgrades) {
    if (upgrade.bytes > room_bytes) continue;
    plan[upgrade.tensor].entry.type = upgrade.type;
    room_bytes -= upgrade.bytes;
  }
  return Status::ok();
}

}  // namespace nemotron
