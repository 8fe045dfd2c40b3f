// What bench measures of the prefix cache.
#pragma once

#include <cstdint>
#include <nemotron/nemotron.hpp>
#include <nlohmann/json.hpp>
#include <vector>

struct PrefixBench {
  std::size_t n_prefix = 4096;  // tokens that another session has computed
  std::size_t n_new = 64;       // tokens of the turn behind them
  int n_repeats = 3;
  std::uint32_t kv_type = NEMO_KV_DEFAULT;
};

// Seconds to the first token of a turn, in a new session each: behind a prefix in the cache, and of
// the same new tokens alone. `tokens` holds at least n_prefix + n_new.
nlohmann::ordered_json bench_prefix(const nemotron::Context& context, const PrefixBench& bench,
                                    const std::vector<std::int32_t>& tokens);
