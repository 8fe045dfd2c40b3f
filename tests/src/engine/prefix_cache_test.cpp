// What is found, and what memory it stands in. What is forgotten: prefix_cache_eviction_test.cpp.
#include "engine/prefix_cache.h"

#include "prefix_cache_fixture.h"

using namespace nemotron;
using Fixture = PrefixCacheFixture;

namespace {
std::uint64_t same_for_all(std::span<const std::int32_t>) { return 7; }
}  // namespace

TEST_CASE_METHOD(Fixture, "the longest kept prefix is found") {
  PrefixCache cache(kPlenty);
  const Tokens all = sequence(500);
  CHECK(find(cache, all) == 0);
  for (const std::size_t n : {10, 64, 100, 128, 129, 320, 400}) insert(cache, prefix_of(all, n));
  const std::size_t expected[][2] = {{9, 0},     {10, 10},   {63, 10},   {64, 64},   {99, 64},
                                     {100, 100}, {127, 100}, {128, 128}, {129, 129}, {192, 129},
                                     {319, 129}, {320, 320}, {399, 320}, {400, 400}, {500, 400}};
  for (const auto& [n, n_found] : expected) {
    INFO(n);
    CHECK(find(cache, prefix_of(all, n)) == n_found);
  }
  CHECK(find(cache, {}) == 0);
}

TEST_CASE_METHOD(Fixture, "tails of one block are told apart") {
  PrefixCache cache(kPlenty);
  const Tokens block = sequence(64);
  // In the order of tails, what is not a prefix lies between those that are.
  for (const Tokens& tail :
       {Tokens{5}, Tokens{5, 1}, Tokens{5, 1, 9}, Tokens{5, 2}, Tokens{5, 2, 2, 2}, Tokens{4}})
    insert(cache, joined(block, tail));
  CHECK(find(cache, joined(block, {5, 2, 2, 1})) == 66);
  CHECK(find(cache, joined(block, {5, 1, 9, 9})) == 67);
  CHECK(find(cache, joined(block, {5, 1, 8})) == 66);
  CHECK(find(cache, joined(block, {5, 3})) == 65);
  CHECK(find(cache, joined(block, {6})) == 0);
  CHECK(find(cache, joined(block, {-1})) == 0);
  CHECK(find(cache, joined(block, {5, 2, 2})) == 66);
  CHECK(find(cache, block) == 0);
}

TEST_CASE_METHOD(Fixture, "a sequence that leaves a path within a block gets what is before") {
  PrefixCache cache(kPlenty);
  const Tokens all = sequence(300);
  for (const std::size_t n : {70, 192, 300}) insert(cache, prefix_of(all, n));
  for (const std::size_t at : {0, 63, 69, 70, 127, 191, 192, 255, 299}) {
    Tokens other = all;
    other[at] = -1;
    INFO(at);
    CHECK(find(cache, other) == (at < 70 ? 0 : at < 192 ? 70 : 192));
  }
}

TEST_CASE_METHOD(Fixture, "blocks with the same hash are told apart") {
  PrefixCache cache(kPlenty, same_for_all);
  const Tokens shared = sequence(64);
  std::vector<Tokens> kept;
  for (std::int32_t i = 0; i < 20; ++i)
    kept.push_back(joined(i % 2 == 0 ? shared : Tokens(), sequence(150, 1000 * i)));
  for (const Tokens& tokens : kept) insert(cache, tokens);
  for (const Tokens& tokens : kept) CHECK(find(cache, tokens) == tokens.size());
  CHECK(find(cache, sequence(500, 7)) == 0);
  cache.evict(1);
  CHECK(cache.stats().n_snapshots == 19);
  std::size_t n_found = 0;
  for (const Tokens& tokens : kept) n_found += find(cache, tokens) == tokens.size() ? 1 : 0;
  CHECK(n_found == 19);
}

TEST_CASE("the default hash sees every token of a block and its order") {
  Tokens block = sequence(64);
  const std::uint64_t before = PrefixCache::xxh3_of(block);
  CHECK(before == PrefixCache::xxh3_of(Tokens(block)));
  for (std::int32_t& token : block) {
    ++token;
    CHECK(PrefixCache::xxh3_of(block) != before);
    --token;
  }
  std::swap(block[3], block[4]);
  CHECK(PrefixCache::xxh3_of(block) != before);
}

