// Tables whose contents were chosen to fall on one place stop before that costs more than a bounded
// number of probes; what was put in before can still be found.
#include <catch2/catch.hpp>

#include "bpe/merge_table.h"
#include "bpe/token_table.h"
#include "lib/bpe/crowded_tables.h"

namespace nemotron {

TEST_CASE("a token table that is crowded takes no more and finds what it has") {
  constexpr int kBits = 10;
  const std::vector<std::string> words = colliding_words(300, kBits);
  TokenTable table;
  table.reserve((1 << (kBits - 1)) - 1, 5000);  // 2^10 slots
  for (const std::string& word : words) table.append(word);
  std::int32_t n_taken = 0;
  while (n_taken < 300 && table.make_findable(n_taken)) ++n_taken;
  // One after another on one place: n (n - 1) / 2 slots away in all, more than 16 x 1024 with 182.
  CHECK(n_taken == 182);
  CHECK(table.is_crowded());
  for (std::int32_t id = 0; id < 300; ++id)
    CHECK(table.find(words[id]) == (id < n_taken ? id : TokenTable::kNone));
}

TEST_CASE("a token table that is half full of ordinary tokens is far from crowded") {
  TokenTable table;
  constexpr std::int32_t kCount = (1 << 16) - 1;
  table.reserve(kCount, 10 * kCount);
  for (std::int32_t i = 0; i < kCount; ++i) {
    table.append(std::to_string(i));
    REQUIRE(table.make_findable(i));
  }
  CHECK_FALSE(table.is_crowded());
}

TEST_CASE("a merge table that is crowded takes no more and finds what it has") {
  constexpr int kBits = 10;
  const auto pairs = colliding_pairs(300, 1000, kBits);
  REQUIRE(pairs.size() == 300);
  MergeTable table(600);  // 2^10 slots
  std::uint32_t n_taken = 0;
  while (n_taken < 300 && table.insert(pairs[n_taken].first, pairs[n_taken].second, {n_taken, 1}))
    ++n_taken;
  CHECK(n_taken == 182);
  CHECK(table.is_crowded());
  for (std::uint32_t i = 0; i < 300; ++i)
    CHECK(table.find(pairs[i].first, pairs[i].second).rank == (i < n_taken ? i : Merge::kNoRank));
}

}  // namespace nemotron
