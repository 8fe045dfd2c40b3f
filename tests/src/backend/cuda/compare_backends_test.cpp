// The comparison of backends: CUDA's agrees with the CPU's, and a kernel that does nothing shows.
#include "backend/compare_backends.h"

#include <map>

#include "cuda_fixture.h"

using namespace nemotron;
using namespace nemotron::test;

namespace {

std::map<std::string, ComparedOperation> compare(Status& status, bool has_plain_kernels = false) {
  CudaBackendOptions options;
  if (has_plain_kernels) options.plain_kernels = kAllKernels;
  auto cuda = CudaBackend::create(MockCuda::driver(), MockCuda::module(), options);
  REQUIRE(cuda.is_ok());
  const auto cpu = make_cpu_backend({1, &kernels::ref_kernels()});
  std::map<std::string, ComparedOperation> out;
  status = compare_backends(*cuda.value(), *cpu.value(), cuda.value()->has_native_f8(),
                            [&](const ComparedOperation& o) { out[o.name] = o; });
  return out;
}

}  // namespace

TEST_CASE("every operation of the CUDA backend agrees with the CPU's") {
  const MockCuda& mock = MockCuda::reset();
  const bool has_plain_kernels = GENERATE(true, false);
  Status status;
  const auto operations = compare(status, has_plain_kernels);
  CHECK(status.is_ok());
  CHECK(operations.size() == 29);
  for (const auto& [name, operation] : operations) {
    INFO(name << ": " << operation.error << " " << operation.status.message());
    CHECK(operation.is_good());
    if (name.find("linear") != name.npos) CHECK(operation.bound <= 1e-5);
    // What has the CPU's order of sums has its bytes.
    const bool has_sums = name.find("scan") != name.npos ||
                          name.find("attention bf16") != name.npos || name.find("q8") != name.npos;
    if (has_sums) CHECK((operation.error == 0.0) == has_plain_kernels);
    if (name.find("conv") != name.npos || name == "attention f32" ||
        name.find("add") != name.npos || name.find("choose") != name.npos)
      CHECK(operation.error == 0.0);
  }
  CHECK(mock.leftovers() == "");
}

// A device of compute capability 7.5 has the bytes of plain kernels, and so has a newer one for
// which the module only has PTX of compute_75: the tuned kernels in it are empty.
TEST_CASE("without tensor cores for bf16, or code for them, the plain kernels run") {
  MockCuda& mock = MockCuda::reset();
  if (GENERATE(true, false)) {
    mock.compute_major = 7;
    mock.compute_minor = 5;
  } else {
    mock.compute_major = 8;
    mock.compiled_for = 75;
  }
  Status status;
  const auto operations = compare(status);
  CHECK(status.is_ok());
  CHECK(operations.at("attention bf16").error == 0.0);
  CHECK(operations.at("ssm_scan bf16").error == 0.0);
  CHECK(operations.at("causal_conv1d").error == 0.0);
}

// Rounded inputs are the same bytes on the CPU, and the simulated sums have all bits of f32.
TEST_CASE("products of E4M3 instructions agree with the CPU's, and are missed where they fail") {
  for (const char* skipped :
       {"", "nemo_linear_F8_E4M3_native_narrow", "nemo_linear_F8_E4M3_native_middle",
        "nemo_linear_F8_E4M3_native_wide", "nemo_prepare_e4m3"}) {
    MockCuda& mock = MockCuda::reset();
    mock.compute_major = 8;
    mock.compute_minor = 9;
    mock.skipped_kernel = skipped;
    Status status;
    const auto operations = compare(status);
    const ComparedOperation& product = operations.at("linear F8_E4M3, static input scale");
    INFO(skipped << ": " << product.error);
    CHECK(status.is_ok());
    CHECK(product.is_good() == std::string(skipped).empty());
    if (product.is_good()) CHECK(product.error <= 1e-5);
    CHECK(operations.at("linear and embed F8_E4M3").is_good());
  }
}

TEST_CASE("a tuned kernel along sequences that does nothing is found by its operations") {
  const std::map<std::string, std::string> kernels = {{"nemo_causal_conv1d", "causal_conv1d"},
                                                      {"nemo_ssm_scan_64", "ssm_scan bf16"},
                                                      {"nemo_attention_mma_64", "attention q8"},
                                                      {"nemo_attention_split_64", "attention bf16"},
                                                      {"nemo_attention_merge", "attention q8"}};
  for (const auto& [kernel, name] : kernels) {
    MockCuda& mock = MockCuda::reset();
    mock.skipped_kernel = kernel;
    Status status;
    const auto operations = compare(status);
    INFO(kernel);
    CHECK_FALSE(operations.at(name).is_good());
    CHECK(operations.at("attention f32").is_good());
  }
}

TEST_CASE("a kernel that does nothing is found by its operation") {
  const std::map<std::string, std::string> kernels = {
      {"nemo_linear_Q4_K_middle", "linear and embed Q4_K"},
      {"nemo_linear_F32_ref", "linear and embed F32"},
      {"nemo_rms_norm_ref", "rms_norm"},
      {"nemo_sample_ref", "choose_tokens"},
      {"nemo_gated_group_norm_ref", "gated_group_norm"},
      {"nemo_gather_rows_ref", "add, relu2, gather_rows"}};
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