TEST_CASE_METHOD(Fixture, "states of other numerics are not found") {
  PrefixCache cache(kPlenty);
  const Tokens tokens = sequence(100);
  insert(cache, tokens);
  CHECK(find(cache, hybrid_bf16, tokens) == 0);
  cache.insert(prefix_of(tokens, 70), state_behind(hybrid_bf16, prefix_of(tokens, 70)));
  CHECK(find(cache, hybrid_bf16, tokens) == 70);
  CHECK(find(cache, hybrid, tokens) == 100);
  CHECK(cache.stats().n_blocks == 2);  // nor are blocks shared
}

TEST_CASE_METHOD(Fixture, "models without attention or without Mamba layers") {
  PrefixCache cache(kPlenty);
  const StateLayout& layout = GENERATE(0, 1) == 0 ? only_mamba : only_attention;
  const Tokens all = sequence(300);
  for (const std::size_t n : {30, 64, 200, 256})
    cache.insert(prefix_of(all, n), state_behind(layout, prefix_of(all, n)));
  CHECK(find(cache, layout, all) == 256);
  CHECK(find(cache, layout, prefix_of(all, 210)) == 200);
  CHECK(find(cache, layout, prefix_of(all, 65)) == 64);
  CHECK(find(cache, layout, prefix_of(all, 50)) == 30);
  // Blocks of the path once, and one for each of the tails of 30 and 200.
  const std::size_t expected =
      layout.kv.n_layers == 0 ? 4 * kRecurrentBytes : (4 + 2) * kBlockBytes;
  CHECK(cache.stats().size_bytes == expected);
  CHECK(pool.held_bytes() == expected);
  CHECK(cache.evict(kPlenty) == expected);
  CHECK(cache.stats().size_bytes == 0);
  CHECK(cache.stats().n_blocks == 0);
  CHECK(pool.held_bytes() == 0);
}

TEST_CASE_METHOD(Fixture, "paths share the memory of their common blocks") {
  PrefixCache cache(kPlenty);
  const Tokens shared = sequence(130);
  const Tokens a = joined(shared, sequence(100, 1000));
  const Tokens b = joined(shared, sequence(100, 2000));
  {
    const LayerState state_a = state_behind(hybrid, a);
    const LayerState state_b = state_behind(hybrid, b);
    cache.insert(a, state_a);
    cache.insert(b, state_b);
    for (const StateRef& block : state_a.kv_blocks()) CHECK(block.is_shared());
    CHECK(state_b.recurrent().is_shared());
    for (std::size_t i = 0; i < 4; ++i) CHECK(state_b.kv_blocks()[i].is_shared() == (i >= 2));
    const std::optional<LayerState> found = cache.find(hybrid, b);
    REQUIRE(found.has_value());
    for (std::size_t i = 0; i < 4; ++i)
      CHECK(found->kv_blocks()[i] == (i < 2 ? state_a : state_b).kv_blocks()[i]);
    CHECK(found->recurrent() == state_b.recurrent());
  }
  // What is counted is what is held: 2 shared blocks, one block each, one tail each.
  CHECK(cache.stats().n_blocks == 4);
  CHECK(cache.stats().size_bytes == 2 * kRecurrentBytes + 6 * kBlockBytes);
  CHECK(pool.held_bytes() == cache.stats().size_bytes);
  CHECK(cache.evict(1) == kRecurrentBytes + 2 * kBlockBytes);
  CHECK(pool.held_bytes() == cache.stats().size_bytes);
}

TEST_CASE_METHOD(Fixture, "blocks that a state has in reserve are not kept") {
  PrefixCache cache(kPlenty);
  LayerState state = state_behind(hybrid, sequence(64));
  REQUIRE(state.reserve(*backend, pool, 200).is_ok());
  REQUIRE(state.kv_blocks().size() == 5);
  cache.insert(sequence(64), state);
  CHECK(cache.stats().size_bytes == bytes_of(64));
  CHECK(!state.kv_blocks()[1].is_shared());
  CHECK(find(cache, sequence(80)) == 64);
}

TEST_CASE_METHOD(Fixture, "a found state outlives its eviction") {
  PrefixCache cache(kPlenty);
  const Tokens tokens = sequence(100);
  insert(cache, tokens);
  const std::optional<LayerState> found = cache.find(hybrid, tokens);
  CHECK(cache.evict(kPlenty) == bytes_of(100));
  CHECK(find(cache, tokens) == 0);
  PrefixCache other(kPlenty);
  other.insert(tokens, *found);
  CHECK(find(other, tokens) == 100);  // compares the digests in its memory
}

