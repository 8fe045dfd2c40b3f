// Out of memory everywhere: each allocation of a load, and of a conversation, fails once. Every
// such call says so or does without, leaves its object as it was, and nothing is lost: made again,
// the calls compute the same bytes.
#include <catch2/catch.hpp>
#include <string>

#include "memory.h"
#include "scenario.h"

using namespace fault;

namespace {

const std::string kModel = NEMO_TEST_SOURCE_DIR "/data/model/hf/tiny_chat";

Report run_whole(Use use) {
  Report report;
  nemo_context* context = load(kModel.c_str(), use, report);
  if (context != nullptr) converse(context, use, report);
  nemo_context_free(context);
  return report;
}

void check(const Report& report, const Report& truth) {
  CHECK(std::string(nemo_status_string(report.wrong)) == "NEMO_OK");
  CHECK(std::string(report.where == nullptr ? "" : report.where) == "");
  CHECK(report.outcome == truth.outcome);
}

}  // namespace

TEST_CASE("what is needed for a load fails, one after the other") {
  const auto use = GENERATE(Use::kPump, Use::kMapped);
  const auto failing = GENERATE(Failing::kOnce, Failing::kUntilStopped);
  run_whole(use);  // what is made once in a process
  std::int64_t n = 0;
  for (;; ++n) {
    Report report;
    const Counts news = new_counts();
    const Counts buffers = buffer_counts();
    fail_after(n, failing);
    nemo_context* context = load(kModel.c_str(), use, report);
    const bool has_failed = stop_failing();
    const bool is_loaded = context != nullptr;
    nemo_context_free(context);
    const std::int64_t n_lost = new_counts().n_alive - news.n_alive;
    const std::int64_t n_lost_buffers = buffer_counts().n_alive - buffers.n_alive;
    INFO("allocation " << n);
    CHECK(std::string(nemo_status_string(report.wrong)) == "NEMO_OK");
    CHECK(n_lost == 0);
    CHECK(n_lost_buffers == 0);
    CHECK(is_loaded == (report.n_failures == 0));
    if (!has_failed) break;
  }
  CHECK(n > 300);
}

TEST_CASE("what is needed for a conversation fails, one after the other") {
  const auto use = GENERATE(Use::kPump, Use::kWorker, Use::kMapped);
  const auto failing = GENERATE(Failing::kOnce, Failing::kUntilStopped);
  const Report truth = run_whole(use);
  check(truth, run_whole(Use::kPump));
  REQUIRE(truth.outcome.position == 2);
  REQUIRE(truth.outcome.generated.size > 0);
  REQUIRE(truth.outcome.polled.size > 0);
  int n_failures = 0;
  std::int64_t n = 0;
  bool has_failed = true;
  for (; has_failed; ++n) {
    Report report;
    const Counts news = new_counts();
    const Counts buffers = buffer_counts();
    nemo_context* context = load(kModel.c_str(), use, report);
    fail_after(n, failing);
    converse(context, use, report);
    has_failed = stop_failing();
    nemo_context_free(context);
    n_failures += report.n_failures;
    const std::int64_t n_lost = new_counts().n_alive - news.n_alive;
    const std::int64_t n_lost_buffers = buffer_counts().n_alive - buffers.n_alive;
    INFO("allocation " << n);
    check(report, truth);
    CHECK(n_lost == 0);
    CHECK(n_lost_buffers == 0);
  }
  INFO(n << " allocations, " << n_failures << " calls that failed");
  CHECK(n > 100);
  CHECK(n_failures > n / 3);
}
