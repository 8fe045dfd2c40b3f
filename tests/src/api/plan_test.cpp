// nemo_plan against nemo_context_stats: plan >= measured peak >= 0.97 x plan, over a grid.
#include <nemotron/nemotron.h>

#include <catch2/catch.hpp>
#include <memory>
#include <string>
#include <vector>

namespace {

struct Free {
  void operator()(nemo_context* context) const { nemo_context_free(context); }
  void operator()(nemo_session* session) const { nemo_session_free(session); }
};
using Context = std::unique_ptr<nemo_context, Free>;
using Session = std::unique_ptr<nemo_session, Free>;

const std::string kDemo = NEMO_SOURCE_DIR "/examples/demo-model/demo-q8_0.gguf";
const std::string kDemoBf16 = NEMO_SOURCE_DIR "/examples/demo-model/model.safetensors";

nemo_context_options two_threads() {
  nemo_context_options options = NEMO_CONTEXT_OPTIONS_INIT;
  options.n_threads = 2;
  options.snapshot_bytes = NEMO_NO_SNAPSHOTS;
  return options;
}

nemo_memory_plan plan_of(const std::string& path, const nemo_context_options& options,
                         const nemo_plan_options& sessions) {
  nemo_memory_plan plan = NEMO_MEMORY_PLAN_INIT;
  nemo_error error = NEMO_ERROR_INIT;
  const nemo_status status = nemo_plan(path.c_str(), &options, &sessions, &plan, &error);
  INFO(error.message);
  REQUIRE(status == NEMO_OK);
  return plan;
}

Context load(const std::string& path, const nemo_context_options& options) {
  nemo_context* context = nullptr;
  REQUIRE(nemo_context_load(path.c_str(), &options, &context, nullptr) == NEMO_OK);
  return Context(context);
}

Session make_session(const Context& context, const nemo_plan_options& planned) {
  nemo_session_options options = NEMO_SESSION_OPTIONS_INIT;
  options.max_tokens = planned.n_tokens;
  options.kv_type = planned.kv_type;
  options.state_type = planned.state_type;
  nemo_session* session = nullptr;
  REQUIRE(nemo_session_create(context.get(), &options, &session, nullptr) == NEMO_OK);
  return Session(session);
}

nemo_status fill(nemo_session* session, std::uint32_t n_tokens, std::int32_t token = 5) {
  const std::vector<std::int32_t> tokens(n_tokens, token);
  return nemo_session_eval(session, tokens.data(), tokens.size(), nullptr, 0, nullptr);
}

nemo_context_stats stats_of(const Context& context) {
  nemo_context_stats stats = NEMO_CONTEXT_STATS_INIT;
  REQUIRE(nemo_context_get_stats(context.get(), &stats, nullptr) == NEMO_OK);
  return stats;
}

void check_grid_point(const std::string& path, const nemo_plan_options& sessions,
                      std::uint32_t flags = 0) {
  nemo_context_options options = two_threads();
  options.flags = flags;
  const nemo_memory_plan plan = plan_of(path, options, sessions);
  const Context context = load(path, options);
  std::vector<Session> made;
  for (std::uint32_t i = 0; i < sessions.n_sessions; ++i) {
    made.push_back(make_session(context, sessions));
    REQUIRE(fill(made.back().get(), sessions.n_tokens) == NEMO_OK);
  }
  const nemo_context_stats stats = stats_of(context);
  CHECK(stats.peak_bytes <= plan.total_bytes);
  CHECK(static_cast<double>(stats.peak_bytes) >= 0.97 * static_cast<double>(plan.total_bytes));
  nemo_model_info info = NEMO_MODEL_INFO_INIT;
  REQUIRE(nemo_context_model_info(context.get(), &info, nullptr) == NEMO_OK);
  CHECK(info.weight_bytes == plan.weight_bytes);
  CHECK(info.scratch_bytes == plan.scratch_bytes);
  CHECK(info.mapped_bytes == plan.mapped_bytes);
  CHECK((info.mapped_bytes > 0) == (flags == NEMO_LOAD_MAPPED));
  nemo_session_stats session_stats = NEMO_SESSION_STATS_INIT;
  REQUIRE(nemo_session_get_stats(made[0].get(), &session_stats, nullptr) == NEMO_OK);
  CHECK(session_stats.recurrent_bytes == plan.recurrent_bytes);
  CHECK(session_stats.kv_bytes == plan.kv_bytes);
}

}  // namespace

