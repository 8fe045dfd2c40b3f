// Goldens of ids: {"cases": [[text, ids] or [text, ids, ids without added tokens], ...]}.
#pragma once

#include <catch2/catch.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include "src/tokenizer/golden_file.h"
#include "tokenizer/tokenizer.h"

namespace nemotron {

using Ids = std::vector<std::int32_t>;

inline Ids encode(const Tokenizer& tokenizer, std::string_view text, bool parse_special) {
  Ids ids;
  REQUIRE(tokenizer.encode(text, parse_special, ids).is_ok());
  return ids;
}

inline std::string decode(const Tokenizer& tokenizer, const Ids& ids, bool skip_control = false) {
  std::string text;
  REQUIRE(tokenizer.decode(ids, skip_control, text).is_ok());
  return text;
}

inline void check_golden_ids(const Tokenizer& tokenizer, const std::string& file) {
  const nlohmann::json golden = read_golden_json(file);
  REQUIRE(golden["cases"].size() >= 2000);
  for (const auto& entry : golden["cases"]) {
    const auto text = entry[0].get<std::string>();
    const auto with_special = entry[1].get<Ids>();
    const auto without_special = entry.size() > 2 ? entry[2].get<Ids>() : with_special;
    INFO("text: " << text);
    CHECK(encode(tokenizer, text, true) == with_special);
    CHECK(encode(tokenizer, text, false) == without_special);
    CHECK(decode(tokenizer, with_special) == text);
    CHECK(decode(tokenizer, without_special) == text);
  }
}

inline Tokenizer small_tokenizer(std::string_view config = "") {
  Result<Tokenizer> tokenizer = Tokenizer::from_json(read_golden("small.tokenizer.json"), config);
  INFO(tokenizer.status().message());
  REQUIRE(tokenizer.is_ok());
  return std::move(tokenizer).value();
}

}  // namespace nemotron
