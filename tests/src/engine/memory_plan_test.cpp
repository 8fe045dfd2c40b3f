// What is planned is what is then asked of the system, and a cap is looked at before that.
#include "engine/memory_plan.h"

#include <sys/mman.h>

#include <map>
#include <mutex>

#include "backend/cpu/cpu_memory.h"
#include "model/forward.h"
#include "model/golden_case.h"

using namespace nemotron;
using namespace nemotron::test;

namespace {

// Anonymous pages that the library holds, and the most that it held.
struct Pages {
  std::mutex mutex;
  std::map<void*, std::size_t> sizes;
  std::size_t now_bytes = 0;
  std::size_t peak_bytes = 0;

  void restart() {
    const std::lock_guard lock(mutex);
    peak_bytes = now_bytes;
  }
};

Pages& pages() {
  static Pages all;
  return all;
}

}  // namespace

extern "C" void* __real_mmap(void*, std::size_t, int, int, int, off_t);
extern "C" int __real_munmap(void*, std::size_t);

extern "C" void* __wrap_mmap(void* at, std::size_t size, int protection, int flags, int file,
                             off_t offset) {
  void* memory = __real_mmap(at, size, protection, flags, file, offset);
  if (memory == MAP_FAILED || (flags & MAP_ANONYMOUS) == 0) return memory;
  const std::lock_guard lock(pages().mutex);
  pages().sizes[memory] = size;
  pages().now_bytes += size;
  pages().peak_bytes = std::max(pages().peak_bytes, pages().now_bytes);
  return memory;
}

extern "C" int __wrap_munmap(void* at, std::size_t size) {
  {
    const std::lock_guard lock(pages().mutex);
    if (const auto found = pages().sizes.find(at); found != pages().sizes.end()) {
      pages().now_bytes -= found->second;
      pages().sizes.erase(found);
    }
  }
  return __real_munmap(at, size);
}

namespace {

const std::string kDemo = NEMO_SOURCE_DIR "/examples/demo-model/";

EngineOptions without_snapshots() {
  EngineOptions options;
  options.snapshot_bytes = 0;
  return options;
}

}  // namespace

TEST_CASE("weights and activations of every model take what was measured") {
  const std::string name = GENERATE(from_range(golden_names()));
  const auto* level = GENERATE(from_range(all_levels()));
  INFO(name << " " << level->name);
  const auto file = open_model(GoldenCase(name).model_path);
  REQUIRE(file.is_ok());
  const auto weights = GENERATE(WeightAccess::kCopied, WeightAccess::kMapped);
  const CpuMemory memory(*level, 2);
  for (const int max_step_rows : {1, 64, 100}) {
    EngineOptions options;
    options.max_step_rows = max_step_rows;
    options.weights = weights;
    const auto engine = load_engine(GoldenCase(name).model_path, *level, 2, options);
    const EngineBytes bytes = measure_engine(file.value(), memory, max_step_rows, weights);
    CHECK(bytes.mapped_bytes == engine->weights().mapped_bytes);
    CHECK((bytes.mapped_bytes > 0) == (weights == WeightAccess::kMapped));
    CHECK(bytes.weight_bytes == engine->weights().size_bytes);
    CHECK(bytes.scratch_bytes == engine->scratch_bytes());
    CHECK(Activations::bytes_for(memory, engine->config(), max_step_rows) ==
          engine->activations().size_bytes());
    CHECK(engine->stats().peak_bytes == bytes.total_bytes());
  }
}

