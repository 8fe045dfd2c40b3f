// How fast the products of one level are, type by type: bytes of weights and operations per second
// for 1, 2, 4, 8, 16, 64 and 512 rows, shared by NEMO_BENCH_THREADS threads (2 without it), at
// NEMO_BENCH_LEVEL. Rates are sums over the threads of what each does in a second of its own time,
// so that other programs count little where arithmetic is the limit; bandwidth wants a quiet
// machine. Google Benchmark; `--benchmark_filter=Q4_K/.*rows:8/` runs one.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <memory>
#include <string>
#include <vector>

#include "cpu/cpu_features.h"
#include "io/page_buffer.h"
#include "kernels/cpu/kernel_table.h"
#include "quant/quantize.h"

namespace {

using namespace nemotron;
using namespace nemotron::kernels;

constexpr std::int64_t kColumns = 12544;  // of down_proj of the 4B: every type's blocks fit
constexpr std::int64_t kStreamBytes = std::int64_t{128} << 20;  // of weights that no cache holds
constexpr std::int64_t kManyRowsOutputs = 3136;

const KernelTable& table() {
  const char* level = std::getenv("NEMO_BENCH_LEVEL");
  const CpuFeatures cpu = detect_cpu_features();
  if (cpu.has_avx512 && (level == nullptr || std::strcmp(level, "avx512") == 0))
    return *avx512_kernels();
  const bool wants_ref = level != nullptr && std::strcmp(level, "ref") == 0;
  if (const KernelTable* neon = neon_kernels(cpu.has_dot_product); neon != nullptr && !wants_ref)
    return *neon;
  if (!cpu.has_avx2_fma_f16c || wants_ref) return ref_kernels();
  const bool may_use_vnni = level == nullptr || std::strcmp(level, "avx2-without-vnni") != 0;
  return cpu.has_avx_vnni && may_use_vnni ? *avx2_vnni_kernels() : *avx2_kernels();
}

PageBuffer memory(std::int64_t n_bytes) {
  return PageBuffer::allocate(static_cast<std::size_t>(n_bytes));
}

float random_value(std::uint64_t& state) {
  state = state * 6364136223846793005u + 1442695040888963407u;
  return static_cast<float>(static_cast<std::int32_t>(state >> 32)) * 0x1p-34f;
}

// Random weights as a level packs them (one tile, again and again) and an input, prepared.
struct Product {
  Product(TensorType t, std::int64_t rows)
      : type(t),
        n_rows(rows),
        tile_bytes(table().tile_bytes(t, kColumns)),
        n_out(outputs()),
        weight(memory(n_out / kTileRows * tile_bytes)),
        x(static_cast<std::size_t>(rows * kColumns)),
        prepared(memory(table().prepared_bytes(t, rows, kColumns))),
        y(static_cast<std::size_t>(rows * n_out)) {
    std::uint64_t state = 1;
    std::vector<float> values(static_cast<std::size_t>(kTileRows * kColumns));
    for (float& value : values) value = random_value(state);
    std::vector<std::byte> stored(static_cast<std::size_t>(kTileRows * row_bytes(t, kColumns)));
    quantize(t, values.data(), values.size(), stored.data());
    table().pack_tile({t, stored.data(), kTileRows, kColumns, weight.data()});
    for (std::int64_t i = tile_bytes; i < n_out / kTileRows * tile_bytes; i += tile_bytes)
      std::memcpy(weight.data() + i, weight.data(), static_cast<std::size_t>(tile_bytes));
    for (float& value : x) value = random_value(state);
    const PrepareParams prepare{t, x.data(), rows, kColumns, 0.0f, prepared.data()};
    table().prepare(prepare, 0, kColumns / kPrepareColumns);
  }

  std::int64_t outputs() const {
    const std::int64_t n_tiles = kStreamBytes / tile_bytes / 4 * 4;
    return n_rows > 16 ? std::min(kManyRowsOutputs, n_tiles * kTileRows) : n_tiles * kTileRows;
  }
  LinearParams params() {
    return {weight.data(),   type,   n_out,    kColumns, x.data(),
            prepared.data(), n_rows, y.data(), n_out};
  }

  TensorType type;
  std::int64_t n_rows;
  std::int64_t tile_bytes;
  std::int64_t n_out;
  PageBuffer weight;
  std::vector<float> x;
  PageBuffer prepared;
  std::vector<float> y;
};

std::unique_ptr<Product> product;  // of the benchmark that runs: shared by its threads

// That the calling thread was running.
double own_seconds() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

void run_product(benchmark::State& state) {
  const LinearParams params = product->params();
  PageBuffer scratch = memory(table().linear_scratch_bytes(params.type, params.n_in));
  const std::int64_t n_tiles = params.n_out / kTileRows;
  const std::int64_t first = n_tiles * state.thread_index() / state.threads() * kTileRows;
  const std::int64_t last = n_tiles * (state.thread_index() + 1) / state.threads() * kTileRows;
  const double before = own_seconds();
  for (auto _ : state) table().linear(params, first, last, scratch.data());
  const double seconds = own_seconds() - before;
  const double share = static_cast<double>(last - first) * static_cast<double>(state.iterations());
  state.counters["GB/s"] =
      share * static_cast<double>(product->tile_bytes) / kTileRows / 1e9 / seconds;
  state.counters["GOP/s"] =
      share * 2e-9 * static_cast<double>(params.n_in * params.n_rows) / seconds;
}

void make_product(const benchmark::State& state) {
  product = std::make_unique<Product>(static_cast<TensorType>(state.range(0)), state.range(1));
}

void register_products() {
  const char* threads = std::getenv("NEMO_BENCH_THREADS");
  const int n_threads = threads != nullptr ? std::atoi(threads) : 2;
  for (int type = 0; type < kNumTensorTypes; ++type) {
    if (!can_quantize(static_cast<TensorType>(type))) continue;
    const std::string name(traits(static_cast<TensorType>(type)).name);
    auto* products = benchmark::RegisterBenchmark(name.c_str(), run_product);
    for (const std::int64_t n_rows : {1, 2, 4, 8, 16, 64, 512}) products->Args({type, n_rows});
    products->ArgNames({"type", "rows"})->Setup(make_product)->Threads(n_threads);
    products->Unit(benchmark::kMillisecond);
  }
}

}  // namespace

int main(int argc, char** argv) {
  register_products();
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
  product.reset();
  return 0;
}
