// Plain kernels and fast ones, timed: which are told of, and that a device that fails meanwhile is
// a status. Times themselves say nothing here.
#include "backend/cuda/time_kernels.h"

#include <set>

#include "cuda_fixture.h"

using namespace nemotron;
using namespace nemotron::test;

namespace {

TimedShapes small_shapes() {
  TimedShapes out;
  out.n_columns = 256;
  out.n_rows = 3;
  out.n_positions = 70;
  out.n_heads = 2;
  out.n_kv_heads = 1;
  out.attention_head_dim = 64;
  out.n_ssm_heads = 2;
  out.ssm_head_dim = 16;
  out.d_state = 32;
  out.n_groups = 1;
  out.n_runs = 2;
  return out;
}

Result<std::uint32_t> time_small(std::vector<TimedOperation>& told) {
  auto plain = CudaBackend::create(MockCuda::driver(), MockCuda::module(), plain_kernels());
  REQUIRE(plain.is_ok());
  auto tuned = CudaBackend::create(MockCuda::driver(), MockCuda::module(), {});
  REQUIRE(tuned.is_ok());
  return time_kernels(*plain.value(), *tuned.value(), small_shapes(),
                      [&](const TimedOperation& operation) { told.push_back(operation); });
}

}  // namespace

TEST_CASE("every kind of kernel is timed for one row and for a prompt's") {
  const MockCuda& mock = MockCuda::reset();
  std::vector<TimedOperation> told;
  const auto slower = time_small(told);
  REQUIRE(slower.is_ok());
  CHECK((slower.value() & ~kAllKernels) == 0);
  CHECK(told.size() == 22);
  std::set<std::string> names;
  std::uint32_t kinds = 0;
  for (const TimedOperation& operation : told) {
    names.insert(operation.name);
    kinds |= operation.kernels;
    CHECK(operation.plain_us > 0.0);
    CHECK(operation.tuned_us > 0.0);
  }
  CHECK(names.size() == told.size());
  CHECK(kinds == kAllKernels);
  CHECK(mock.leftovers() == "");
}

TEST_CASE("a device that fails while it is timed is a status, and so is want of memory") {
  std::vector<TimedOperation> told;
  MockCuda& mock = MockCuda::reset();
  mock.fail_at = 600;
  CHECK(time_small(told).status().code() == StatusCode::kDeviceLost);
  CHECK(told.size() < 22);
  MockCuda& full = MockCuda::reset();
  full.memory_bytes = std::uint64_t{2500} << 10;  // the inputs of both, and little more
  CHECK(time_small(told).status().code() == StatusCode::kOutOfMemory);
}
