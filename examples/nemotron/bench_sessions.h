// What bench measures of sessions that run together and of time under the host's control.
#pragma once

#include <cstdint>
#include <nemotron/nemotron.hpp>
#include <nlohmann/json.hpp>
#include <vector>

#include "bench_operations.h"

struct SessionsBench {
  std::size_t n_sessions = 8;
  std::size_t n_generate = 64;
  std::size_t depth = 1;  // tokens before the decoded ones
  int n_repeats = 3;
  std::uint32_t kv_type = NEMO_KV_DEFAULT;
};

// Tokens per second of all sessions together, each generating on top of its own prompt.
nlohmann::ordered_json bench_sessions(const nemotron::Context& context, const SessionsBench& bench,
                                      const std::vector<std::int32_t>& tokens,
                                      OperationBench& operations);

// Pumps with a budget while a prompt and a reply are in work: how long they took, and how long a
// cancel in the middle of a prompt takes to be told.
nlohmann::ordered_json bench_budget(const nemotron::Context& context, std::uint64_t budget_us,
                                    const std::vector<std::int32_t>& tokens, int n_cancels);
