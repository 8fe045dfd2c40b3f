// Parsing to a tree, typed getters, and the limits for hostile text.
#include "json/json_value.h"

#include <catch2/catch.hpp>
#include <cmath>

using namespace nemotron;

namespace {
JsonValue parse(std::string_view text) {
  auto root = parse_json(text);
  INFO(text);
  REQUIRE(root.is_ok());
  return std::move(root).value();
}
StatusCode code_of(std::string_view text, const JsonLimits& limits = {}) {
  return parse_json(text, limits).status().code();
}
}  // namespace

TEST_CASE("every kind of value is read") {
  const JsonValue root = parse(
      R"({"z": null, "b": true, "i": -7, "u": 9223372036854775807, "big": 18446744073709551615,
          "f": 1e-05, "s": "a\u00e9\n", "a": [1, [2], {}], "o": {"k": "v"}})");
  CHECK(root.is_object());
  CHECK(root.members().size() == 9);
  CHECK(root.find("z")->is_null());
  CHECK(root.find("b")->to_bool("b").value());
  CHECK(root.find("i")->to_integer("i").value() == -7);
  CHECK(root.find("i")->to_number("i").value() == -7.0);
  CHECK(root.find("u")->to_integer("u").value() == INT64_MAX);
  CHECK(root.find("big")->to_number("big").value() == 0x1p64);
  CHECK(root.find("f")->to_number("f").value() == 1e-05);
  CHECK(root.find("s")->to_string("s").value() == "a\xc3\xa9\n");
  REQUIRE(root.find("a")->items().size() == 3);
  CHECK(root.find("a")->items()[1].items()[0].to_integer("a").value() == 2);
  CHECK(root.find("o")->find("k")->to_string("k").value() == "v");
  CHECK(root.find("none") == nullptr);
  CHECK(root.find("a")->find("k") == nullptr);
}

TEST_CASE("errors name the key, what was expected and what was found") {
  const JsonValue root = parse(R"({"a": [1], "s": "x", "f": 1.5, "big": 1e300, "whole": 64.0})");
  CHECK(root.find("a")->to_integer("a").status().message() ==
        "'a' should be an integer and is an array");
  CHECK(root.find("s")->to_number("s").status().code() == StatusCode::kInvalidJson);
  CHECK_FALSE(root.find("f")->to_integer("f").is_ok());
  CHECK_FALSE(root.find("big")->to_integer("big").is_ok());
  CHECK(root.find("whole")->to_integer("whole").value() == 64);
  CHECK_FALSE(root.find("f")->to_bool("f").is_ok());
  CHECK_FALSE(root.find("f")->to_string("f").is_ok());
}

TEST_CASE("Infinity as Python writes it is a number, outside strings only") {
  const JsonValue root = parse(R"({"limit": [0.0, Infinity, -Infinity], "s": "\"Infinity\" ]"})");
  const auto& limit = root.find("limit")->items();
  CHECK(limit[1].to_number("limit").value() == HUGE_VAL);
  CHECK(limit[2].to_number("limit").value() == -HUGE_VAL);
  CHECK(root.find("s")->to_string("s").value() == "\"Infinity\" ]");
  CHECK(code_of(R"({"a": NaN})") == StatusCode::kInvalidJson);
}

TEST_CASE("broken text is an error with an offset, never an exception") {
  const auto text = GENERATE("", "{", "[1,]", "{\"a\" 1}", "[1] 2", "\"\xff\"", "tru", "1e999",
                             "{\"a\":1,}", "\"\\ud800\"", "[\"\n\"]", "\x01");
  INFO(text);
  const auto root = parse_json(text);
  CHECK(root.status().code() == StatusCode::kInvalidJson);
  CHECK_FALSE(root.status().message().empty());
}

TEST_CASE("a key given twice is an error") {
  CHECK(code_of(R"({"a": 1, "b": 2, "a": 3})") == StatusCode::kInvalidJson);
  CHECK(code_of(R"({"a": {"a": 1}})") == StatusCode::kOk);
}

TEST_CASE("depth and number of values are limited") {
  const auto nested = [](std::size_t depth) {
    return std::string(depth, '[') + std::string(depth, ']');
  };
  CHECK(code_of(nested(64)) == StatusCode::kOk);
  CHECK(code_of(nested(65)) == StatusCode::kInvalidJson);
  CHECK(code_of(std::string(1000000, '[')) == StatusCode::kInvalidJson);
  JsonLimits limits;
  limits.max_values = 4;
  CHECK(code_of("[1,2,[]]", limits) == StatusCode::kOk);
  CHECK(code_of("[1,2,[],3]", limits) == StatusCode::kInvalidJson);
  CHECK(code_of("[[],[],[],[]]", limits) == StatusCode::kInvalidJson);
}
