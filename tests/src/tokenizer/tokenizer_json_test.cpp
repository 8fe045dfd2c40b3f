#include <catch2/catch.hpp>
#include <functional>

#include "src/tokenizer/golden_ids.h"
#include "tokenizer/tokenizer.h"

namespace nemotron {

namespace {

using Json = nlohmann::ordered_json;

const Json& small_json() {
  static const Json json = Json::parse(read_golden("small.tokenizer.json"));
  return json;
}

Json small_with(const std::function<void(Json&)>& change) {
  Json json = small_json();
  change(json);
  return json;
}

Status status_of(const std::string& text, std::string_view config = "") {
  return Tokenizer::from_json(text, config).status();
}

Status status_with(const std::function<void(Json&)>& change) {
  return status_of(small_with(change).dump());
}

Tokenizer make(const Json& json, std::string_view config = "") {
  Result<Tokenizer> tokenizer = Tokenizer::from_json(json.dump(), config);
  INFO(tokenizer.status().message());
  REQUIRE(tokenizer.is_ok());
  return std::move(tokenizer).value();
}

Json bos_template() {
  return {{"type", "TemplateProcessing"},
          {"single",
           {{{"SpecialToken", {{"id", "<s>"}, {"type_id", 0}}}},
            {{"Sequence", {{"id", "A"}, {"type_id", 0}}}}}}};
}

}  // namespace

TEST_CASE("merges may be written as strings") {
  const Json json = small_with([](Json& j) {
    for (auto& merge : j["model"]["merges"])
      merge = merge[0].get<std::string>() + " " + merge[1].get<std::string>();
  });
  check_golden_ids(make(json), "small_ids.json");
}

TEST_CASE("sections may come in any order, and unknown ones are passed over") {
  Json json;
  json["x"] = {{"deep", {1, {2, {{"model", nullptr}}}}}};
  json["pre_tokenizer"] = small_json()["pre_tokenizer"];
  json["model"]["merges"] = small_json()["model"]["merges"];
  json["model"]["vocab"] = small_json()["model"]["vocab"];
  json["added_tokens"] = small_json()["added_tokens"];
  check_golden_ids(make(json), "small_ids.json");
}

TEST_CASE("ignore_merges is read") {
  // A token that no merge makes: only a piece as a whole can be it.
  const auto change = [](bool ignore) {
    return small_with([=](Json& j) {
      auto& vocab = j["model"]["vocab"];
      for (const auto& [text, id] : small_json()["model"]["vocab"].items())
        if (id == 2399) vocab.erase(text);
      vocab["qqqq"] = 2399;
      j["model"]["merges"] = Json::array();
      j["model"]["ignore_merges"] = ignore;
    });
  };
  CHECK(encode(make(change(true)), "qqqq", true).size() == 1);
  CHECK(encode(make(change(false)), "qqqq", true).size() == 4);
}

TEST_CASE("BOS, EOS and stop ids come from tokenizer_config.json and the post-processor") {
  const Json plain = small_json();
  const Json processed = small_with([](Json& j) { j["post_processor"] = bos_template(); });
  const Json sequence = small_with([](Json& j) {
    j["post_processor"] = {{"type", "Sequence"},
                           {"processors", {{{"type", "ByteLevel"}}, bos_template()}}};
  });
  CHECK_FALSE(make(plain).adds_bos());
  CHECK(make(plain).bos_id() == 1);
  CHECK(make(plain, R"({"add_bos_token": true, "bos_token": "<s>"})").adds_bos());
  CHECK_FALSE(make(plain, R"({"add_bos_token": null, "bos_token": "<s>"})").adds_bos());
  CHECK(make(processed).adds_bos());
  CHECK(make(sequence).adds_bos());
  CHECK_FALSE(make(processed, R"({"add_bos_token": false})").adds_bos());

  const Tokenizer tokenizer = make(plain, R"({"eos_token": {"content": "<SPECIAL_20>"},
    "bos_token": {"content": "<SPECIAL_21>", "lstrip": false}, "other": [[[1]]]})");
  CHECK(tokenizer.eos_id() == 20);
  CHECK(tokenizer.bos_id() == 21);
  const auto stop_ids = tokenizer.stop_ids();
  CHECK(Ids(stop_ids.begin(), stop_ids.end()) == Ids{2, 11, 20});
  CHECK(make(plain).eos_id() == -1);
  CHECK(make(plain, R"({"eos_token": null})").eos_id() == -1);
  CHECK_THAT(status_of(plain.dump(), R"({"eos_token": "<nope>"})").message(),
             Catch::Contains("'<nope>' is no token"));
}

