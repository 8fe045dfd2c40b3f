#include "bpe/bpe_model.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "bpe/byte_alphabet.h"

namespace nemotron {

namespace {

using Ids = std::vector<std::int32_t>;

// The 256 bytes, then `more`.
TokenTable make_table(const std::vector<std::string>& more) {
  TokenTable table;
  for (int byte = 0; byte < 256; ++byte) table.append(std::string(1, static_cast<char>(byte)));
  for (const std::string& token : more) table.append(token);
  for (std::size_t id = 0; id < table.size(); ++id)
    REQUIRE(table.make_findable(static_cast<std::int32_t>(id)));
  return table;
}

BpeModel make_model(const std::vector<std::string>& more, const std::vector<std::string>& merges,
                    bool ignore_merges = false) {
  Result<BpeModel> model = BpeModel::create(make_table(more), merges, ignore_merges);
  REQUIRE(model.is_ok());
  return std::move(model).value();
}

Ids encode(const BpeModel& model, std::string_view piece) {
  BpeScratch scratch;
  Ids ids;
  model.encode_piece(piece, scratch, ids);
  return ids;
}

// A random vocabulary over "abc": each merge joins two tokens there are already.
struct RandomVocabulary {
  std::vector<std::string> more, merges;
};

RandomVocabulary random_vocabulary(std::mt19937& random) {
  RandomVocabulary made;
  std::vector<std::string> tokens = {"a", "b", "c"};
  while (made.merges.size() < 60) {
    const std::string left = tokens[random() % tokens.size()];
    const std::string right = tokens[random() % tokens.size()];
    const std::string merge = left + " " + right;
    if (std::find(made.merges.begin(), made.merges.end(), merge) != made.merges.end()) continue;
    if (left.size() + right.size() > 20) continue;
    made.merges.push_back(merge);
    if (std::find(tokens.begin(), tokens.end(), left + right) != tokens.end()) continue;
    tokens.push_back(left + right);
    made.more.push_back(left + right);
  }
  std::shuffle(made.merges.begin(), made.merges.end(), random);
  return made;
}

// The definition, spelled out: join the leftmost pair of the lowest rank, again and again.
std::vector<std::string> merge_by_definition(const std::vector<std::string>& merges,
                                             std::string_view piece) {
  std::map<std::string, std::size_t> rank_of;
  for (std::size_t rank = 0; rank < merges.size(); ++rank) rank_of[merges[rank]] = rank;
  std::vector<std::string> symbols;
  for (const char c : piece) symbols.emplace_back(1, c);
  while (true) {
    std::size_t best = 0, best_rank = merges.size();
    for (std::size_t i = 0; i + 1 < symbols.size(); ++i) {
      const auto found = rank_of.find(symbols[i] + " " + symbols[i + 1]);
      if (found == rank_of.end() || found->second >= best_rank) continue;
      best = i;
      best_rank = found->second;
    }
    if (best_rank == merges.size()) return symbols;
    symbols[best] += symbols[best + 1];
    symbols.erase(symbols.begin() + static_cast<std::ptrdiff_t>(best) + 1);
  }
}

}  // namespace

TEST_CASE("short and long pieces merge as the definition says") {
  std::mt19937 random(11);
  for (int round = 0; round < 20; ++round) {
    const RandomVocabulary vocabulary = random_vocabulary(random);
    const BpeModel model = make_model(vocabulary.more, vocabulary.merges);
    for (std::size_t length = 0; length < 120; ++length) {
      std::string piece;
      for (std::size_t i = 0; i < length; ++i) piece += static_cast<char>('a' + random() % 3);
      std::vector<std::string> found;
      for (const std::int32_t id : encode(model, piece))
        found.emplace_back(model.tokens().bytes(id));
      INFO(piece);
      REQUIRE(found == merge_by_definition(vocabulary.merges, piece));
    }
  }
}

TEST_CASE("a piece that is a token skips the merges only if asked to") {
  const std::vector<std::string> more = {"ab", "abc"};
  const std::vector<std::string> merges = {"a b"};
  CHECK(encode(make_model(more, merges, false), "abc") == Ids{256, 'c'});
  CHECK(encode(make_model(more, merges, true), "abc") == Ids{257});
  CHECK(encode(make_model(more, merges, true), "abca") == Ids{256, 'c', 'a'});
}

TEST_CASE("ids are appended, and bytes without merges stay bytes") {
  const BpeModel model = make_model({}, {});
  BpeScratch scratch;
  Ids ids = {7};
  model.encode_piece(std::string_view("\x00\xFF", 2), scratch, ids);
  CHECK(ids == Ids{7, 0, 255});
}

TEST_CASE("merges are read in the byte alphabet") {
  const std::string blank_a = alphabet_from_bytes(" ") + " a";
  CHECK(encode(make_model({" a"}, {blank_a}), " a") == Ids{256});
}

TEST_CASE("a megabyte without a blank is merged in good time") {
  const BpeModel model = make_model({"ab", "abab"}, {"a b", "ab ab"});
  std::string piece;
  while (piece.size() < (1u << 20)) piece += "ab";
  CHECK(encode(model, piece).size() == piece.size() / 4);
}

TEST_CASE("bad merges and vocabularies are refused with a sentence") {
  const auto message = [](const std::vector<std::string>& merges) {
    const Result<BpeModel> model = BpeModel::create(make_table({"ab"}), merges, false);
    REQUIRE_FALSE(model.is_ok());
    CHECK(model.status().code() == StatusCode::kBadFile);
    return model.status().message();
  };
  using Catch::Contains;
  CHECK_THAT(message({"ab"}), Contains("merge 0 is not two tokens"));
  CHECK_THAT(message({"a b", "a b c"}), Contains("merge 1 is not two tokens"));
  CHECK_THAT(message({""}), Contains("merge 0"));
  CHECK_THAT(message({" b"}), Contains("merge 0: its left part is not in the vocabulary"));
  CHECK_THAT(message({"a "}), Contains("its right part"));
  CHECK_THAT(message({"a c"}), Contains("its result"));
  CHECK_THAT(message({"a b", "a b"}), Contains("merge 1 repeats"));
  CHECK_THAT(message({"a \xFF"}), Contains("merge 0 is not two tokens"));

  TokenTable incomplete;
  for (int byte = 0; byte < 255; ++byte) {
    incomplete.append(std::string(1, static_cast<char>(byte)));
    REQUIRE(incomplete.make_findable(byte));
  }
  const Result<BpeModel> model = BpeModel::create(std::move(incomplete), {}, false);
  REQUIRE_FALSE(model.is_ok());
  CHECK(model.status().message() == "the vocabulary has no token for byte 255");
}

}  // namespace nemotron
