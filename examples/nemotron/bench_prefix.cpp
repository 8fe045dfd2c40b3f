#include "bench_prefix.h"

#include <algorithm>
#include <chrono>
#include <span>

#include "program.h"

using nlohmann::ordered_json;

namespace {

using Tokens = std::span<const std::int32_t>;

struct FirstToken {
  double seconds = 0;
  std::uint64_t n_reused = 0;
};

// A turn in a new session, which holds nothing itself.
FirstToken time_turn(const nemotron::Context& context, std::uint32_t kv_type, Tokens prompt) {
  using Clock = std::chrono::steady_clock;
  nemotron::SessionOptions session_options;
  session_options.kv_type = kv_type;
  session_options.snapshot_policy = NEMO_SNAPSHOT_NONE;
  nemotron::Session session(context, session_options);
  nemotron::GenerateOptions options;
  options.max_tokens = 1;
  options.sampling_mode = NEMO_SAMPLING_GREEDY;
  options.ignore_stop_tokens = true;
  options.whole_prompt = true;
  const auto start = Clock::now();
  const auto result = session.generate(prompt, options);
  return {std::chrono::duration<double>(Clock::now() - start).count(), result.n_reused_tokens};
}

ordered_json distribution(std::vector<double>& seconds) {
  std::sort(seconds.begin(), seconds.end());
  return {{"median", 1e3 * seconds[seconds.size() / 2]},
          {"min", 1e3 * seconds.front()},
          {"max", 1e3 * seconds.back()}};
}

}  // namespace

ordered_json bench_prefix(const nemotron::Context& context, const PrefixBench& bench,
                          const std::vector<std::int32_t>& tokens) {
  const Tokens whole = Tokens(tokens).first(bench.n_prefix + bench.n_new);
  const Tokens alone = whole.last(bench.n_new);
  nemotron::Session first(context, 0, bench.kv_type);
  first.eval(whole.first(bench.n_prefix));
  first.keep();
  std::vector<double> cached_s;
  std::vector<double> alone_s;
  for (int i = 0; i < bench.n_repeats; ++i) {
    const FirstToken cached = time_turn(context, bench.kv_type, whole);
    if (cached.n_reused != bench.n_prefix)
      throw ProgramError("of the prefix only " + std::to_string(cached.n_reused) +
                         " tokens were found");
    cached_s.push_back(cached.seconds);
    alone_s.push_back(time_turn(context, bench.kv_type, alone).seconds);
  }
  return {{"prefix", bench.n_prefix},
          {"tokens", bench.n_new},
          {"first_token_ms", distribution(cached_s)},
          {"alone_ms", distribution(alone_s)}};
}
