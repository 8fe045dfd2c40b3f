// What is worth keeping: GreedyDual-Size-Frequency (Cherkasova 1998, "Improving WWW proxies
// performance with Greedy-Dual-Size-Frequency caching policy"; after Cao and Irani 1997,
// "Cost-aware WWW proxy caching algorithms"). A snapshot has the priority
//
//     clock + (1 + n_hits) * n_tokens_saved / n_bytes_freed
//
// and the lowest goes first, the least recently used among equals. The clock is the cache's when
// the snapshot was last used; that of the cache is the highest priority evicted so far, which is
// how those that nobody asks for grow old. n_tokens_saved is what would have to be computed again
// from the nearest kept prefix; n_bytes_freed is what no other snapshot shares. So the snapshot
// behind a system prompt, on which many conversations stand, is cheap to keep and dear to lose.
//
// Both terms change with the neighbours. A priority is computed when its snapshot is used, again
// when it comes to be evicted (it may have risen since: then the next one is looked at), and again
// when an eviction makes the snapshot the only holder of blocks. That leaves one case in which a
// priority is too high until the next use: when a shorter prefix is kept later.
#include "engine/prefix_cache.h"

#include <algorithm>
#include <cassert>
#include <map>
#include <set>
#include <utility>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "engine/prefix_tree.h"

namespace nemotron {

namespace {

struct IsLessWorth {
  bool operator()(const PrefixSnapshot* a, const PrefixSnapshot* b) const {
    return std::pair(a->priority, a->last_use) < std::pair(b->priority, b->last_use);
  }
};
using Order = std::set<PrefixSnapshot*, IsLessWorth>;

// Fields that the order depends on change between extract() and insert(), neither of which
// allocates.
Order::node_type make_order_node(PrefixSnapshot* snapshot) {
  Order order;
  order.insert(snapshot);
  return order.extract(order.begin());
}

double priority_of(const PrefixSnapshot& snapshot) {
  const std::int64_t n_saved = snapshot.position() - PrefixTree::position_of_ancestor(snapshot);
  const std::uint64_t n_freed = std::max<std::uint64_t>(1, PrefixTree::bytes_held_alone(snapshot));
  return snapshot.clock + static_cast<double>(1 + snapshot.n_hits) * static_cast<double>(n_saved) /
                              static_cast<double>(n_freed);
}

std::uint64_t size_bytes_of(const LayerState& state, std::size_t n_tokens) {
  std::uint64_t size_bytes = state.recurrent().size_bytes();
  if (state.layout().kv.n_layers == 0) return size_bytes;
  const auto n_blocks = static_cast<std::uint64_t>((n_tokens + kernels::kKvBlockTokens - 1) /
                                                   kernels::kKvBlockTokens);
  return size_bytes + n_blocks * state.kv_blocks().front().size_bytes();
}

}  // namespace

struct PrefixCache::Impl {
  void use(PrefixSnapshot& snapshot, Order::node_type order_node) noexcept {
    snapshot.clock = clock;
    snapshot.last_use = ++n_uses;
    snapshot.priority = priority_of(snapshot);
    order.insert(std::move(order_node));
  }

  void set_priority(PrefixSnapshot& snapshot, double priority) noexcept {
    Order::node_type order_node = order.extract(&snapshot);
    snapshot.priority = priority;
    order.insert(std::move(order_node));
  }

  PrefixSnapshot& least_worth() noexcept {
    while (true) {
      PrefixSnapshot& snapshot = **order.begin();
      const double priority = priority_of(snapshot);
      if (priority <= snapshot.priority) return snapshot;
      set_priority(snapshot, priority);
    }
  }

  // Not without snapshots in the order. Returns the bytes freed.
  std::uint64_t evict_one() noexcept {
    PrefixSnapshot& snapshot = least_worth();
    order.erase(&snapshot);
    clock = std::max(clock, snapshot.priority);
    const PrefixTree::Removal removal = PrefixTree::remove(snapshot);
    if (removal.heir != nullptr && order.contains(removal.heir))
      set_priority(*removal.heir, priority_of(*removal.heir));
    stats.size_bytes -= removal.freed_bytes;
    stats.n_blocks -= removal.n_freed_blocks;
    --stats.n_snapshots;
    ++stats.n_evictions;
    return removal.freed_bytes;
  }

