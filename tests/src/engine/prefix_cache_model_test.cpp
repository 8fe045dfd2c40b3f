// The cache against a plain model of it: a map of token sequences, in which everything is counted
// anew each time. 10,000 random operations; each must answer as the model does.
#include <algorithm>
#include <map>
#include <random>
#include <set>

#include "prefix_cache_fixture.h"

using namespace nemotron;

namespace {

using Fixture = PrefixCacheFixture;

struct Key {
  std::uint32_t numerics_id;
  Tokens tokens;
  friend auto operator<=>(const Key&, const Key&) = default;
};

bool is_prefix(const Tokens& a, const Tokens& b) {
  return a.size() <= b.size() && std::equal(a.begin(), a.end(), b.begin());
}

class PlainCache {
 public:
  explicit PlainCache(std::uint64_t limit_bytes) : limit_bytes_(limit_bytes) {}

  std::size_t find(const Key& key) {
    const auto found = longest_prefix(key, key.tokens.size());
    if (found == kept_.end()) return 0;
    ++found->second.n_hits;
    use(*found);
    return found->first.tokens.size();
  }

  void insert(const Key& key) {
    if (Fixture::bytes_of(key.tokens.size()) > limit_bytes_) return;
    const auto [added, is_new] = kept_.try_emplace(key);
    while (is_new && size_bytes() > limit_bytes_) evict_one(&key);
    use(*added);
  }

  std::uint64_t evict(std::uint64_t wanted_bytes) {
    std::uint64_t n_freed = 0;
    while (n_freed < wanted_bytes && !kept_.empty()) n_freed += evict_one(nullptr);
    return n_freed;
  }

  std::uint64_t size_bytes() const {
    std::uint64_t sum = block_users().size() * Fixture::kBlockBytes;
    for (const auto& [key, entry] : kept_) sum += own_bytes(key);
    return sum;
  }
  std::uint64_t n_kept() const { return kept_.size(); }
  std::uint64_t n_evictions() const { return n_evictions_; }

 private:
  struct Entry {
    std::uint64_t n_hits = 0, last_use = 0;
    double clock = 0.0, priority = 0.0;
  };
  using Kept = std::map<Key, Entry>;
  using Item = Kept::value_type;

  // The whole blocks of all that is kept, each with the number of those that need it.
  std::map<Key, int> block_users() const {
    std::map<Key, int> users;
    for (const auto& [key, entry] : kept_)
      for (std::size_t n = 64; n <= key.tokens.size(); n += 64)
        ++users[{key.numerics_id, prefix_of(key.tokens, n)}];
    return users;
  }

  static std::uint64_t own_bytes(const Key& key) {
    return Fixture::kRecurrentBytes + (key.tokens.size() % 64 == 0 ? 0 : Fixture::kBlockBytes);
  }

  static std::uint64_t bytes_held_alone(const Key& key, const std::map<Key, int>& users) {
    std::uint64_t sum = own_bytes(key);
    for (std::size_t n = 64; n <= key.tokens.size(); n += 64)
      if (users.at({key.numerics_id, prefix_of(key.tokens, n)}) == 1) sum += Fixture::kBlockBytes;
    return sum;
  }

  Kept::iterator longest_prefix(const Key& key, std::size_t max_tokens) {
    auto best = kept_.end();
    for (auto it = kept_.begin(); it != kept_.end(); ++it) {
      const auto& [other, entry] = *it;
      if (other.numerics_id != key.numerics_id || other.tokens.size() > max_tokens ||
          !is_prefix(other.tokens, key.tokens))
        continue;
      if (best == kept_.end() || best->first.tokens.size() < other.tokens.size()) best = it;
    }
    return best;
  }

  double priority_of(const Item& item, const std::map<Key, int>& users) {
    const auto& [key, entry] = item;
    const auto ancestor = longest_prefix(key, key.tokens.size() - 1);
    const std::size_t n_known = ancestor == kept_.end() ? 0 : ancestor->first.tokens.size();
    return entry.clock + static_cast<double>(1 + entry.n_hits) *
                             static_cast<double>(key.tokens.size() - n_known) /
                             static_cast<double>(bytes_held_alone(key, users));
  }

  void use(Item& item) {
    item.second.clock = clock_;
    item.second.last_use = ++n_uses_;
    item.second.priority = priority_of(item, block_users());
  }

