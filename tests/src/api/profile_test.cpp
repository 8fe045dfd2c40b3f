// Profiles of the demo model: what they say it reads and computes follows from its shapes.
#include <nemotron/nemotron.h>

#include <catch2/catch.hpp>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace {

struct Free {
  void operator()(nemo_context* context) const { nemo_context_free(context); }
  void operator()(nemo_session* session) const { nemo_session_free(session); }
};
using Context = std::unique_ptr<nemo_context, Free>;
using Session = std::unique_ptr<nemo_session, Free>;

Context load_demo(std::uint32_t n_threads, std::uint32_t flags = 0) {
  const std::string path = NEMO_SOURCE_DIR "/examples/demo-model/demo-q8_0.gguf";
  nemo_context_options options = NEMO_CONTEXT_OPTIONS_INIT;
  options.n_threads = n_threads;
  options.flags = flags;
  nemo_context* context = nullptr;
  REQUIRE(nemo_context_load(path.c_str(), &options, &context, nullptr) == NEMO_OK);
  return Context(context);
}

std::vector<nemo_operation_stats> profile_of(const Context& context) {
  std::size_t n = 0;
  nemo_context_get_profile(context.get(), nullptr, 0, 0, &n, nullptr);
  const nemo_operation_stats empty = NEMO_OPERATION_STATS_INIT;
  std::vector<nemo_operation_stats> all(n, empty);
  REQUIRE(nemo_context_get_profile(context.get(), all.data(), n, sizeof(nemo_operation_stats), &n,
                                   nullptr) == NEMO_OK);
  return all;
}

nemo_operation_stats find(const std::vector<nemo_operation_stats>& all, std::string_view name) {
  for (const nemo_operation_stats& stats : all)
    if (name == stats.name) return stats;
  FAIL("no figures of " << name);
  return {};
}

// Multiplications and additions of the matrices that a row meets, and their bytes: packed sixteen
// rows together.
struct Products {
  std::uint64_t operations = 0;
  std::uint64_t n_bytes = 0;
};

// Of the layers, or of the output head.
Products products_of(const Context& context, bool head) {
  nemo_model_info info = NEMO_MODEL_INFO_INIT;
  REQUIRE(nemo_context_model_info(context.get(), &info, nullptr) == NEMO_OK);
  Products products;
  for (std::size_t i = 0; i < info.n_tensors; ++i) {
    nemo_tensor_info tensor = NEMO_TENSOR_INFO_INIT;
    REQUIRE(nemo_context_tensor(context.get(), i, &tensor, nullptr) == NEMO_OK);
    if (std::strcmp(tensor.type, "Q8_0") != 0) continue;
    const std::string_view name = tensor.name;
    if (head ? name != "output.weight" : !name.starts_with("blk.")) continue;
    products.operations += 2 * tensor.shape[0] * tensor.shape[1];
    products.n_bytes += tensor.size_bytes / tensor.shape[0] * ((tensor.shape[0] + 15) / 16 * 16);
  }
  return products;
}

void eval(const Session& session, const std::vector<std::int32_t>& tokens,
          std::vector<float>* logits = nullptr) {
  REQUIRE(nemo_session_eval(session.get(), tokens.data(), tokens.size(),
                            logits != nullptr ? logits->data() : nullptr,
                            logits != nullptr ? logits->size() : 0, nullptr) == NEMO_OK);
}

Session make_session(const Context& context) {
  nemo_session* session = nullptr;
  REQUIRE(nemo_session_create(context.get(), nullptr, &session, nullptr) == NEMO_OK);
  return Session(session);
}

}  // namespace

TEST_CASE("a profile counts what the model's shapes say") {
  const Context context = load_demo(2);
  const Session session = make_session(context);
  eval(session, {1, 2, 3});
  CHECK(profile_of(context).empty());
  REQUIRE(nemo_context_set_profiling(context.get(), 1, nullptr) == NEMO_OK);
  std::vector<float> logits(8192);
  eval(session, {4, 5, 6, 7, 8});
  eval(session, {9}, &logits);
  const Products layers = products_of(context, false);
  const Products head = products_of(context, true);
  REQUIRE((layers.operations > 0 && head.operations > 0));
  const auto all = profile_of(context);

  const nemo_operation_stats linear = find(all, "linear Q8_0");
  CHECK(linear.n_operations == 6 * layers.operations + head.operations);
  CHECK(linear.n_bytes == 2 * layers.n_bytes + head.n_bytes);
  CHECK(linear.n_runs == 2 * (4 * 2 + 2 * 4 + 3 * 2) + 1);
  CHECK(linear.elapsed_ns > 0);

  // Four layers of 8 heads x 64 x 64 states; each step reads and writes them.
  const nemo_operation_stats scan = find(all, "scan F32");
  constexpr std::uint64_t kStates = 4 * 8 * 64 * 64;
  CHECK(scan.n_bytes == 2 * 2 * 4 * kStates);
  CHECK(scan.n_operations == 6 * 5 * kStates);
  CHECK(scan.arithmetic == NEMO_ARITHMETIC_F32);

  // Two layers; rows at positions 3 to 8 see 4 to 9 positions of 4 heads of 64; 2 KV heads.
  const nemo_operation_stats attention = find(all, "attention BF16");
  CHECK(attention.n_operations == 2 * 4 * 4 * 64 * (4 + 5 + 6 + 7 + 8 + 9));
  CHECK(attention.n_bytes == 2 * (8 + 9) * 2 * 2 * 64 * 2);
}

