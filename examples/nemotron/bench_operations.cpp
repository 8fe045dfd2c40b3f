#include "bench_operations.h"

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

using nlohmann::ordered_json;

namespace {

// Of the arithmetic that the operation uses; 0 where it was not measured.
double peak_of(const nemo_operation_stats& stats, const MachineLimits& limits) {
  if (stats.arithmetic == NEMO_ARITHMETIC_INT8) return limits.int8_ops_per_s;
  return stats.arithmetic == NEMO_ARITHMETIC_BF16 ? limits.bf16_ops_per_s : limits.f32_ops_per_s;
}

double least_seconds(const nemo_operation_stats& stats, const MachineLimits& limits) {
  const double peak = peak_of(stats, limits);
  if (limits.read_bytes_per_s <= 0) return 0;  // not measured
  const double reading = static_cast<double>(stats.n_bytes) / limits.read_bytes_per_s;
  return peak > 0 ? std::max(reading, static_cast<double>(stats.n_operations) / peak) : reading;
}

ordered_json describe(const nemo_operation_stats& stats, const MachineLimits& limits,
                      double all_seconds) {
  const double seconds = 1e-9 * static_cast<double>(stats.elapsed_ns);
  const double least = least_seconds(stats, limits);
  return {{"name", std::string(stats.name)},
          {"runs", stats.n_runs},
          {"seconds", seconds},
          {"share", seconds / all_seconds},
          {"bytes", stats.n_bytes},
          {"operations", stats.n_operations},
          {"of_limit", seconds > 0 ? least / seconds : 0.0}};
}

}  // namespace

void OperationBench::end(double seconds) {
  std::vector<nemo_operation_stats> all = context_.profile();
  context_.set_profiling(false);
  std::sort(all.begin(), all.end(),
            [](const nemo_operation_stats& a, const nemo_operation_stats& b) {
              return a.elapsed_ns > b.elapsed_ns;
            });
  double rest = seconds;
  report_ = ordered_json::array();
  for (const nemo_operation_stats& stats : all) {
    report_.push_back(describe(stats, limits_, seconds));
    rest -= 1e-9 * static_cast<double>(stats.elapsed_ns);
  }
  report_.push_back({{"name", "between"},
                     {"runs", 1},
                     {"seconds", rest},
                     {"share", rest / seconds},
                     {"bytes", 0},
                     {"operations", 0},
                     {"of_limit", 0.0}});
}

void print_operations(const ordered_json& operations) {
  for (const ordered_json& operation : operations) {
    const auto seconds = operation["seconds"].get<double>();
    const double n_bytes = operation["bytes"].get<double>();
    const double n_operations = operation["operations"].get<double>();
    std::printf("  %-18s %9.2f ms %5.1f %%", operation["name"].get<std::string>().c_str(),
                1e3 * seconds, 100 * operation["share"].get<double>());
    if (n_bytes > 0 || n_operations > 0)
      std::printf("  %7.1f GB/s %8.1f GOP/s", n_bytes / seconds / 1e9,
                  n_operations / seconds / 1e9);
    if (const double share = operation["of_limit"].get<double>(); share > 0)
      std::printf(", %3.0f %% of limit", 100 * share);
    std::printf("\n");
  }
}