TEST_CASE("the plan bounds the measured peak, and closely") {
  const std::string path = GENERATE(kDemo, kDemoBf16);
  const auto kv_type = GENERATE(as<std::uint32_t>(), NEMO_KV_BF16, NEMO_KV_Q8);
  const auto n_tokens = GENERATE(as<std::uint32_t>(), 40, 64, 200);
  const auto n_sessions = GENERATE(as<std::uint32_t>(), 1, 4, 8);
  INFO(path << ", " << n_sessions << " sessions of " << n_tokens << " tokens, type " << kv_type);
  nemo_plan_options sessions = NEMO_PLAN_OPTIONS_INIT;
  sessions.n_sessions = n_sessions;
  sessions.n_tokens = n_tokens;
  sessions.kv_type = kv_type;
  check_grid_point(path, sessions);
}

TEST_CASE("the plan bounds the peak beside mapped weights, which it tells apart") {
  const std::string path = GENERATE(kDemo, kDemoBf16);
  nemo_plan_options sessions = NEMO_PLAN_OPTIONS_INIT;
  sessions.n_sessions = GENERATE(as<std::uint32_t>(), 1, 4);
  sessions.n_tokens = 200;
  check_grid_point(path, sessions, NEMO_LOAD_MAPPED);
  const nemo_memory_plan packed = plan_of(path, two_threads(), sessions);
  nemo_context_options options = two_threads();
  options.flags = NEMO_LOAD_MAPPED;
  const nemo_memory_plan mapped = plan_of(path, options, sessions);
  CHECK(mapped.weight_bytes < packed.weight_bytes / 20);
  CHECK(mapped.weight_bytes + mapped.mapped_bytes > packed.weight_bytes * 9 / 10);
  CHECK(mapped.total_bytes < packed.total_bytes);
  // A cap counts what the context takes, not the system's cache.
  options.max_bytes = mapped.total_bytes;
  REQUIRE(options.max_bytes < packed.weight_bytes);
  const Context context = load(path, options);
  CHECK(fill(make_session(context, sessions).get(), sessions.n_tokens) == NEMO_OK);
}

TEST_CASE("the plan bounds the peak with a narrower state and with f32 keys and values") {
  nemo_plan_options sessions = NEMO_PLAN_OPTIONS_INIT;
  sessions.n_sessions = 2;
  sessions.n_tokens = 100;
  sessions.kv_type = NEMO_KV_F32;
  sessions.state_type = NEMO_STATE_BF16;
  check_grid_point(kDemo, sessions);
}

TEST_CASE("snapshots come and go within the plan") {
  nemo_context_options options = two_threads();
  options.snapshot_bytes = 8u << 20;
  nemo_plan_options sessions = NEMO_PLAN_OPTIONS_INIT;
  sessions.n_sessions = 3;
  sessions.n_tokens = 130;
  const nemo_memory_plan plan = plan_of(kDemo, options, sessions);
  CHECK(plan.snapshot_bytes == options.snapshot_bytes);
  const Context context = load(kDemo, options);
  std::vector<Session> made;
  for (std::uint32_t i = 0; i < sessions.n_sessions; ++i)
    made.push_back(make_session(context, sessions));
  for (std::int32_t round = 0; round < 6; ++round) {
    for (std::size_t i = 0; i < made.size(); ++i) {
      REQUIRE(nemo_session_reset(made[i].get(), nullptr) == NEMO_OK);
      const auto token = static_cast<std::int32_t>(5 + 10 * round) + static_cast<std::int32_t>(i);
      for (const std::uint32_t n : {30u, 70u, 30u}) {
        REQUIRE(fill(made[i].get(), n, token) == NEMO_OK);
        REQUIRE(nemo_session_keep(made[i].get(), nullptr) == NEMO_OK);
      }
    }
  }
  const nemo_context_stats stats = stats_of(context);
  CHECK(stats.n_evictions > 0);
  CHECK(stats.peak_bytes <= plan.total_bytes);
}

