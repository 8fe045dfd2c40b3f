// How long saving and restoring take, and the fingerprint of the model: save_measure MODEL FOLDER.
// Not a test. The states have the model's sizes and no meaning: they are not computed.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>

#include "backend/cpu/cpu_backend.h"
#include "base/checked_math.h"
#include "formats/fingerprint.h"
#include "formats/open_model.h"
#include "session/saved_session.h"

using namespace nemotron;

namespace {

template <typename T>
T value_of(Result<T> result) {
  if (result.is_ok()) return std::move(result).value();
  std::fprintf(stderr, "%s\n", result.status().message().c_str());
  std::exit(1);
}

void check(const Status& status) {
  if (status.is_ok()) return;
  std::fprintf(stderr, "%s\n", status.message().c_str());
  std::exit(1);
}

struct Times {
  double smallest_ms, median_ms;
};

Times time_of(const std::function<void()>& body) {
  std::vector<double> ms;
  for (int i = 0; i < 5; ++i) {
    const auto start = std::chrono::steady_clock::now();
    body();
    ms.push_back(std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start)
                     .count());
  }
  std::sort(ms.begin(), ms.end());
  return {ms.front(), ms[ms.size() / 2]};
}

std::unique_ptr<Session> session_at(const std::shared_ptr<Engine>& engine, std::int64_t position,
                                    std::size_t n_kept) {
  auto session = value_of(Session::create(engine, {engine->config().max_context, KvType::kBF16}));
  const StateLayout& layout = session->sequence()->state.layout();
  SequenceContents contents{std::vector<std::int32_t>(static_cast<std::size_t>(position), 5),
                            value_of(engine->new_state(layout, position)),
                            {}};
  for (std::size_t i = 0; i < n_kept; ++i) {
    const std::int64_t at = position - 100 * static_cast<std::int64_t>(i + 1);
    const auto blocks = contents.state.kv_blocks().first(
        static_cast<std::size_t>(ceil_div(at, kernels::kKvBlockTokens)));
    contents.kept.emplace_back(layout, at, engine->new_recurrent(layout),
                               std::vector<StateRef>(blocks.begin(), blocks.end()));
  }
  check(engine->fill(session->sequence(), std::move(contents)));
  return session;
}

void measure(const std::shared_ptr<Engine>& engine, const std::string& path, std::int64_t position,
             std::size_t n_kept) {
  const auto session = session_at(engine, position, n_kept);
  const SaveOptions options{.max_snapshots = n_kept};
  std::uint64_t size = 0;
  (void)save_session(*session, {}, options, size);
  std::vector<std::byte> bytes(size);
  const Times to_file = time_of([&] { check(save_session(*session, path, options)); });
  const Times to_memory = time_of([&] { check(save_session(*session, bytes, options, size)); });
  const Times from_file =
      time_of([&] { value_of(restore_session(engine, *value_of(open_file(path)), {})); });
  const Times from_memory =
      time_of([&] { value_of(restore_session(engine, *memory_source("memory", bytes), {})); });
  std::printf("%6lld tokens, %zu snapshots, %7.1f MiB: ", static_cast<long long>(position), n_kept,
              static_cast<double>(size) / (1 << 20));
  std::printf("save file %.1f (%.1f), memory %.1f (%.1f); ", to_file.median_ms, to_file.smallest_ms,
              to_memory.median_ms, to_memory.smallest_ms);
  std::printf("restore file %.1f (%.1f), memory %.1f (%.1f) ms\n", from_file.median_ms,
              from_file.smallest_ms, from_memory.median_ms, from_memory.smallest_ms);
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const ModelFile file = value_of(open_model(argv[1]));
  const Times fingerprint = time_of([&] { value_of(fingerprint_of(file)); });
  std::printf("fingerprint of %zu tensors: median %.1f (smallest %.1f) ms\n", file.table().size(),
              fingerprint.median_ms, fingerprint.smallest_ms);
  std::fflush(stdout);
  auto backend = value_of(make_cpu_backend({1, &kernels::ref_kernels()}));
  const auto engine = value_of(Engine::create(file, std::move(backend), {}, {}));
  for (const std::int64_t position : {1046, 32768})
    for (const std::size_t n_kept : {0, 2})
      measure(engine, std::string(argv[2]) + "/saved", position, n_kept);
}