  std::uint64_t evict_one(const Key* spared) {
    const std::map<Key, int> users = block_users();
    auto lowest = kept_.end();
    while (true) {
      lowest = kept_.end();
      for (auto it = kept_.begin(); it != kept_.end(); ++it) {
        if (spared != nullptr && it->first == *spared) continue;
        const auto rank = [](const Entry& e) { return std::pair(e.priority, e.last_use); };
        if (lowest == kept_.end() || rank(it->second) < rank(lowest->second)) lowest = it;
      }
      const double priority = priority_of(*lowest, users);
      if (priority <= lowest->second.priority) break;
      lowest->second.priority = priority;
    }
    clock_ = std::max(clock_, lowest->second.priority);
    const std::uint64_t size_before = size_bytes();
    kept_.erase(lowest);
    ++n_evictions_;
    const std::map<Key, int> users_after = block_users();
    for (Item& item : kept_)
      if (bytes_held_alone(item.first, users_after) > bytes_held_alone(item.first, users))
        item.second.priority = priority_of(item, users_after);
    return size_before - size_bytes();
  }

  const std::uint64_t limit_bytes_;
  Kept kept_;
  double clock_ = 0.0;
  std::uint64_t n_uses_ = 0;
  std::uint64_t n_evictions_ = 0;
};

// Prompts that have much in common: each piece of 40 tokens is one of few, so that they part inside
// blocks and at their ends alike.
Tokens random_prompt(std::mt19937& random) {
  constexpr std::size_t kLengths[] = {1, 30, 64, 65, 100, 127, 128, 160, 192, 200, 256, 320};
  Tokens tokens(kLengths[random() % std::size(kLengths)]);
  std::int32_t variant = 0;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (i % 40 == 0) variant = random() % 4 == 0 ? 1 : 0;
    tokens[i] = static_cast<std::int32_t>(i) + (i % 40 >= 24 ? 1000 * variant : 0);
  }
  return tokens;
}

std::uint64_t hash_of_few_bits(std::span<const std::int32_t> block) {
  return PrefixCache::xxh3_of(block) & 1;
}

}  // namespace

TEST_CASE_METHOD(Fixture, "10,000 random operations answer as a plain model does") {
  const bool collides = GENERATE(false, true);
  const std::uint64_t limit_bytes = 14 * bytes_of(128);
  PrefixCache cache(limit_bytes, collides ? hash_of_few_bits : PrefixCache::xxh3_of);
  PlainCache plain(limit_bytes);
  std::mt19937 random(20250711);
  std::uint64_t n_hits = 0, n_misses = 0, n_reused = 0;
  for (int i = 0; i < 10000; ++i) {
    INFO("operation " << i);
    const StateLayout& layout = random() % 5 == 0 ? hybrid_bf16 : hybrid;
    const Key key{layout.numerics_id(), random_prompt(random)};
    const auto kind = random() % 100;
    if (kind < 50) {
      const std::size_t n_found = plain.find(key);
      REQUIRE(find(cache, layout, key.tokens) == n_found);
      ++(n_found == 0 ? n_misses : n_hits);
      n_reused += n_found;
    } else if (kind < 98) {
      cache.insert(key.tokens, state_behind(layout, key.tokens));
      plain.insert(key);
    } else {
      const std::uint64_t wanted_bytes = random() % 5000;
      REQUIRE(cache.evict(wanted_bytes) == plain.evict(wanted_bytes));
    }
    const PrefixCache::Stats stats = cache.stats();
    REQUIRE(stats.size_bytes <= limit_bytes);
    REQUIRE(stats.size_bytes == plain.size_bytes());
    REQUIRE(stats.size_bytes == pool.held_bytes());
    REQUIRE(stats.n_snapshots == plain.n_kept());
    REQUIRE(stats.n_evictions == plain.n_evictions());
    REQUIRE(stats.n_hits == n_hits);
    REQUIRE(stats.n_misses == n_misses);
    REQUIRE(stats.n_reused_tokens == n_reused);
  }
  CHECK(n_hits > 3000);
  CHECK(n_misses > 50);
  CHECK(plain.n_evictions() > 1000);
  while (plain.n_kept() > 0) REQUIRE(cache.evict(1) == plain.evict(1));
  CHECK(cache.stats().size_bytes == 0);
  CHECK(pool.held_bytes() == 0);
}
