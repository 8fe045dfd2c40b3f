#include "bench_report.h"

#include <cstdio>
#include <string>

#include "bench_operations.h"

using nlohmann::ordered_json;

namespace {

void print_distribution(const char* name, const ordered_json& values, const char* unit) {
  std::printf("%-8s p50 %.2f, p90 %.2f, p99 %.2f, most %.2f %s, of %zu\n", name,
              values["p50"].get<double>(), values["p90"].get<double>(), values["p99"].get<double>(),
              values["max"].get<double>(), unit, values["n"].get<std::size_t>());
}

void print_phase(const char* name, const ordered_json& phase, const char* unit, double value) {
  const ordered_json& rates = phase["tokens_per_s"];
  std::printf("%-8s %5zu tokens  %8.2f tok/s (%.2f to %.2f)  %7.1f %s", name,
              phase["tokens"].get<std::size_t>(), rates["median"].get<double>(),
              rates["min"].get<double>(), rates["max"].get<double>(), value / 1e9, unit);
  if (const double share = phase["of_limit"].get<double>(); share > 0)
    std::printf(", %3.0f %% of %s", 100 * share, phase["limit"].get<std::string>().c_str());
  std::printf("\n");
  print_operations(phase["by_operation"]);
}

}  // namespace

void print_bench_report(const ordered_json& report) {
  const ordered_json& machine = report["machine"];
  if (machine["read_bytes_per_s"].get<double>() > 0)
    std::printf(
        "machine  %u threads  read %.1f GB/s, int8 %.0f GOP/s, bf16 %.0f, f32 %.0f GFLOP/s\n",
        report["threads"].get<unsigned>(), machine["read_bytes_per_s"].get<double>() / 1e9,
        machine["int8_ops_per_s"].get<double>() / 1e9,
        machine["bf16_ops_per_s"].get<double>() / 1e9,
        machine["f32_ops_per_s"].get<double>() / 1e9);
  std::printf("load     %.2f s\n", report["load_s"].get<double>());
  if (report.contains("prefill"))
    print_phase("prefill", report["prefill"], "GOP/s",
                report["prefill"]["ops_per_s"].get<double>());
  if (report.contains("decode"))
    print_phase("decode", report["decode"], "GB/s", report["decode"]["bytes_per_s"].get<double>());
  if (report.contains("sessions")) {
    const ordered_json& rates = report["sessions"]["tokens_per_s"];
    std::printf("together %5zu sessions %7.2f tok/s (%.2f to %.2f) in all\n",
                report["sessions"]["sessions"].get<std::size_t>(), rates["median"].get<double>(),
                rates["min"].get<double>(), rates["max"].get<double>());
    print_operations(report["sessions"]["by_operation"]);
  }
  for (const ordered_json& at : report.value("depths", ordered_json::array()))
    std::printf("at %9zu tokens  prefill %8.2f tok/s, decode %7.2f tok/s\n",
                at["depth"].get<std::size_t>(), at["prefill"]["median"].get<double>(),
                at["decode"]["median"].get<double>());
  if (report.contains("prefix")) {
    const ordered_json& prefix = report["prefix"];
    const double cached = prefix["first_token_ms"]["median"].get<double>();
    const double alone = prefix["alone_ms"]["median"].get<double>();
    std::printf(
        "prefix   %5zu tokens  first token of a turn of %zu after %.1f ms, %.2f of its time "
        "alone\n",
        prefix["prefix"].get<std::size_t>(), prefix["tokens"].get<std::size_t>(), cached,
        cached / alone);
  }
  if (report.contains("budget")) {
    print_distribution("pump", report["budget"]["pump_us"], "us");
    print_distribution("cancel", report["budget"]["cancel_ms"], "ms");
  }
}