TEST_CASE("what would be tokenised differently is refused by name") {
  const auto message = [](const std::function<void(Json&)>& change) {
    const Status status = status_with(change);
    CHECK(status.code() == StatusCode::kUnsupportedFormat);
    return status.message();
  };
  using Catch::Contains;
  const auto split = [](Json& j) -> Json& { return j["pre_tokenizer"]["pretokenizers"][0]; };
  const auto level = [](Json& j) -> Json& { return j["pre_tokenizer"]["pretokenizers"][1]; };
  CHECK_THAT(message([](Json& j) { j["normalizer"] = {{"type", "NFC"}}; }), Contains("normalizer"));
  CHECK_THAT(message([](Json& j) { j["model"]["type"] = "Unigram"; }), Contains("Unigram"));
  CHECK_THAT(message([](Json& j) { j["model"]["byte_fallback"] = true; }),
             Contains("byte_fallback"));
  CHECK_THAT(message([](Json& j) { j["model"]["dropout"] = 0.1; }), Contains("dropout"));
  CHECK_THAT(message([](Json& j) { j["model"]["end_of_word_suffix"] = "</w>"; }),
             Contains("end_of_word_suffix"));
  CHECK_THAT(message([](Json& j) { j["pre_tokenizer"] = nullptr; }), Contains("pre_tokenizer"));
  CHECK_THAT(message([](Json& j) { j.erase("pre_tokenizer"); }), Contains("pre_tokenizer"));
  CHECK_THAT(message([&](Json& j) { split(j)["pattern"]["Regex"] = R"(\p{N}{1,3})"; }),
             Contains(R"('\p{N}{1,3}')"));
  CHECK_THAT(message([&](Json& j) { split(j)["behavior"] = "Removed"; }), Contains("Isolated"));
  CHECK_THAT(message([&](Json& j) { split(j)["invert"] = true; }), Contains("inverted"));
  CHECK_THAT(message([&](Json& j) { level(j)["use_regex"] = true; }), Contains("splits again"));
  CHECK_THAT(message([&](Json& j) { level(j)["add_prefix_space"] = true; }), Contains("blank"));
  CHECK_THAT(message([&](Json& j) { j["pre_tokenizer"]["pretokenizers"].push_back(split(j)); }),
             Contains("Sequence"));
  CHECK_THAT(message([](Json& j) { j["added_tokens"][3]["lstrip"] = true; }),
             Contains("added token 3 asks for 'lstrip'"));
}

TEST_CASE("a contradictory or odd vocabulary is refused") {
  const auto message = [](const std::function<void(Json&)>& change) {
    const Status status = status_with(change);
    CHECK(status.code() == StatusCode::kBadFile);
    return status.message();
  };
  using Catch::Contains;
  CHECK_THAT(message([](Json& j) { j["model"]["vocab"]["a"] = 999999999; }), Contains("999999999"));
  CHECK_THAT(message([](Json& j) { j["model"]["vocab"]["a"] = 2401; }), Contains("has the id"));
  CHECK_THAT(message([](Json& j) { j["model"]["vocab"]["a"] = 40; }), Contains("have the id 40"));
  CHECK_THAT(message([](Json& j) { j["model"]["vocab"]["a"] = -1; }), Contains("model.vocab"));
  CHECK_THAT(message([](Json& j) { j["model"]["vocab"]["a"] = "x"; }), Contains("model.vocab"));
  CHECK_THAT(message([](Json& j) { j["model"]["vocab"]["a"] = Json::array(); }),
             Contains("model.vocab"));
  CHECK_THAT(message([](Json& j) { j["model"]["vocab"] = nullptr; }), Contains("id"));
  CHECK_THAT(message([](Json& j) { j["model"]["merges"][5] = {"a"}; }), Contains("model.merges"));
  CHECK_THAT(message([](Json& j) {
               j["model"]["merges"][5] = {"a", "b", "c"};
             }),
             Contains("model.merges"));
  CHECK_THAT(message([](Json& j) {
               j["model"]["merges"][5] = {"a b", "c"};
             }),
             Contains("model.merges"));
  CHECK_THAT(message([](Json& j) { j["model"]["merges"][5] = 5; }), Contains("model.merges"));
  CHECK_THAT(message([](Json& j) {
               j["model"]["merges"][5] = {{"a", "b"}, "c"};
             }),
             Contains("model.merges"));
  CHECK_THAT(message([](Json& j) { j["added_tokens"][3]["id"] = 4; }), Contains("have the id"));
  CHECK_THAT(message([](Json& j) { j["added_tokens"][3].erase("id"); }), Contains("no id"));
  CHECK_THAT(message([](Json& j) { j["added_tokens"][3]["content"] = ""; }),
             Contains("no content"));
  CHECK_THAT(message([](Json& j) { j["added_tokens"][3] = 3; }), Contains("added_tokens"));
}

TEST_CASE("hostile JSON is a status") {
  CHECK(status_of("").code() == StatusCode::kInvalidJson);
  CHECK(status_of("{").code() == StatusCode::kInvalidJson);
  CHECK(status_of("{\"a\": \"\xFF\"}").code() == StatusCode::kInvalidJson);
  CHECK(status_of("{\"a\": 1e999}").code() == StatusCode::kInvalidJson);
  CHECK(status_of("null").code() == StatusCode::kUnsupportedFormat);
  CHECK(status_of("[]").code() == StatusCode::kUnsupportedFormat);
  CHECK_THAT(status_of(std::string(100000, '[')).message(), Catch::Contains("nested deeper"));
  std::string deep;
  for (int i = 0; i < 100000; ++i) deep += R"({"model":)";
  CHECK_THAT(status_of(deep).message(), Catch::Contains("nested deeper"));
  CHECK_THAT(status_of(R"({")" + std::string(100000, 'k') + R"(": 1})").message(),
             Catch::Contains("a key of 100000 bytes"));
  std::string many = R"({"normalizer": [)";
  for (int i = 0; i < 10000; ++i) many += "0,";
  CHECK_THAT(status_of(many + "0]}").message(), Catch::Contains("settings"));
  CHECK(status_of(read_golden("small.tokenizer.json"), "{").code() == StatusCode::kInvalidJson);
}

TEST_CASE("truncated and corrupted files are a status or a tokenizer") {
  const std::string text = read_golden("small.tokenizer.json");
  int n_refused = 0;
  for (std::size_t size = 0; size + 2 < text.size(); size += 970) {
    CHECK_FALSE(status_of(text.substr(0, size)).is_ok());
    std::string corrupted = text;
    corrupted[size] = static_cast<char>(corrupted[size] ^ 0x15);
    n_refused += status_of(corrupted).is_ok() ? 0 : 1;
  }
  CHECK(n_refused > 20);
}

}  // namespace nemotron
