// The comparison of backends: CUDA's agrees with the CPU's, and a kernel that does nothing shows.
#include "backend/compare_backends.h"

#include <map>

#include "cuda_fixture.h"

using namespace nemotron;
using namespace nemotron::test;

namespace {

std::map<std::string, ComparedOperation> compare(Status& status,
                                                 const CudaBackendOptions& options = {}) {
  auto cuda = CudaBackend::create(MockCuda::driver(), MockCuda::module(), options);
  REQUIRE(cuda.is_ok());
  const auto cpu = make_cpu_backend({1, &kernels::ref_kernels()});
  std::map<std::string, ComparedOperation> out;
  status = compare_backends(*cuda.value(), *cpu.value(),
                            [&](const ComparedOperation& o) { out[o.name] = o; });
  return out;
}

}  // namespace

TEST_CASE("every operation of the CUDA backend agrees with the CPU's") {
  const MockCuda& mock = MockCuda::reset();
  Status status;
  for (const bool is_plain : {true, false}) {
    const auto operations = compare(status, is_plain ? plain_kernels() : CudaBackendOptions{});
    CHECK(status.is_ok());
    CHECK(operations.size() == 28);
    for (const auto& [name, operation] : operations) {
      INFO(name << ": " << operation.error << " " << operation.status.message());
      CHECK(operation.is_good());
      // What has the CPU's order of sums has its bytes.
      if (is_plain && (name.find("conv") != name.npos || name.find("scan") != name.npos ||
                       name.find("attention") != name.npos || name.find("add") != name.npos ||
                       name.find("choose") != name.npos))
        CHECK(operation.error == 0.0);
    }
  }
  CHECK(mock.leftovers() == "");
}

TEST_CASE("a kernel that does nothing is found by its operation") {
  const std::map<std::string, std::string> kernels = {
      {"nemo_linear_Q4_K_middle", "linear and embed Q4_K"},
      {"nemo_linear_F32_ref", "linear and embed F32"},
      {"nemo_rms_norm_ref", "rms_norm"},
      {"nemo_sample_ref", "choose_tokens"},
      {"nemo_gated_group_norm_ref", "gated_group_norm"},
      {"nemo_gather_rows_ref", "add, relu2, gather_rows"},
      {"nemo_causal_conv1d_ref", "causal_conv1d"}};
  for (const auto& [kernel, name] : kernels) {
    MockCuda& mock = MockCuda::reset();
    mock.skipped_kernel = kernel;
    Status status;
    const auto operations = compare(status);
    CHECK(status.is_ok());
    for (const auto& [of, operation] : operations) {
      INFO(kernel << ", " << of << ": " << operation.error);
      CHECK(operation.is_good() == (of != name));
    }
  }
}

TEST_CASE("a device that fails meanwhile ends the comparison with a status") {
  MockCuda& mock = MockCuda::reset();
  mock.fail_at = 700;
  Status status;
  compare(status);
  CHECK(status.code() == StatusCode::kDeviceLost);
  MockCuda& full = MockCuda::reset();
  full.memory_bytes = std::uint64_t{1200} << 10;  // the inputs of steps, and little more
  const auto operations = compare(status);
  CHECK(status.is_ok());
  CHECK(operations.at("attention f32").status.code() == StatusCode::kOutOfMemory);
}
