// States of sequences that some session has computed, found again by their tokens: a radix tree
// over blocks of 64 tokens, with KV blocks and recurrent states side by side, bounded in bytes.
//
// Bytes are counted once however many snapshots share a KV block, and whether or not sessions hold
// it, too. Not thread-safe: the engine's mutex guards it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/function_ref.h"
#include "engine/layer_state.h"

namespace nemotron {

class PrefixCache {
 public:
  struct Stats {
    std::uint64_t n_snapshots = 0;
    std::uint64_t n_blocks = 0;    // of 64 tokens, that snapshots share
    std::uint64_t size_bytes = 0;  // of recurrent states and KV blocks that the cache holds
    std::uint64_t n_hits = 0;
    std::uint64_t n_misses = 0;
    std::uint64_t n_reused_tokens = 0;  // found instead of computed
    std::uint64_t n_evictions = 0;

    bool operator==(const Stats&) const = default;
  };

  // Finds blocks by their 64 tokens; what it finds is compared, so that it may collide.
  using BlockHash = std::uint64_t (*)(std::span<const std::int32_t> block);
  static std::uint64_t xxh3_of(std::span<const std::int32_t> block);

  explicit PrefixCache(std::uint64_t limit_bytes, BlockHash hash = xxh3_of);
  ~PrefixCache();

  // The state behind the longest kept prefix of `tokens`, or nothing; also nothing if that is not
  // longer than the n_known tokens whose state the caller has. Counts a hit or a miss, but neither
  // where the caller knows as much. Fails only by bad_alloc, and then changes nothing.
  std::optional<LayerState> find(const StateLayout& layout, std::span<const std::int32_t> tokens,
                                 std::int64_t n_known = 0);

  // The states behind beginnings of `tokens`, all of them included: the longest first, at most
  // `max_count`. Nothing is counted, and nothing becomes worth keeping longer.
  std::vector<LayerState> kept_along(const StateLayout& layout,
                                     std::span<const std::int32_t> tokens,
                                     std::size_t max_count) const;

  // Keeps `state`, which stands behind `tokens` (all of them). Evicts others to stay within the
  // limit; a state larger than that is not kept. Fails only by bad_alloc, and then changes nothing.
  void insert(std::span<const std::int32_t> tokens, const LayerState& state);

  // Forgets states, the least worth keeping first, until `wanted_bytes` are freed or none is left.
  // Returns what the cache no longer holds; memory that sessions share is freed by them.
  std::uint64_t evict(std::uint64_t wanted_bytes);

  // Offers buffers of snapshots to move(buffer), which says whether it moved them: those of the
  // least worth keeping first, that no other one shares, then those that several share. Returns
  // after the first snapshot of which it moved any; false: none.
  bool offer_buffers(FunctionRef<bool(const StateRef&)> move) const;

  Stats stats() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace nemotron