  std::uint64_t limit_bytes = 0;
  BlockHash hash = nullptr;
  std::map<std::uint32_t, PrefixTree> trees;  // by StateLayout::numerics_id()
  Order order;
  double clock = 0.0;
  std::uint64_t n_uses = 0;
  Stats stats;
};

std::uint64_t PrefixCache::xxh3_of(std::span<const std::int32_t> block) {
  return XXH3_64bits(block.data(), block.size_bytes());
}

PrefixCache::PrefixCache(std::uint64_t limit_bytes, BlockHash hash)
    : impl_(std::make_unique<Impl>()) {
  impl_->limit_bytes = limit_bytes;
  impl_->hash = hash;
}

PrefixCache::~PrefixCache() = default;

std::optional<LayerState> PrefixCache::find(const StateLayout& layout,
                                            std::span<const std::int32_t> tokens,
                                            std::int64_t n_known) {
  const auto tree = impl_->trees.find(layout.numerics_id());
  PrefixSnapshot* found = tree == impl_->trees.end() ? nullptr : tree->second.find(tokens);
  if (found == nullptr || found->position() <= n_known) {
    if (n_known == 0) ++impl_->stats.n_misses;
    return std::nullopt;
  }
  std::optional<LayerState> state;
  state.emplace(layout, found->position(), found->recurrent, PrefixTree::kv_blocks(*found));
  ++impl_->stats.n_hits;
  impl_->stats.n_reused_tokens += static_cast<std::uint64_t>(found->position() - n_known);
  Order::node_type order_node = impl_->order.extract(found);
  ++found->n_hits;
  impl_->use(*found, std::move(order_node));
  return state;
}

std::vector<LayerState> PrefixCache::kept_along(const StateLayout& layout,
                                                std::span<const std::int32_t> tokens,
                                                std::size_t max_count) const {
  std::vector<LayerState> found;
  const auto tree = impl_->trees.find(layout.numerics_id());
  if (tree == impl_->trees.end()) return found;
  while (found.size() < max_count && !tokens.empty()) {
    const PrefixSnapshot* snapshot = tree->second.find(tokens);
    if (snapshot == nullptr) break;
    found.emplace_back(layout, snapshot->position(), snapshot->recurrent,
                       PrefixTree::kv_blocks(*snapshot));
    tokens = tokens.first(static_cast<std::size_t>(snapshot->position()) - 1);
  }
  return found;
}

void PrefixCache::insert(std::span<const std::int32_t> tokens, const LayerState& state) {
  assert(state.position() == static_cast<std::int64_t>(tokens.size()));
  if (tokens.empty() || size_bytes_of(state, tokens.size()) > impl_->limit_bytes) return;
  PrefixTree& tree =
      impl_->trees.try_emplace(state.layout().numerics_id(), impl_->hash).first->second;
  if (PrefixSnapshot* kept = tree.find_exactly(tokens)) {  // with the same bytes
    impl_->use(*kept, impl_->order.extract(kept));
    return;
  }
  PrefixTree::Addition addition = tree.prepare(tokens, state);
  Order::node_type order_node = make_order_node(addition.snapshot.get());
  impl_->stats.size_bytes += addition.size_bytes;
  impl_->stats.n_blocks += addition.nodes.size();
  ++impl_->stats.n_snapshots;
  PrefixSnapshot& snapshot = PrefixTree::commit(std::move(addition));
  // It is not in the order yet, and so not among those that make room for it.
  while (impl_->stats.size_bytes > impl_->limit_bytes && !impl_->order.empty()) impl_->evict_one();
  impl_->use(snapshot, std::move(order_node));
}

std::uint64_t PrefixCache::evict(std::uint64_t wanted_bytes) {
  std::uint64_t n_freed = 0;
  while (n_freed < wanted_bytes && !impl_->order.empty()) n_freed += impl_->evict_one();
  return n_freed;
}

bool PrefixCache::offer_buffers(FunctionRef<bool(const StateRef&)> move) const {
  for (const bool is_alone : {true, false})
    for (const PrefixSnapshot* snapshot : impl_->order)
      if (PrefixTree::offer_buffers(*snapshot, is_alone, move)) return true;
  return false;
}

PrefixCache::Stats PrefixCache::stats() const { return impl_->stats; }

}  // namespace nemotron
