#include "simt/run_launch.h"

#include "simt/simt.h"

namespace nemotron::kernels::cuda {
#define NEMO_ENTRY(name, Args) extern "C" void nemo_##name(Args);
NEMO_CUDA_KERNELS(NEMO_ENTRY)
#undef NEMO_ENTRY
}  // namespace nemotron::kernels::cuda

namespace simt {

namespace {

using namespace nemotron::kernels::cuda;

template <typename Args>
std::string run_kernel(void (*kernel)(Args), const Launch& launch) {
  Args args;
  std::memcpy(&args, launch.args.data(), sizeof args);
  return run(
      {launch.grid[0], launch.grid[1], launch.grid[2]}, launch.n_threads, [&] { kernel(args); },
      launch.shared_bytes);
}

using Runner = std::string (*)(const Launch&);
constexpr Runner kRunners[] = {
#define NEMO_ENTRY(name, Args) [](const Launch& l) { return run_kernel(nemo_##name, l); },
    NEMO_CUDA_KERNELS(NEMO_ENTRY)
#undef NEMO_ENTRY
};

}  // namespace

std::string run_launch(const Launch& launch) {
  const auto index = static_cast<std::size_t>(launch.kernel);
  std::string fault = kRunners[index](launch);
  return fault.empty() ? fault : std::string(kKernelNames[index]) + ", " + fault;
}

}  // namespace simt