TEST_CASE("profiling begins at zero, keeps what it found, and tells how much room it needs") {
  const Context context = load_demo(1);
  const Session session = make_session(context);
  REQUIRE(nemo_context_set_profiling(context.get(), 1, nullptr) == NEMO_OK);
  eval(session, {1});
  REQUIRE(nemo_context_set_profiling(context.get(), 0, nullptr) == NEMO_OK);
  const auto once = profile_of(context);
  eval(session, {2});
  const auto still = profile_of(context);
  REQUIRE(once.size() == still.size());
  CHECK(std::memcmp(once.data(), still.data(), once.size() * sizeof once[0]) == 0);

  nemo_operation_stats one = NEMO_OPERATION_STATS_INIT;
  std::size_t n = 0;
  CHECK(nemo_context_get_profile(context.get(), &one, 1, sizeof one, &n, nullptr) ==
        NEMO_E_BUFFER_TOO_SMALL);
  CHECK(n == once.size());
  CHECK(one.n_runs == 0);

  // A caller of a later version, whose struct is longer.
  struct Longer {
    nemo_operation_stats known;
    std::uint64_t tail;
  };
  std::vector<Longer> longer(n, Longer{NEMO_OPERATION_STATS_INIT, 7});
  for (Longer& stats : longer) stats.known.struct_size = sizeof(Longer);
  REQUIRE(nemo_context_get_profile(context.get(), &longer[0].known, n, sizeof(Longer), &n,
                                   nullptr) == NEMO_OK);
  for (std::size_t i = 0; i < n; ++i) {
    CHECK(longer[i].known.struct_size == sizeof(Longer));
    longer[i].known.struct_size = sizeof(nemo_operation_stats);
    CHECK(std::memcmp(&longer[i].known, &once[i], sizeof once[i]) == 0);
    CHECK(longer[i].tail == 7);
  }
  REQUIRE(nemo_context_set_profiling(context.get(), 1, nullptr) == NEMO_OK);
  CHECK(profile_of(context).empty());
}

TEST_CASE("a profile is written to structs of a known size only") {
  const Context context = load_demo(1);
  const Session session = make_session(context);
  REQUIRE(nemo_context_set_profiling(context.get(), 1, nullptr) == NEMO_OK);
  eval(session, {1});
  std::size_t n = profile_of(context).size();
  REQUIRE(n >= 2);
  const nemo_operation_stats empty = NEMO_OPERATION_STATS_INIT;
  constexpr std::size_t kStride = sizeof(nemo_operation_stats);
  for (const std::uint32_t size : {0u, 71u, 73u}) {
    std::vector<nemo_operation_stats> operations(n, empty);
    operations[1].struct_size = size;
    nemo_error error = NEMO_ERROR_INIT;
    CHECK(nemo_context_get_profile(context.get(), operations.data(), n, kStride, &n, &error) ==
          NEMO_E_STRUCT_SIZE);
    const std::string expected = "'operations[1]'.struct_size is " + std::to_string(size);
    CHECK(std::string_view(error.message).starts_with(expected));
    CHECK(operations[0].n_runs == 0);
    CHECK(operations[1].struct_size == size);
  }
}

TEST_CASE("without weights there is nothing to profile") {
  const Context context = load_demo(1, NEMO_LOAD_NO_WEIGHTS);
  std::size_t n = 7;
  CHECK(nemo_context_set_profiling(context.get(), 1, nullptr) == NEMO_E_STATE);
  CHECK(nemo_context_get_profile(context.get(), nullptr, 0, 0, &n, nullptr) == NEMO_E_STATE);
  CHECK(n == 7);
}
