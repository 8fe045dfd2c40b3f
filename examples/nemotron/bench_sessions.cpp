#include "bench_sessions.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <thread>

using nlohmann::ordered_json;
using Clock = std::chrono::steady_clock;

namespace {

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

double at_quantile(const std::vector<double>& sorted, double q) {
  return sorted.empty()
             ? 0.0
             : sorted[static_cast<std::size_t>(q * static_cast<double>(sorted.size() - 1))];
}

ordered_json distribution(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return {{"n", values.size()},
          {"p50", at_quantile(values, 0.5)},
          {"p90", at_quantile(values, 0.9)},
          {"p99", at_quantile(values, 0.99)},
          {"max", at_quantile(values, 1.0)}};
}

struct FreeSession {
  void operator()(nemo_session* session) const { nemo_session_free(session); }
};
using SessionPtr = std::unique_ptr<nemo_session, FreeSession>;

void check(nemo_status status, nemo_error& error) {
  if (status != NEMO_OK) throw nemotron::Error(error);
}

SessionPtr make_session(const nemotron::Context& context, std::uint32_t kv_type) {
  nemo_error error = NEMO_ERROR_INIT;
  nemo_session_options options = NEMO_SESSION_OPTIONS_INIT;
  options.kv_type = kv_type;
  nemo_session* session = nullptr;
  check(nemo_session_create(context.get(), &options, &session, &error), error);
  return SessionPtr(session);
}

// Greedy, past stop tokens; events are dropped.
void submit(nemo_session* session, const std::int32_t* prompt, std::size_t n_prompt,
            std::size_t n_generate) {
  nemo_error error = NEMO_ERROR_INIT;
  nemo_generate_options options = NEMO_GENERATE_OPTIONS_INIT;
  options.max_tokens = static_cast<std::uint32_t>(n_generate);
  options.sampling_mode = NEMO_SAMPLING_GREEDY;
  options.ignore_stop_tokens = 1;
  nemo_request request = NEMO_REQUEST_INIT;
  request.prompt = prompt;
  request.n_prompt = n_prompt;
  request.options = &options;
  request.on_event = [](const nemo_event*, void*) { return std::int32_t{0}; };
  check(nemo_session_submit(session, &request, nullptr, &error), error);
}

bool pump(const nemotron::Context& context, std::uint64_t max_us) {
  nemo_error error = NEMO_ERROR_INIT;
  nemo_pump_result result = NEMO_PUMP_RESULT_INIT;
  check(nemo_context_pump(context.get(), max_us, &result, &error), error);
  return result.has_more != 0;
}

// Seconds from a cancel in the middle of a prompt, by another thread, until the host sees it; below
// zero where the prompt was over before that.
double time_cancel(const nemotron::Context& context, const std::vector<std::int32_t>& prompt,
                   std::chrono::milliseconds after) {
  const SessionPtr session = make_session(context, NEMO_KV_DEFAULT);
  submit(session.get(), prompt.data(), prompt.size(), 1);
  Clock::time_point cancelled_at;
  std::thread other([&] {
    std::this_thread::sleep_for(after);
    cancelled_at = Clock::now();
    nemo_session_cancel(session.get(), 0, nullptr);
  });
  for (;;) {
    pump(context, 1000);
    nemo_session_stats stats = NEMO_SESSION_STATS_INIT;
    nemo_session_get_stats(session.get(), &stats, nullptr);
    if (stats.is_running == 0) break;
  }
  const Clock::time_point told_at = Clock::now();
  other.join();
  return std::chrono::duration<double>(told_at - cancelled_at).count();
}

}  // namespace

ordered_json bench_sessions(const nemotron::Context& context, const SessionsBench& bench,
                            const std::vector<std::int32_t>& tokens, OperationBench& operations) {
  std::vector<double> rates;
  for (int repeat = 0; repeat < bench.n_repeats; ++repeat) {
    std::vector<SessionPtr> sessions;
    for (std::size_t i = 0; i < bench.n_sessions; ++i)
      sessions.push_back(make_session(context, bench.kv_type));
    // The prompts first, so that the time is of decoding alone.
    nemo_error error = NEMO_ERROR_INIT;
    for (const SessionPtr& session : sessions)
      check(nemo_session_eval(session.get(), tokens.data(), bench.depth, nullptr, 0, &error),
            error);
    for (const SessionPtr& session : sessions)
      submit(session.get(), tokens.data(), 1, bench.n_generate);
    const double seconds =
        operations.time(repeat + 1 == bench.n_repeats, [&] { pump(context, 0); });
    rates.push_back(static_cast<double>(bench.n_sessions * bench.n_generate) / seconds);
  }
  std::sort(rates.begin(), rates.end());
  return {{"sessions", bench.n_sessions},
          {"tokens", bench.n_generate},
          {"depth", bench.depth},
          {"tokens_per_s",
           {{"median", rates[rates.size() / 2]}, {"min", rates.front()}, {"max", rates.back()}}},
          {"by_operation", operations.report()}};
}

ordered_json bench_budget(const nemotron::Context& context, std::uint64_t budget_us,
                          const std::vector<std::int32_t>& tokens, int n_cancels) {
  const SessionPtr session = make_session(context, NEMO_KV_DEFAULT);
  pump(context, 0);
  submit(session.get(), tokens.data(), tokens.size(), 32);
  std::vector<double> pump_us;
  for (bool has_more = true; has_more;) {
    const auto start = Clock::now();
    has_more = pump(context, budget_us);
    pump_us.push_back(1e6 * seconds_since(start));
  }
  pump_us.pop_back();  // the last one had less to do
  std::vector<double> cancel_ms;
  for (int i = 0; i < n_cancels; ++i) {
    const double seconds = time_cancel(context, tokens, std::chrono::milliseconds(1 + i % 40));
    if (seconds >= 0) cancel_ms.push_back(1e3 * seconds);
  }
  return {{"budget_us", budget_us},
          {"prompt", tokens.size()},
          {"pump_us", distribution(pump_us)},
          {"cancel_ms", distribution(cancel_ms)}};
}
