#include "bpe/token_table.h"

#include <catch2/catch.hpp>
#include <string>

#include "bpe/merge_table.h"

namespace nemotron {

TEST_CASE("a token table finds what was made findable, and nothing else") {
  TokenTable table;
  constexpr int kCount = 5000;
  for (int i = 0; i < kCount; ++i) table.append("token" + std::to_string(i));
  for (int i = 0; i < kCount; i += 2) REQUIRE(table.make_findable(i));
  REQUIRE(table.size() == kCount);
  for (int i = 0; i < kCount; ++i) {
    const std::string text = "token" + std::to_string(i);
    REQUIRE(table.bytes(i) == text);
    REQUIRE(table.find(text) == (i % 2 == 0 ? i : TokenTable::kNone));
  }
  CHECK(table.find("") == TokenTable::kNone);
  CHECK(table.find(std::string(1000, 'x')) == TokenTable::kNone);
}

TEST_CASE("a token table refuses empty tokens and duplicates") {
  TokenTable table;
  CHECK(table.find("a") == TokenTable::kNone);
  table.append("a");
  table.append("");
  table.append("a");
  table.append(std::string_view("a\0b", 3));
  CHECK(table.make_findable(0));
  CHECK_FALSE(table.make_findable(1));
  CHECK_FALSE(table.make_findable(2));
  CHECK(table.make_findable(3));
  CHECK(table.find("a") == 0);
  CHECK(table.find(std::string_view("a\0b", 3)) == 3);
}

TEST_CASE("a merge table tells pairs apart and refuses a second merge of one") {
  MergeTable table(300);
  for (std::int32_t i = 0; i < 300; ++i)
    REQUIRE(table.insert(i % 20, i / 20, {static_cast<std::uint32_t>(i), 1000 + i}));
  CHECK_FALSE(table.insert(3, 7, {5, 5}));
  for (std::int32_t i = 0; i < 300; ++i) {
    CHECK(table.find(i % 20, i / 20).rank == static_cast<std::uint32_t>(i));
    CHECK(table.find(i % 20, i / 20).id == 1000 + i);
  }
  CHECK(table.find(20, 0).rank == Merge::kNoRank);
  CHECK(table.find(0, 15).rank == Merge::kNoRank);
  CHECK(MergeTable().find(0, 0).rank == Merge::kNoRank);
}

}  // namespace nemotron
