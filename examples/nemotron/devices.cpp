// nemotron devices: what a model can run on here, and why something is not usable.
#include <cinttypes>
#include <cstdio>
#include <memory>

#include "options.h"
#include "program.h"

namespace {

constexpr const char* kFooter =
    R"(CUDA devices need an NVIDIA driver and libnemotron-cuda.so beside the library. Their kernels are
experimental: compiled and tested on a simulation of GPU threads, not yet run on a device.
Example:
  nemotron devices --selftest)";

void print_device(const nemo_device_info& device) {
  const char* kind = device.kind == NEMO_DEVICE_CPU ? "cpu" : "cuda";
  std::printf("%s:%" PRIu32 "  %s  %s\n", kind, device.index,
              device.is_usable != 0 ? "usable    " : "not usable",
              device.name[0] != '\0' ? device.name : "no device");
  if (device.kind == NEMO_DEVICE_CPU)
    std::printf("        %" PRIu32 " processors\n", device.n_processors);
  else if (device.name[0] != '\0')
    std::printf("        %s, %" PRIu32 " multiprocessors, compute capability %" PRIu32 ".%" PRIu32
                "\n",
                format_bytes(device.total_bytes).c_str(), device.n_processors,
                device.compute_capability / 10, device.compute_capability % 10);
  if (device.reason[0] != '\0') std::printf("        %s\n", device.reason);
}

std::int32_t print_result(const nemo_selftest_result* result, void*) {
  const char* kind = result->is_plain != 0 ? "plain" : "fast";
  if (result->bound > 0.0)
    std::printf("        %-5s %-36s %-5s error %.1e, at most %.1e\n",
                result->is_good != 0 ? "ok" : "WRONG", result->operation, kind, result->error,
                result->bound);
  else
    std::printf("        time  %-36s %-5s %10.1f us\n", result->operation, kind,
                result->microseconds);
  return 0;
}

// Every usable GPU against the CPU.
void test_device(const nemo_device_info& device, const std::string& module) {
  if (device.kind != NEMO_DEVICE_CUDA || device.is_usable == 0) return;
  nemo_error error = NEMO_ERROR_INIT;
  std::uint32_t losers = 0;
  const nemo_status status =
      nemo_device_selftest(module.empty() ? nullptr : module.c_str(), device.index, print_result,
                           nullptr, &losers, &error);
  if (losers != 0)
    std::printf("        better here: --cuda-plain %s\n", names_of_kernels(losers).c_str());
  if (status != NEMO_OK) throw ProgramError(error.message);
}

}  // namespace

void add_devices_command(CLI::App& program) {
  const auto module = std::make_shared<std::string>();
  const auto has_selftest = std::make_shared<bool>(false);
  CLI::App& command = add_command(
      program, "devices", "List what models can run on here", kFooter, [module, has_selftest] {
        for (const nemo_device_info& device : nemotron::devices(*module)) {
          print_device(device);
          if (*has_selftest) test_device(device, *module);
        }
      });
  add_option(command, "--cuda-module", module.get(), "Path of libnemotron-cuda.so",
             {.type = "FILE"});
  add_flag(
      command, "--selftest", *has_selftest,
      "Compare each operation of each usable GPU with the CPU, with plain and with fast kernels");
}
