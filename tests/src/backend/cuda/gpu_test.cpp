// On a real device: models give the official code's logits, and with plain kernels, since these add
// in the same order and round alike, the bytes of the simulation. Skipped without a device.
#include <cstdlib>
#include <iostream>
#include <nlohmann/json.hpp>

#include "backend/cuda/cuda_devices.h"
#include "cuda_fixture.h"
#include "src/session/saved_case.h"

using namespace nemotron;
using namespace nemotron::test;

namespace {

struct Gpu {
  Result<CudaDriver> driver = load_cuda_driver();
  Result<CudaModule> module = open_cuda_module(NEMO_CUDA_MODULE_PATH);

  // CTest knows this line.
  bool is_there() const {
    const Status usable = list_cuda_devices(driver, module)[0].usable;
    if (!usable.is_ok()) std::cout << "skipped: no CUDA device: " << usable.message() << "\n";
    return usable.is_ok();
  }
  std::shared_ptr<Engine> engine(const std::string& path,
                                 const CudaBackendOptions& options = {}) const {
    auto file = open_model(path);
    REQUIRE(file.is_ok());
    auto backend = CudaBackend::create(driver.value(), module.value(), options);
    INFO(backend.status().message());
    REQUIRE(backend.is_ok());
    auto made = Engine::create(file.value(), std::move(backend).value(), {}, {});
    INFO(made.status().message());
    REQUIRE(made.is_ok());
    return std::move(made).value();
  }
};

}  // namespace

TEST_CASE("on a device the logits are the official code's and the simulation's bytes") {
  const Gpu gpu;
  if (!gpu.is_there()) return;
  CudaBackendOptions plain;
  plain.plain_kernels = true;
  for (const std::string& name : golden_names()) {
    const GoldenCase golden(name);
    INFO(name);
    const auto logits =
        eval_in_pieces(*make_session(gpu.engine(golden.model_path, plain)), golden.tokens, 1000);
    CHECK(largest_difference(logits, golden.logits) <= 1e-4 * rms(golden.logits));
    MockCuda::reset();
    auto simulation = try_cuda_engine(golden.model_path, {}, plain);
    REQUIRE(simulation.is_ok());
    const auto simulated = eval_in_pieces(*make_session(simulation.value()), golden.tokens, 1000);
    CHECK(same_bytes(logits, simulated));
  }
}

TEST_CASE(
    "on a device tuned kernels give nearly the logits of plain ones, however a prompt is cut") {
  const Gpu gpu;
  if (!gpu.is_there()) return;
  CudaBackendOptions plain;
  plain.plain_kernels = true;
  const std::string path = NEMO_SOURCE_DIR "/examples/demo-model/demo-q8_0.gguf";
  for (const KvType kv_type : {KvType::kBF16, KvType::kQ8}) {
    const auto engine = gpu.engine(path);
    const auto tokens = some_tokens(*engine, 600);
    const auto whole = eval_in_pieces(*make_session(engine, kv_type), tokens, 1000);
    const auto expected =
        eval_in_pieces(*make_session(gpu.engine(path, plain), kv_type), tokens, 1000);
    CHECK(largest_difference(whole, expected) <= 0x1p-6 * rms(expected));
    for (const std::size_t piece : {1u, 13u, 50u})
      CHECK(same_bytes(eval_in_pieces(*make_session(engine, kv_type), tokens, piece), whole));
  }
}

// With E4M3 instructions where it has them, whose sums are a little short of bits.
TEST_CASE("on a device static FP8 gives the official code's logits, however a prompt is cut") {
  const Gpu gpu;
  if (!gpu.is_there()) return;
  const std::string folder = kModelData + "relatives/";
  const nlohmann::json index = read_json(folder + "index.json");
  for (const auto& one : index["cases"]) {
    if (one["case"] != "types_fp8") continue;
    const auto expected = read_floats(folder + one["logits"].get<std::string>());
    const auto tokens = one["tokens"].get<std::vector<std::int32_t>>();
    const auto engine = gpu.engine(folder + "types_fp8");
    const auto logits = eval_in_pieces(*make_session(engine), tokens, 1000);
    REQUIRE(logits.size() == expected.size());
    CHECK(rms_difference(logits, expected) <= 0.03 * rms(expected));
    const auto many = some_tokens(*engine, 100);
    const auto whole = eval_in_pieces(*make_session(engine), many, 1000);
    for (const std::size_t piece : {1u, 13u, 50u})
      CHECK(same_bytes(eval_in_pieces(*make_session(engine), many, piece), whole));
  }
}

TEST_CASE("on a device how a prompt is cut changes no byte, and states move") {
  const Gpu gpu;
  if (!gpu.is_there()) return;
  const GoldenCase golden("mixed");
  const auto engine = gpu.engine(golden.model_path);
  const auto whole = eval_in_pieces(*make_session(engine), golden.tokens, 1000);
  CHECK(same_bytes(eval_in_pieces(*make_session(engine), golden.tokens, 7), whole));
  const auto session = make_session(engine);
  run(*session, some_tokens(*engine, 100));
  const Bytes saved = save_bytes(*session);
  CHECK(same_bytes(continued(*restore_bytes(engine, saved)), continued(*session)));
}