TEST_CASE("the plan as a cap is enough, and a byte less is not") {
  nemo_plan_options sessions = NEMO_PLAN_OPTIONS_INIT;
  sessions.n_sessions = 2;
  sessions.n_tokens = 100;
  nemo_context_options options = two_threads();
  const nemo_memory_plan plan = plan_of(kDemo, options, sessions);
  for (const std::uint64_t lacking : {0u, 1u}) {
    options.max_bytes = plan.total_bytes - lacking;
    const Context context = load(kDemo, options);
    const Session first = make_session(context, sessions);
    const Session second = make_session(context, sessions);
    REQUIRE(fill(first.get(), 100) == NEMO_OK);
    REQUIRE(fill(second.get(), 100) == NEMO_OK);  // with the first one parked where a byte lacks
    CHECK(stats_of(context).n_parked == lacking);
    CHECK(stats_of(context).peak_bytes <= options.max_bytes);
  }
  options.max_bytes = plan.weight_bytes + plan.scratch_bytes - 1;
  nemo_context* refused = nullptr;
  nemo_error error = NEMO_ERROR_INIT;
  CHECK(nemo_context_load(kDemo.c_str(), &options, &refused, &error) == NEMO_E_OVER_BUDGET);
  CHECK(refused == nullptr);
  CHECK(std::string(error.message).find(std::to_string(plan.weight_bytes)) != std::string::npos);
  CHECK(std::string(error.message).find(std::to_string(options.max_bytes)) != std::string::npos);
}

TEST_CASE("defaults, levels and mistakes") {
  nemo_memory_plan plan = NEMO_MEMORY_PLAN_INIT;
  REQUIRE(nemo_plan(kDemo.c_str(), nullptr, nullptr, &plan, nullptr) == NEMO_OK);
  CHECK(plan.n_sessions == 1);
  CHECK(plan.n_tokens == 4096);
  CHECK(plan.snapshot_bytes == 512u << 20);
  CHECK(plan.isa != NEMO_ISA_AUTO);
  CHECK(plan.total_bytes == plan.weight_bytes + plan.scratch_bytes + plan.recurrent_bytes +
                                plan.kv_bytes + plan.snapshot_bytes);
  nemo_context_options options = two_threads();
  options.isa = NEMO_ISA_REF;
  REQUIRE(nemo_plan(kDemo.c_str(), &options, nullptr, &plan, nullptr) == NEMO_OK);
  CHECK(plan.isa == NEMO_ISA_REF);

  nemo_error error = NEMO_ERROR_INIT;
  CHECK(nemo_plan("/no/such/place", nullptr, nullptr, &plan, &error) == NEMO_E_FILE_NOT_FOUND);
  CHECK(plan.total_bytes == 0);
  CHECK(error.message[0] != '\0');
  nemo_plan_options sessions = NEMO_PLAN_OPTIONS_INIT;
  sessions.n_tokens = 4097;
  CHECK(nemo_plan(kDemo.c_str(), nullptr, &sessions, &plan, &error) == NEMO_E_INVALID_ARGUMENT);
  options.flags = NEMO_LOAD_NO_WEIGHTS;
  CHECK(nemo_plan(kDemo.c_str(), &options, nullptr, &plan, &error) == NEMO_E_INVALID_ARGUMENT);
}
