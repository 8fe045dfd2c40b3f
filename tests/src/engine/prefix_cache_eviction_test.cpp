// The limit, what is forgotten first, and what happens when memory fails.
#include <array>
#include <new>
#include <set>

#include "engine/prefix_cache.h"
#include "failing_allocations.h"
#include "prefix_cache_fixture.h"

using namespace nemotron;
using Fixture = PrefixCacheFixture;

TEST_CASE_METHOD(Fixture, "without bytes nothing is kept") {
  PrefixCache cache(0);
  insert(cache, sequence(10));
  cache.insert(sequence(64), state_behind(only_mamba, sequence(64)));
  CHECK(find(cache, sequence(10)) == 0);
  CHECK(cache.stats().n_snapshots == 0);
  CHECK(cache.stats().n_evictions == 0);
  CHECK(pool.held_bytes() == 0);
}

TEST_CASE_METHOD(Fixture, "a state larger than the limit is not kept and drives nothing out") {
  PrefixCache cache(bytes_of(200));
  insert(cache, sequence(10));
  insert(cache, sequence(257, 1000));
  CHECK(find(cache, sequence(257, 1000)) == 0);
  CHECK(find(cache, sequence(10)) == 10);
  insert(cache, sequence(256, 1000));  // as large as the limit
  CHECK(find(cache, sequence(256, 1000)) == 256);
  CHECK(cache.stats().n_snapshots == 1);
  PrefixCache smaller(bytes_of(256) - 1);
  insert(smaller, sequence(256, 1000));
  CHECK(smaller.stats().n_snapshots == 0);
}

TEST_CASE_METHOD(Fixture, "of equals the one that was used least recently goes first") {
  PrefixCache cache(3 * bytes_of(64));
  const Tokens a = sequence(64), b = sequence(64, 100), c = sequence(64, 200);
  for (const Tokens* tokens : {&a, &b, &c}) insert(cache, *tokens);
  insert(cache, a);  // again: used, not kept twice
  CHECK(cache.stats().n_snapshots == 3);
  CHECK(cache.stats().n_evictions == 0);
  insert(cache, sequence(64, 300));
  CHECK(find(cache, b) == 0);
  CHECK(find(cache, a) == 64);
  CHECK(find(cache, c) == 64);
}

TEST_CASE_METHOD(Fixture, "what moves first is the least worth keeping, and what is shared last") {
  PrefixCache cache(kPlenty);
  const Tokens system_prompt = sequence(64);
  std::array<std::vector<const void*>, 2> own;
  const void* shared = nullptr;
  const std::array<Tokens, 2> prompts = {joined(system_prompt, sequence(70, 1000)),
                                         joined(system_prompt, sequence(70, 2000))};
  for (const Tokens& prompt : prompts) insert(cache, prompt);
  for (const std::size_t i : {0u, 1u}) {  // so the first is the least recently used
    const auto state = cache.find(hybrid, prompts[i]);
    REQUIRE(state.has_value());
    const auto blocks = state->kv_blocks();
    own[i] = {state->recurrent().data(), blocks[2].data(), blocks[1].data()};
    shared = blocks[0].data();
  }
  std::set<const void*> gone;
  std::vector<const void*> moved;
  const auto offer = [&] {
    moved.clear();
    return cache.offer_buffers([&](const StateRef& buffer) {
      if (!gone.insert(buffer.data()).second) return false;
      moved.push_back(buffer.data());
      return true;
    });
  };
  CHECK(offer());
  CHECK(moved == own[0]);
  CHECK(offer());
  CHECK(moved == own[1]);
  CHECK(offer());
  CHECK(moved == std::vector<const void*>{shared});
  CHECK_FALSE(offer());
  CHECK(cache.stats().n_snapshots == 2);
}

TEST_CASE_METHOD(Fixture, "the prefix of many conversations outlives them, and then grows old") {
  PrefixCache cache(20 * bytes_of(100));
  const Tokens system_prompt = sequence(640);
  insert(cache, system_prompt);
  std::int32_t next = 10000;
  for (int i = 0; i < 100; ++i, next += 1000) {
    const Tokens prompt = joined(system_prompt, sequence(100, next));
    REQUIRE(find(cache, prompt) == 640);
    insert(cache, prompt);
    REQUIRE(cache.stats().size_bytes <= 20 * bytes_of(100));
  }
  const auto flood = [&](int n) {
    for (int i = 0; i < n; ++i, next += 1000) insert(cache, sequence(100, next));
  };
  flood(100);  // five times what the cache holds: by recency alone it would be gone
  CHECK(find(cache, system_prompt) == 640);
  flood(100000);
  CHECK(find(cache, system_prompt) == 0);
}

TEST_CASE_METHOD(Fixture, "what stood on an evicted prefix is worth more from then on") {
  PrefixCache cache(kPlenty);
  const Tokens shared = sequence(1024);
  const Tokens longer = joined(shared, sequence(5, 5000));
  insert(cache, longer);  // used least recently
  insert(cache, shared);  // now `longer` saves 5 tokens
  find(cache, longer);    // its priority says so
  insert(cache, sequence(32, 9000));
  cache.evict(1);  // the path belongs to both: of little worth is the tail of 5 tokens
  CHECK(cache.stats().n_snapshots == 2);
  CHECK(find(cache, longer) == 1024);
}

TEST_CASE_METHOD(Fixture, "an insertion that memory fails changes nothing, wherever it fails") {
  const Tokens a = sequence(200);
  const Tokens b = joined(prefix_of(a, 130), sequence(300, 1000));
  const bool is_tight = GENERATE(false, true);
  const Tokens wanted = std::array{b, joined(a, {9}), sequence(20, 50), sequence(700, 7)}.at(
      GENERATE(0u, 1u, 2u, 3u));
  bool has_failed = true;
  std::int64_t n_failures = 0;
  for (; has_failed; ++n_failures) {
    PrefixCache cache(is_tight ? bytes_of(wanted.size()) + bytes_of(40) : kPlenty);
    insert(cache, a);
    insert(cache, sequence(40, 500));
    const PrefixCache::Stats before = cache.stats();
    const LayerState state = state_behind(hybrid, wanted);
    has_failed = false;
    {
      const FailingAllocation failing(n_failures);
      try {
        cache.insert(wanted, state);
      } catch (const std::bad_alloc&) {
        has_failed = true;
      }
    }
    if (has_failed) {
      CHECK(cache.stats() == before);
      CHECK(!state.recurrent().is_shared());
      for (const StateRef& block : state.kv_blocks()) CHECK(!block.is_shared());
      if (before.n_snapshots == 2) CHECK(find(cache, sequence(40, 500)) == 40);
      cache.insert(wanted, state);
    }
    CHECK(find(cache, wanted) == wanted.size());
  }
  CHECK(n_failures > 3);
}

TEST_CASE_METHOD(Fixture, "a search that memory fails changes nothing") {
  PrefixCache cache(kPlenty);
  const Tokens tokens = sequence(200);
  insert(cache, tokens);
  const PrefixCache::Stats before = cache.stats();
  bool has_failed = true;
  std::int64_t n_failures = -1;
  while (has_failed) {
    ++n_failures;
    CHECK(cache.stats() == before);
    const FailingAllocation failing(n_failures);
    try {
      has_failed = false;
      static_cast<void>(cache.find(hybrid, tokens));
    } catch (const std::bad_alloc&) {
      has_failed = true;
    }
  }
  CHECK(n_failures > 0);
  CHECK(cache.stats().n_hits == 1);
  CHECK(find(cache, tokens) == 200);
}
