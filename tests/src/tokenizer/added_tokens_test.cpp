#include "tokenizer/added_tokens.h"

#include <catch2/catch.hpp>
#include <random>

namespace nemotron {

TEST_CASE("the leftmost added token wins, then the longest") {
  const AddedTokens added({{"<s>", 1}, {"<s>x", 2}, {"<s", 3}, {"s>", 4}, {"<s>xyz", 5}});
  const auto first = [&](std::string_view text) { return added.find_first(text, 0, text.size()); };
  CHECK(first("a<s>xy").id == 2);
  CHECK(first("a<s>xy").position == 1);
  CHECK(first("a<s>xyz").id == 5);
  CHECK(first("<s").id == 3);
  CHECK(first("<<s!").id == 3);
  CHECK(first("s>").id == 4);
  CHECK(first("<").n_bytes == 0);
  CHECK(first("").n_bytes == 0);
  CHECK(added.find_first("<s>xyz", 0, 5).id == 2);
  CHECK(added.find_first("<s>xyz", 1, 6).id == 4);
  CHECK(added.find("<s>x") == 2);
  CHECK(added.find("<s>xy") == -1);
  CHECK(added.find("") == -1);
  CHECK(AddedTokens().find_first("<s>", 0, 3).n_bytes == 0);
}

TEST_CASE("added tokens are found as a search for each would find them") {
  std::mt19937 random(3);
  const auto random_text = [&](std::size_t longest) {
    std::string text;
    for (std::size_t n = 1 + random() % longest; n > 0; --n) text += "ab\xFF"[random() % 3];
    return text;
  };
  for (int round = 0; round < 500; ++round) {
    std::vector<AddedTokens::Entry> entries;
    for (std::int32_t id = 0; id < 8; ++id) {
      const std::string text = random_text(4);
      bool is_new = true;
      for (const auto& entry : entries) is_new = is_new && entry.text != text;
      if (is_new) entries.push_back({text, id});
    }
    const AddedTokens added(entries);
    const std::string text = random_text(12);
    AddedTokenMatch expected{text.size(), 0, -1};
    for (const auto& entry : entries) {
      const std::size_t position = text.find(entry.text);
      if (position == text.npos || position > expected.position) continue;
      if (position < expected.position || entry.text.size() > expected.n_bytes)
        expected = {position, entry.text.size(), entry.id};
    }
    const AddedTokenMatch found = added.find_first(text, 0, text.size());
    REQUIRE(found.id == expected.id);
    REQUIRE(found.position == expected.position);
    REQUIRE(found.n_bytes == expected.n_bytes);
  }
}

}  // namespace nemotron
