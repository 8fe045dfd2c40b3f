// States whose buffers carry a digest of the tokens that they stand for, so that a test sees
// whether what the cache returns belongs to what it was asked for.
#pragma once

#include <cstring>
#include <memory>
#include <numeric>
#include <span>
#include <vector>

#include <catch2/catch.hpp>

#include "backend/cpu/cpu_backend.h"
#include "engine/layer_state.h"
#include "engine/prefix_cache.h"
#include "kernels/cpu/kernel_table.h"

namespace nemotron {

using Tokens = std::vector<std::int32_t>;

inline constexpr std::uint64_t kPlenty = std::uint64_t{1} << 40;

// n tokens: first, first + 1, ...
inline Tokens sequence(std::size_t n, std::int32_t first = 0) {
  Tokens tokens(n);
  std::iota(tokens.begin(), tokens.end(), first);
  return tokens;
}

inline Tokens joined(Tokens tokens, const Tokens& more) {
  tokens.insert(tokens.end(), more.begin(), more.end());
  return tokens;
}

inline Tokens prefix_of(const Tokens& tokens, std::size_t n) {
  return {tokens.begin(), tokens.begin() + static_cast<std::ptrdiff_t>(n)};
}

// One digest for each block that `tokens` begin, of all tokens up to its end.
inline std::vector<std::uint64_t> digests_of(std::span<const std::int32_t> tokens) {
  std::vector<std::uint64_t> digests;
  std::uint64_t digest = 14695981039346656037u;  // FNV-1a, by tokens
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    digest = (digest ^ static_cast<std::uint32_t>(tokens[i])) * 1099511628211u;
    if (i % 64 == 63 || i + 1 == tokens.size()) digests.push_back(digest);
  }
  return digests;
}

class PrefixCacheFixture {
 public:
  static constexpr std::size_t kBlockBytes = 1024;  // one layer, one head of 2 floats
  static constexpr std::size_t kRecurrentBytes = 192;
  static constexpr std::size_t kBlockTokens = 64;

  PrefixCacheFixture() {
    for (StateLayout* layout : {&hybrid, &hybrid_bf16, &only_mamba, &only_attention}) {
      layout->kv = {1, 1, 2, KvType::kF32};
      layout->conv_bytes = 64;
      layout->ssm_bytes = kRecurrentBytes - 64;
    }
    hybrid_bf16.state_type = StateType::kBF16;
    only_mamba.kv.n_layers = 0;
    only_attention.conv_bytes = only_attention.ssm_bytes = 0;
  }

  static std::size_t bytes_of(std::size_t n_tokens) {
    return kRecurrentBytes + (n_tokens + kBlockTokens - 1) / kBlockTokens * kBlockBytes;
  }

  StateRef take(std::size_t size_bytes, std::uint64_t digest) {
    Result<StateRef> buffer = pool.take(size_bytes);
    REQUIRE(buffer.is_ok());
    std::memcpy(buffer->data(), &digest, sizeof digest);
    return std::move(buffer).value();
  }

  // A state behind `tokens`, in memory of its own.
  LayerState state_behind(const StateLayout& layout, const Tokens& tokens) {
    const std::vector<std::uint64_t> digests = digests_of(tokens);
    std::vector<StateRef> blocks;
    if (layout.kv.n_layers != 0)
      for (const std::uint64_t digest : digests) blocks.push_back(take(kBlockBytes, digest));
    StateRef recurrent;
    if (layout.recurrent_bytes() != 0) recurrent = take(kRecurrentBytes, digests.back());
    return {layout, static_cast<std::int64_t>(tokens.size()), recurrent, std::move(blocks)};
  }

  void insert(PrefixCache& cache, const Tokens& tokens) {
    cache.insert(tokens, state_behind(hybrid, tokens));
  }

  // How many tokens of `tokens` the cache has the state of; checks that it is the right one.
  static std::size_t find(PrefixCache& cache, const StateLayout& layout, const Tokens& tokens) {
    const std::optional<LayerState> state = cache.find(layout, tokens);
    if (!state.has_value()) return 0;
    const auto n = static_cast<std::size_t>(state->position());
    REQUIRE(n <= tokens.size());
    REQUIRE(&state->layout() == &layout);
    const std::vector<std::uint64_t> digests = digests_of(std::span(tokens).first(n));
    if (layout.recurrent_bytes() != 0) REQUIRE(stored(state->recurrent()) == digests.back());
    std::vector<std::uint64_t> stored_digests;
    for (const StateRef& block : state->kv_blocks()) stored_digests.push_back(stored(block));
    REQUIRE(stored_digests == (layout.kv.n_layers == 0 ? std::vector<std::uint64_t>() : digests));
    return n;
  }
  std::size_t find(PrefixCache& cache, const Tokens& tokens) const {
    return find(cache, hybrid, tokens);
  }

 private:
  static std::uint64_t stored(const StateRef& buffer) {
    std::uint64_t digest = 0;
    std::memcpy(&digest, buffer.data(), sizeof digest);
    return digest;
  }

 public:
  std::unique_ptr<Backend> backend =
      make_cpu_backend({.n_threads = 1, .kernels = &kernels::ref_kernels()}).value();
  MemoryBudget budget;
  StatePool pool{*backend, budget};
  StateLayout hybrid;
  StateLayout hybrid_bf16;  // exchanges no states with `hybrid`
  StateLayout only_mamba;
  StateLayout only_attention;
};

}  // namespace nemotron
