// JSON that is written, against an independent library.
#include "json/json_text.h"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

using namespace nemotron;
using Json = nlohmann::ordered_json;

TEST_CASE("values are written as others write them") {
  for (const std::string& text : {std::string("plain"), std::string("\"\\/\b\f\n\r\t"),
                                  std::string("\0\x1f\x7f", 3), std::string("\xE2\x82\xAC")})
    CHECK(json_of(text) == Json(text).dump());
  for (const double number : {0.0, 1.0, -2.5, 1e-05, 0.1, 100000.0, 1e300, 5e-324})
    CHECK(Json::parse(json_of(number)).get<double>() == number);
  CHECK(json_of(1.0) == "1.0");
  CHECK(json_of(1e-05) == "1e-05");
  CHECK(json_of(UINT64_MAX) == "18446744073709551615");
  CHECK(json_of(-7) == "-7");
  CHECK(json_of(true) == "true");
}

TEST_CASE("objects and arrays have the layout of others") {
  JsonObject inner;
  inner.set("list", json_array(std::vector<std::string>{json_of(1), json_of("a")}));
  inner.set("none", json_array(std::vector<std::string>{}));
  JsonObject outer;
  outer.set("z", json_of(false));
  outer.set("inner", inner.text(JsonStyle::kIndented));
  outer.set("empty", JsonObject().text(JsonStyle::kIndented));
  const Json expected = {{"z", false},
                         {"inner", {{"list", {1, "a"}}, {"none", Json::array()}}},
                         {"empty", Json::object()}};
  CHECK(outer.text(JsonStyle::kIndented) == expected.dump(2));
  JsonObject line;
  line.set("a", json_array(std::vector<std::string>{"1", "2"}, JsonStyle::kOneLine));
  line.set("b", kJsonNull);
  CHECK(line.text(JsonStyle::kOneLine) == R"({"a":[1,2],"b":null})");
}

TEST_CASE("an object keeps its order and the text of its values") {
  auto object = JsonObject::read(
      "\xEF\xBB\xBF { \"b\" : 1.50 ,\n \"a,}\\\"\":{\"x\": [\"]\", \"\\\\\"] } , "
      "\"\\u0063\":-Infinity,"
      "\"last\" : 123456789012345678901234567890 }\n");
  INFO(object.status().message());
  REQUIRE(object.is_ok());
  object->set("b", "2");
  object->set("new", "3");
  object->remove("c");
  object->remove("not there");
  CHECK(object->text(JsonStyle::kOneLine) ==
        R"({"b":2,"a,}\"":{"x": ["]", "\\"] },"last":123456789012345678901234567890,"new":3})");
  CHECK(JsonObject::read(" {} ")->text(JsonStyle::kIndented) == "{}");
  for (const char* text : {"", "[]", "{", "{\"a\":}", "{\"a\":1,}", "{\"a\":1,\"a\":2}", "1"}) {
    INFO(text);
    CHECK(JsonObject::read(text).status().code() == StatusCode::kInvalidJson);
  }
}
