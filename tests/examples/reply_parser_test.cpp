#include "nemotron/reply_parser.h"

#include <catch2/catch.hpp>
#include <string>
#include <string_view>

namespace {

struct Parsed {
  Reply reply;
  std::string shown_reasoning;
  std::string shown_content;
};

// Feeds the text in pieces of `size` bytes.
Parsed parse(std::string_view text, bool in_thoughts, std::size_t size) {
  Parsed out;
  ReplyParser parser(in_thoughts, [&](ReplyParser::Part part, std::string_view piece) {
    (part == ReplyParser::Part::kReasoning ? out.shown_reasoning : out.shown_content) += piece;
  });
  for (std::size_t at = 0; at < text.size(); at += size) parser.feed(text.substr(at, size));
  out.reply = parser.finish();
  return out;
}

constexpr std::string_view kCall =
    "<tool_call>\n<function=set_light>\n<parameter=room>\nkitchen\n</parameter>\n"
    "<parameter=level>\n50\n</parameter>\n</function>\n</tool_call>\n";

}  // namespace

TEST_CASE("thoughts, answer and calls, whatever the pieces") {
  const std::size_t size = GENERATE(1, 2, 3, 7, 1000);
  const Parsed parsed = parse(
      "I must think.\n</think>\nDone.\n" + std::string(kCall) + std::string(kCall), true, size);
  CHECK(parsed.reply.reasoning == "I must think.");
  CHECK(parsed.reply.content == "Done.");
  CHECK(parsed.shown_reasoning == "I must think.\n");
  CHECK(parsed.shown_content == "\nDone.\n\n\n");
  REQUIRE(parsed.reply.tool_calls.size() == 2);
  CHECK(to_line(parsed.reply.tool_calls[1]) == R"(set_light(room="kitchen", level="50"))");
}

TEST_CASE("without thoughts") {
  CHECK(parse("Hello <b> </thin", false, 1).reply.content == "Hello <b> </thin");
  CHECK(parse("Hello</think> you", false, 4).reply.content == "Hello you");
  CHECK(parse("never closed", true, 3).reply.reasoning == "never closed");
  CHECK(parse("", true, 1).reply.reasoning.empty());
}

TEST_CASE("a call inside thoughts that were never closed") {
  const Parsed parsed = parse("Light off. " + std::string(kCall), true, 5);
  CHECK(parsed.reply.reasoning == "Light off. ");
  CHECK(parsed.reply.tool_calls.size() == 1);
}

TEST_CASE("calls that are not whole") {
  const auto calls = [](std::string_view text) { return parse(text, false, 4).reply.tool_calls; };
  const auto cut =
      calls("<tool_call>\n<function=f>\n<parameter=a>\nx\n<parameter=b>\ny\n</function>");
  REQUIRE(cut.size() == 1);
  CHECK(to_line(cut[0]) == R"(f(a="x", b="y"))");
  CHECK(calls("<tool_call>\nnonsense\n</tool_call>").empty());
  CHECK(calls("<tool_call>\n<function=f").at(0).name == "f");
  CHECK(calls("<tool_call><function=f><parameter=a>").at(0).arguments.at(0).second.empty());
}

TEST_CASE("a value keeps all but one line break at each end") {
  const auto calls =
      parse("<tool_call><function=f><parameter=a>\n\n  x\n\n</parameter></function></tool_call>",
            false, 3)
          .reply.tool_calls;
  REQUIRE(calls.size() == 1);
  CHECK(calls[0].arguments[0].second == "\n  x\n");
}

TEST_CASE("arguments get the types that the tool declares") {
  const std::string tools = R"([{"function": {"name": "f", "parameters": {"properties": {
    "s": {"type": "string"}, "i": {"type": "integer"}, "b": {"type": "boolean"},
    "l": {"type": "array"}, "two": {"type": ["string", "null"]}}}}}, {"name": "g"}, 3])";
  const ToolCall call{"f",
                      {{"s", "12"},
                       {"i", "12"},
                       {"b", "True"},
                       {"l", "[1, \"a\"]"},
                       {"two", "1"},
                       {"unknown", "1"}}};
  CHECK(to_json({call}, tools) ==
        R"([{"function":{"name":"f","arguments":{"s":"12","i":12,"b":true,"l":[1,"a"],)"
        R"("two":"1","unknown":"1"}}}])");
  CHECK(to_json({{"f", {{"i", "twelve"}}}}, tools) ==
        R"([{"function":{"name":"f","arguments":{"i":"twelve"}}}])");
  CHECK(to_json({{"h", {{"i", "1"}}}}, "not JSON") ==
        R"([{"function":{"name":"h","arguments":{"i":"1"}}}])");
}
