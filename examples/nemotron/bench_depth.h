// What bench measures of depth: how prompts and replies slow down as a session grows.
#pragma once

#include <cstdint>
#include <nemotron/nemotron.hpp>
#include <nlohmann/json.hpp>
#include <vector>

struct DepthBench {
  std::size_t n_tokens = 32768;  // the last depth; the others are its halves, down to 512
  std::size_t n_generate = 16;   // tokens decoded at each depth
  int n_repeats = 3;
  std::uint32_t kv_type = NEMO_KV_DEFAULT;
};

// Tokens per second, at each depth, of the last tokens of a prompt that ends there (1,024 of them,
// but at most half of it) and of decoding behind it. `tokens` holds at least n_tokens.
nlohmann::ordered_json bench_depth(const nemotron::Context& context, const DepthBench& bench,
                                   const std::vector<std::int32_t>& tokens);
