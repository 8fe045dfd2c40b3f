#include "backend/work_profile.h"

#include "kernels/common/mamba2_params.h"

namespace nemotron {

namespace {

constexpr auto kRelaxed = std::memory_order_relaxed;

constexpr std::array<std::string_view, kNumWorkKinds> kKindNames = {
    "embed",      "rms_norm", "prepare", "linear",   "elementwise", "gather",
    "gated_norm", "conv",     "scan",    "kv_store", "attention"};
static_assert(!kKindNames.back().empty(), "each kind has a name");

// Of what is read; empty where it is always f32.
std::string_view type_name(WorkKind kind, std::size_t type) {
  constexpr std::array<std::string_view, 3> kKvTypes = {"BF16", "F32", "Q8"};
  switch (kind) {
    case WorkKind::kEmbed:
    case WorkKind::kPrepare:
    case WorkKind::kLinear:
      return traits(static_cast<TensorType>(type)).name;
    case WorkKind::kScan:
      return static_cast<kernels::StateType>(type) == kernels::StateType::kF32 ? "F32" : "BF16";
    case WorkKind::kKvStore:
    case WorkKind::kAttention:
      return type < kKvTypes.size() ? kKvTypes[type] : std::string_view();
    default:
      return {};
  }
}

std::string name_of(std::size_t index, std::size_t n_types) {
  const auto kind = static_cast<WorkKind>(index / n_types);
  std::string name(kKindNames[index / n_types]);
  const std::string_view type = type_name(kind, index % n_types);
  if (!type.empty()) name.append(" ").append(type);
  return name;
}

}  // namespace

void WorkProfile::enable(bool enabled) {
  is_enabled_.store(enabled, kRelaxed);
  if (!enabled) return;
  for (Totals& totals : totals_) {
    for (auto* number : {&totals.n_runs, &totals.ns, &totals.n_bytes, &totals.operations})
      number->store(0, kRelaxed);
  }
}

void WorkProfile::add_time(const WorkShape& shape, std::int64_t ns) {
  totals_[index(shape)].ns.fetch_add(static_cast<std::uint64_t>(ns), kRelaxed);
}

void WorkProfile::add_run(const WorkShape& shape, const WorkAmount& amount) {
  Totals& totals = totals_[index(shape)];
  totals.n_runs.fetch_add(1, kRelaxed);
  totals.n_bytes.fetch_add(static_cast<std::uint64_t>(amount.n_bytes), kRelaxed);
  totals.operations.fetch_add(static_cast<std::uint64_t>(amount.operations), kRelaxed);
  totals.arithmetic.store(amount.arithmetic, kRelaxed);
}

std::vector<OperationFigures> WorkProfile::figures() const {
  std::vector<OperationFigures> all;
  for (std::size_t i = 0; i < totals_.size(); ++i) {
    const Totals& totals = totals_[i];
    if (totals.n_runs.load(kRelaxed) == 0) continue;
    all.push_back({name_of(i, kNumTypes), totals.arithmetic.load(kRelaxed),
                   totals.n_runs.load(kRelaxed), totals.ns.load(kRelaxed),
                   totals.n_bytes.load(kRelaxed), totals.operations.load(kRelaxed)});
  }
  return all;
}

}  // namespace nemotron
