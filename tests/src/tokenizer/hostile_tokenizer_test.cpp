// tokenizer.json files made to cost much or to mean two things.
#include <catch2/catch.hpp>
#include <map>

#include "lib/bpe/crowded_tables.h"
#include "src/tokenizer/golden_file.h"
#include "tokenizer/tokenizer.h"

namespace nemotron {

namespace {

using Json = nlohmann::ordered_json;

Json small_json() { return Json::parse(read_golden("small.tokenizer.json")); }

std::string refusal(const std::string& text) {
  const Status status = Tokenizer::from_json(text, "").status();
  CHECK(status.code() == StatusCode::kBadFile);
  return status.message();
}

std::size_t count_of_ids(const Json& json) {
  std::size_t count = 0;
  for (const auto& [text, id] : json["model"]["vocab"].items())
    count = std::max(count, id.get<std::size_t>() + 1);
  for (const Json& added : json["added_tokens"])
    count = std::max(count, added["id"].get<std::size_t>() + 1);
  return count;
}

// More than enough to crowd the 2^13 slots that some 3000 tokens get.
std::vector<std::string> crowd() { return colliding_words(600, 13); }

std::string with_first_key(const std::string& entry) {
  return "{" + entry + "," + small_json().dump().substr(1);
}

}  // namespace

TEST_CASE("a vocabulary whose tokens were chosen for their hashes is refused") {
  Json json = small_json();
  std::size_t id = count_of_ids(json);
  for (const std::string& word : crowd()) json["model"]["vocab"][word] = id++;
  REQUIRE((id > 2047 && id < 4095));
  CHECK_THAT(refusal(json.dump()), Catch::Contains("has the same hash as too many others"));
}

TEST_CASE("added tokens that were chosen for their hashes are refused") {
  Json json = small_json();
  std::size_t id = count_of_ids(json);
  for (const std::string& word : crowd()) {
    Json added = json["added_tokens"][0];
    added["id"] = id++;
    added["content"] = word;
    added["special"] = false;
    json["added_tokens"].push_back(added);
  }
  CHECK_THAT(refusal(json.dump()), Catch::Contains("has the same hash as too many others"));
}

TEST_CASE("merges that were chosen for their hashes are refused") {
  Json json = small_json();
  std::map<std::int32_t, std::string> pieces;
  for (const auto& [text, id] : json["model"]["vocab"].items()) pieces[id] = text;
  for (const Json& added : json["added_tokens"]) pieces.erase(added["id"].get<std::int32_t>());
  auto n_ids = static_cast<std::int32_t>(count_of_ids(json));
  json["model"]["merges"] = Json::array();
  constexpr std::size_t kMerges = 300;  // in 2^9 slots
  for (const auto& [left, right] : colliding_pairs(4 * kMerges, n_ids, 9)) {
    if (json["model"]["merges"].size() == kMerges) break;
    if (!pieces.contains(left) || !pieces.contains(right)) continue;
    const std::string merged = pieces[left] + pieces[right];
    if (!json["model"]["vocab"].contains(merged)) json["model"]["vocab"][merged] = n_ids++;
    json["model"]["merges"].push_back({pieces[left], pieces[right]});
  }
  REQUIRE(json["model"]["merges"].size() == kMerges);
  CHECK_THAT(refusal(json.dump()), Catch::Contains("too many of the merges have the same hash"));
}

TEST_CASE("a key given twice is refused") {
  using Catch::Contains;
  CHECK_THAT(refusal(with_first_key(R"("added_tokens":[])")),
             Contains("'added_tokens' is given twice"));
  CHECK_THAT(refusal(with_first_key(R"("model":{"vocab":{}})")), Contains("is given twice"));
  CHECK_THAT(refusal(with_first_key(R"("model":{"type":"BPE"})")), Contains("is given twice"));
  CHECK_THAT(refusal(with_first_key(R"("pre_tokenizer":null)")), Contains("is given twice"));
  std::string text = small_json().dump();
  text.insert(text.find(R"("vocab":)"), R"("vocab":{},)");
  CHECK_THAT(refusal(text), Contains("'model.vocab' is given twice"));
}

TEST_CASE("a token of more than 4 KiB is refused") {
  Json json = small_json();
  const std::size_t id = count_of_ids(json);
  json["model"]["vocab"][std::string(4096, 'a')] = id;
  CHECK(Tokenizer::from_json(json.dump(), "").is_ok());
  json["model"]["vocab"][std::string(4097, 'a')] = id + 1;
  CHECK_THAT(refusal(json.dump()),
             Catch::Contains("token " + std::to_string(id + 1)) && Catch::Contains("is too long"));
}

TEST_CASE("more than four million entries are refused") {
  std::string text = R"({"added_tokens":[{})";
  for (int i = 0; i < 1 << 22; ++i) text += ",{}";
  CHECK_THAT(refusal(text + "]}"), Catch::Contains("more than 4194304 entries in added_tokens"));
}

}  // namespace nemotron