TEST_CASE("the system is asked for what was planned") {
  const std::string name = GENERATE(as<std::string>(), "demo-q8_0.gguf", "model.safetensors");
  const auto* level = GENERATE(from_range(all_levels()));
  if (level == &kernels::ref_kernels()) return;  // slow, and plans as the others do
  const int n_sessions = GENERATE(1, 4);
  INFO(name << " " << level->name << " " << n_sessions);
  constexpr std::int64_t kTokens = 200;
  EngineOptions options = without_snapshots();
  options.weights = GENERATE(WeightAccess::kCopied, WeightAccess::kMapped);
  const auto file = open_model(kDemo + name);
  REQUIRE(file.is_ok());
  const CpuMemory memory(*level, 2);
  const auto plan =
      plan_memory(measure_engine(file.value(), memory, options.max_step_rows, options.weights),
                  file->config(), {static_cast<std::uint64_t>(n_sessions), kTokens}, 0);
  REQUIRE(plan.is_ok());
  pages().restart();
  const std::size_t before = pages().now_bytes;
  const auto engine = load_engine(kDemo + name, *level, 2, options);
  std::vector<std::unique_ptr<Session>> sessions;
  for (int i = 0; i < n_sessions; ++i) {
    auto session = Session::create(engine, {kTokens});
    REQUIRE(session.is_ok());
    sessions.push_back(std::move(session).value());
    REQUIRE(sessions.back()->eval(std::vector<std::int32_t>(kTokens, 5), {}).is_ok());
  }
  // From operator new: the queue, and a row of logits.
  const std::size_t others =
      memory.operation_bytes(max_step_operations(file->config().layers.size())) +
      static_cast<std::size_t>(file->config().n_vocab) * sizeof(float);
  // The zeros that empty sequences read are asked for, too, but take no memory.
  const std::size_t asked = others + pages().peak_bytes - before - plan->recurrent_bytes;
  CHECK(asked <= plan->total_bytes);
  CHECK(static_cast<double>(asked) >= 0.97 * static_cast<double>(plan->total_bytes));
}

TEST_CASE("too small a cap is refused before anything is read or allocated") {
  const auto file = open_model(kDemo + "demo-q8_0.gguf");
  REQUIRE(file.is_ok());
  const CpuMemory memory(best_kernels(), 2);
  const EngineBytes bytes = measure_engine(file.value(), memory, 64);
  EngineOptions options;
  options.max_bytes = bytes.total_bytes() - 1;
  auto backend = make_cpu_backend({2, &best_kernels()});
  REQUIRE(backend.is_ok());
  bool was_read = false;
  const auto progress = [&](std::uint64_t, std::uint64_t) { return was_read = true, 0; };
  pages().restart();
  const std::size_t before = pages().now_bytes;
  const Status status =
      Engine::create(file.value(), std::move(backend).value(), options, progress).status();
  CHECK(status.code() == StatusCode::kOverBudget);
  for (const std::uint64_t number : {bytes.weight_bytes, bytes.scratch_bytes, bytes.total_bytes(),
                                     std::uint64_t{options.max_bytes}}) {
    INFO(number << " in: " << status.message());
    CHECK(status.message().find(std::to_string(number)) != std::string::npos);
  }
  CHECK(!was_read);
  CHECK(pages().peak_bytes == before);

  ++options.max_bytes;
  backend = make_cpu_backend({2, &best_kernels()});
  const auto engine = Engine::create(file.value(), std::move(backend).value(), options, progress);
  CHECK(engine.is_ok());
  CHECK(was_read);
}

TEST_CASE("what a model does not allow is not planned") {
  const auto file = open_model(GoldenCase("one_group_p10.bf16").model_path);
  REQUIRE(file.is_ok());
  const ModelConfig& config = file->config();
  const auto code = [&](const PlannedSessions& sessions, std::uint64_t snapshot_bytes = 0) {
    return plan_memory({100, 100}, config, sessions, snapshot_bytes).status().code();
  };
  CHECK(code({1, config.max_context}) == StatusCode::kOk);
  CHECK(code({1, 0}) == StatusCode::kInvalidArgument);
  CHECK(code({1, config.max_context + 1}) == StatusCode::kInvalidArgument);
  CHECK(code({1, 1, KvType::kQ8}) == StatusCode::kInvalidArgument);  // heads of 18 elements
  CHECK(code({std::uint64_t{1} << 60, 1}) == StatusCode::kInvalidArgument);
  CHECK(code({1, 1}, ~std::uint64_t{0}) == StatusCode::kInvalidArgument);
}
