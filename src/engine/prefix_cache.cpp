#include "engine/prefix_cache.h"

#include <vector>
namespace nemotron {
struct PrefixCache::Impl {
  struct Item {
    std::vector<std::int32_t> tokens;
    LayerState state;
  };
  std::vector<Item> items;
  Stats stats;
};
PrefixCache::PrefixCache(std::uint64_t) : impl_(std::make_unique<Impl>()) {}
PrefixCache::~PrefixCache() = default;
std::optional<LayerState> PrefixCache::find(const StateLayout& layout,
                                            std::span<const std::int32_t> tokens) {
  const Impl::Item* best = nullptr;
  for (auto& i : impl_->items)
    if (&i.state.layout() == &layout && i.tokens.size() <= tokens.size() &&
        std::equal(i.tokens.begin(), i.tokens.end(), tokens.begin()) &&
        (!best || i.tokens.size() > best->tokens.size()))
      best = &i;
  if (!best) {
    ++impl_->stats.n_misses;
    return std::nullopt;
  }
  ++impl_->stats.n_hits;
  return best->state;
}
void PrefixCache::insert(std::span<const std::int32_t> tokens, const LayerState& state) {
  impl_->items.push_back({{tokens.begin(), tokens.end()}, state});
}
std::uint64_t PrefixCache::evict(std::uint64_t) {
  if (impl_->items.empty()) return 0;
  impl_->items.erase(impl_->items.begin());
  return 1;
}
PrefixCache::Stats PrefixCache::stats() const { return impl_->stats; }
}  // namespace nemotron
