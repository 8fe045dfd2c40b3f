#include "bench_depth.h"

#include <algorithm>
#include <chrono>
#include <span>

using nlohmann::ordered_json;
using Clock = std::chrono::steady_clock;

namespace {

constexpr std::size_t kFirstDepth = 512;
constexpr std::size_t kWindow = 1024;

using Tokens = std::span<const std::int32_t>;

std::vector<std::size_t> depths_up_to(std::size_t n_tokens) {
  std::vector<std::size_t> depths;
  for (std::size_t depth = n_tokens; depth >= std::min(kFirstDepth, n_tokens); depth /= 2)
    depths.insert(depths.begin(), depth);
  return depths;
}

ordered_json rates(std::size_t n_tokens, std::vector<double>& seconds) {
  std::sort(seconds.begin(), seconds.end());
  const auto n = static_cast<double>(n_tokens);
  return {{"median", n / seconds[seconds.size() / 2]},
          {"min", n / seconds.back()},
          {"max", n / seconds.front()}};
}

// In forks, so that the session stays where it is.
template <typename Run>
ordered_json measure(nemotron::Session& session, int n_repeats, std::size_t n_tokens, Run run) {
  std::vector<double> seconds;
  for (int i = 0; i < n_repeats; ++i) {
    nemotron::Session fork = session.fork();
    const auto start = Clock::now();
    run(fork);
    seconds.push_back(std::chrono::duration<double>(Clock::now() - start).count());
  }
  return rates(n_tokens, seconds);
}

}  // namespace

ordered_json bench_depth(const nemotron::Context& context, const DepthBench& bench,
                         const std::vector<std::int32_t>& tokens) {
  const Tokens all(tokens);
  nemotron::Session session(context, 0, bench.kv_type);
  std::vector<float> logits(context.model_info().n_vocab);
  ordered_json report = ordered_json::array();
  for (const std::size_t depth : depths_up_to(bench.n_tokens)) {
    const std::size_t window = std::max<std::size_t>(1, std::min(kWindow, depth / 2));
    const auto position = static_cast<std::size_t>(session.position());
    if (depth - window > position) session.eval(all.subspan(position, depth - window - position));
    const Tokens last = all.subspan(depth - window, window);
    ordered_json prefill = measure(session, bench.n_repeats, window,
                                   [&](nemotron::Session& fork) { fork.eval(last, logits); });
    session.eval(last);
    ordered_json decode =
        measure(session, bench.n_repeats, bench.n_generate, [&](nemotron::Session& fork) {
          for (std::size_t i = 0; i < bench.n_generate; ++i)
            fork.eval(all.subspan(i % all.size(), 1), logits);
        });
    report.push_back({{"depth", depth}, {"prefill", prefill}, {"decode", decode}});
  }
  return report;
}