TEST_CASE_METHOD(Fixture, "the empty sequence is not kept") {
  PrefixCache cache(kPlenty);
  cache.insert({}, LayerState(hybrid));
  CHECK(cache.stats().n_snapshots == 0);
  CHECK(!cache.find(hybrid, sequence(5)).has_value());
}

TEST_CASE_METHOD(Fixture, "all states along a sequence, the longest first") {
  PrefixCache cache(kPlenty);
  const Tokens all = sequence(500);
  CHECK(cache.kept_along(hybrid, all, 9).empty());
  for (const std::size_t n : {10, 64, 100, 320, 400}) insert(cache, prefix_of(all, n));
  insert(cache, joined(prefix_of(all, 100), {7, 7}));  // of another sequence
  const PrefixCache::Stats before = cache.stats();
  const auto positions = [&](const Tokens& tokens, std::size_t max_count) {
    std::vector<std::int64_t> found;
    for (const LayerState& state : cache.kept_along(hybrid, tokens, max_count)) {
      found.push_back(state.position());
      const auto n = static_cast<std::size_t>(state.position());
      CHECK(state.kv_blocks().size() == (n + 63) / 64);
      CHECK(state.recurrent() == cache.find(hybrid, prefix_of(tokens, n))->recurrent());
    }
    return found;
  };
  CHECK(cache.kept_along(hybrid, all, 9).size() == 5);
  CHECK(cache.stats() == before);
  CHECK(positions(all, 9) == std::vector<std::int64_t>{400, 320, 100, 64, 10});
  CHECK(positions(all, 2) == std::vector<std::int64_t>{400, 320});
  CHECK(positions(all, 0).empty());
  CHECK(positions(prefix_of(all, 319), 9) == std::vector<std::int64_t>{100, 64, 10});
  CHECK(positions(joined(prefix_of(all, 100), {7, 7}), 2) == std::vector<std::int64_t>{102, 100});
  CHECK(cache.kept_along(hybrid_bf16, all, 9).empty());
}

TEST_CASE_METHOD(Fixture, "statistics") {
  PrefixCache cache(kPlenty);
  insert(cache, sequence(100));
  insert(cache, sequence(100));
  insert(cache, sequence(164));
  find(cache, sequence(90));
  find(cache, sequence(120));
  find(cache, sequence(170));
  cache.evict(1);
  const PrefixCache::Stats stats = cache.stats();
  CHECK(stats.n_misses == 1);
  CHECK(stats.n_hits == 2);
  CHECK(stats.n_reused_tokens == 264);
  CHECK(stats.n_evictions == 1);
  CHECK(stats.n_snapshots == 1);
}

TEST_CASE_METHOD(Fixture, "a path of 262,144 tokens") {
  const Tokens all = sequence(262144);
  auto cache = std::make_unique<PrefixCache>(kPlenty);
  insert(*cache, all);
  CHECK(find(*cache, all) == all.size());
  insert(*cache, prefix_of(all, 262144 - 30));
  CHECK(find(*cache, prefix_of(all, all.size() - 1)) == 262144 - 30);
  insert(*cache, prefix_of(all, 100));
  CHECK(find(*cache, prefix_of(all, 200000)) == 100);
  CHECK(cache->stats().n_blocks == 4096);
  SECTION("is cut back by evictions") {
    while (cache->stats().n_snapshots != 0) {
      REQUIRE(cache->evict(1) > 0);
      REQUIRE(pool.held_bytes() == cache->stats().size_bytes);
    }
    CHECK(cache->stats().n_blocks == 0);
  }
  cache.reset();
  CHECK(pool.held_bytes() == 0);
}

TEST_CASE_METHOD(Fixture, "what the caller knows is not found again, and does not count") {
  PrefixCache cache(kPlenty);
  insert(cache, sequence(100));
  const PrefixCache::Stats before = cache.stats();
  CHECK(!cache.find(hybrid, sequence(120), 100).has_value());
  CHECK(!cache.find(hybrid, sequence(120), 110).has_value());
  CHECK(!cache.find(hybrid, sequence(90), 80).has_value());
  CHECK(cache.stats() == before);
  CHECK(cache.find(hybrid, sequence(120), 70).has_value());
  CHECK(cache.stats().n_hits == 1);
  CHECK(cache.stats().n_misses == 0);
  CHECK(cache.stats().n_reused_tokens == 30);
}
