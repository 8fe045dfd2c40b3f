// Expected texts are those of CPython 3.11.
#include "chat/python_text.h"

#include <catch2/catch.hpp>
#include <limits>
#include <string>

using nemotron::CallerJson;
using nemotron::parse_caller_json;
using nemotron::python_float;
using nemotron::python_json;
using nemotron::python_str;
using nemotron::python_strip;

namespace {

CallerJson parse(std::string_view json) {
  auto value = parse_caller_json(json, "value");
  REQUIRE(value.status().message() == "");
  return std::move(value).value();
}

}  // namespace

TEST_CASE("floats as repr() writes them") {
  CHECK(python_float(1.0) == "1.0");
  CHECK(python_float(-0.0) == "-0.0");
  CHECK(python_float(0.1) == "0.1");
  CHECK(python_float(1e-4) == "0.0001");
  CHECK(python_float(1e-5) == "1e-05");
  CHECK(python_float(1.5e-7) == "1.5e-07");
  CHECK(python_float(1e15) == "1000000000000000.0");
  CHECK(python_float(9999999999999998.0) == "9999999999999998.0");
  CHECK(python_float(1e16) == "1e+16");
  CHECK(python_float(123456789012345680.0) == "1.2345678901234568e+17");
  CHECK(python_float(1e100) == "1e+100");
  CHECK(python_float(5e-324) == "5e-324");
  CHECK(python_float(1.7976931348623157e308) == "1.7976931348623157e+308");
  CHECK(python_float(std::numeric_limits<double>::infinity()) == "inf");
}

TEST_CASE("json.dumps") {
  CHECK(
      python_json(
          parse(R"({"b":1,"a":[true,null,{"x":2.50}],"s":"\u00e9\/\"\\\n\u0001\u007f"})")) ==
      "{\"b\": 1, \"a\": [true, null, {\"x\": 2.5}], \"s\": \"\xc3\xa9/\\\"\\\\\\n\\u0001\x7f\"}");
  CHECK(python_json(parse("[]")) == "[]");
  CHECK(python_json(parse("{}")) == "{}");
  CHECK(python_json(parse("[-0, -1, 18446744073709551616, 1e5, -0.0]")) ==
        "[0, -1, 18446744073709551616, 100000.0, -0.0]");
}

TEST_CASE("a key given twice keeps its first place and its last value") {
  CHECK(python_json(parse(R"({"a":1,"b":2,"a":3,"c":4,"a":5})")) == R"({"a": 5, "b": 2, "c": 4})");
}

TEST_CASE("str() of JSON values") {
  CHECK(python_str(parse("null")) == "None");
  CHECK(python_str(parse("true")) == "True");
  CHECK(python_str(parse("\"it's\"")) == "it's");
  CHECK(python_str(parse("123456789012345678901234567890")) == "123456789012345678901234567890");
  CHECK(python_str(parse(R"(["string", "null"])")) == "['string', 'null']");
  CHECK(python_str(parse(R"({"a": [1, false, null], "b": {"c": 0.5}})")) ==
        "{'a': [1, False, None], 'b': {'c': 0.5}}");
  CHECK(python_str(parse(R"(["it's", "\"", "'\"", "\t\u0001\\"])")) ==
        R"(["it's", '"', '\'"', '\t\x01\\'])");
  CHECK(
      python_str(parse(R"(["\u00e9\u20ac", "\u00a0\u200b\ue000", "\ud83d\ude00\udb40\udc20"])")) ==
      "['\xc3\xa9\xe2\x82\xac', '\\xa0\\u200b\\ue000', '\xf0\x9f\x98\x80\\U000e0020']");
}

TEST_CASE("str.strip() knows the white space of Unicode") {
  CHECK(python_strip(" \t\n\x1c x y \v\f\r") == "x y");
  CHECK(python_strip("\xc2\xa0\xe2\x80\x83x\xe3\x80\x80\xc2\x85") == "x");
  CHECK(python_strip("\xe2\x80\x8bx") == "\xe2\x80\x8bx");  // a zero-width space is none
  CHECK(python_strip(" \n ") == "");
  CHECK(python_strip("") == "");
}
