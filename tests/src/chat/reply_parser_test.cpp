#include "chat/reply_parser.h"

#include <catch2/catch.hpp>
#include <string>
#include <string_view>

using namespace nemotron;

namespace {

struct Parsed {
  std::string reasoning;
  std::string answer;
  std::vector<ToolCall> calls;
  std::string order;  // "r", "a" and "c" as the parts came
};

// Feeds the text in pieces of `size` bytes.
Parsed parse(std::string_view text, bool in_thoughts, std::size_t size, bool is_whole = true) {
  Parsed out;
  ReplyParser parser(in_thoughts, [&](const ReplyPiece& piece) {
    const char part = "rac"[static_cast<int>(piece.part)];
    if (!out.order.ends_with(part)) out.order += part;
    if (piece.call != nullptr) {
      out.calls.push_back(*piece.call);
    } else {
      CHECK(!piece.text.empty());
      (piece.part == ReplyPart::kReasoning ? out.reasoning : out.answer) += piece.text;
    }
  });
  for (std::size_t at = 0; at < text.size(); at += size) parser.feed(text.substr(at, size));
  parser.finish(is_whole);
  CHECK(!parser.is_undecided());
  return out;
}

std::string written(const ToolCall& call) { return call.name + arguments_json(call, {}); }

constexpr std::string_view kCall =
    "<tool_call>\n<function=set_light>\n<parameter=room>\nkitchen\n</parameter>\n"
    "<parameter=level>\n50\n</parameter>\n</function>\n</tool_call>\n";

}  // namespace

TEST_CASE("thoughts, answer and calls, whatever the pieces") {
  const std::size_t size = GENERATE(1, 2, 3, 7, 1000);
  const Parsed parsed = parse("\nI must\n\nthink.\n</think>\n\nDone, \n\tall.\n" +
                                  std::string(kCall) + std::string(kCall) + "More. \n",
                              true, size);
  CHECK(parsed.reasoning == "I must\n\nthink.");
  CHECK(parsed.answer == "Done, \n\tall.\n\n\nMore.");
  REQUIRE(parsed.calls.size() == 2);
  CHECK(written(parsed.calls[1]) == R"(set_light{"room": "kitchen", "level": "50"})");
  CHECK(parsed.order == "raca");
}

TEST_CASE("without thoughts") {
  CHECK(parse("Hello <b> </thin", false, 1).answer == "Hello <b> </thin");
  CHECK(parse("Hello</think> you", false, 4).answer == "Hello you");
  CHECK(parse("never closed", true, 3).reasoning == "never closed");
  CHECK(parse(" \n ", false, 1).order.empty());
  CHECK(parse("", true, 1).order.empty());
}

TEST_CASE("only one line break of the thoughts' ends is no part of them") {
  CHECK(parse("\n\nI\n\n</think>", true, 1).reasoning == "\nI\n");
  CHECK(parse("\n</think>x", true, 2).order == "a");
}

TEST_CASE("a call inside thoughts that were never closed") {
  const Parsed parsed = parse("Light off. " + std::string(kCall), true, 5);
  CHECK(parsed.reasoning == "Light off. ");
  CHECK(parsed.calls.size() == 1);
}

TEST_CASE("calls that are not whole") {
  const auto calls = [](std::string_view text) { return parse(text, false, 4).calls; };
  const auto cut =
      calls("<tool_call>\n<function=f>\n<parameter=a>\nx\n<parameter=b>\ny\n</function>");
  REQUIRE(cut.size() == 1);
  CHECK(written(cut[0]) == R"(f{"a": "x", "b": "y"})");
  CHECK(calls("<tool_call>\nnonsense\n</tool_call>").empty());
  CHECK(calls("<tool_call>\n<function=f").at(0).name == "f");
  CHECK(calls("<tool_call><function=f><parameter=a>").at(0).arguments.at(0).second.empty());
}

TEST_CASE("a call that was cut with its reply is dropped, one before it is not") {
  const std::string text = std::string(kCall) + "<tool_call>\n<function=unlock_door>\n";
  CHECK(parse(text, false, 3, /*is_whole=*/false).calls.size() == 1);
  CHECK(parse(text, false, 3, /*is_whole=*/true).calls.size() == 2);
}

TEST_CASE("a value keeps all but one line break at each end") {
  const auto calls =
      parse("<tool_call><function=f><parameter=a>\n\n  x\n\n</parameter></function></tool_call>",
            false, 3)
          .calls;
  REQUIRE(calls.size() == 1);
  CHECK(calls[0].arguments[0].second == "\n  x\n");
}

TEST_CASE("what the answer will grow by, and what is undecided") {
  ReplyParser parser(false, [](const ReplyPiece&) {});
  parser.feed(" \n");
  CHECK(parser.n_held_spaces() == 0);  // before the answer: never delivered
  parser.feed("a ");
  CHECK(parser.n_held_spaces() == 1);
  CHECK(!parser.is_undecided());
  parser.feed("<tool");
  CHECK(parser.is_undecided());
  parser.feed("_call>");
  CHECK(!parser.is_undecided());
  CHECK(parser.part() == ReplyPart::kToolCall);
}

TEST_CASE("tags within calls are text") {
  const auto calls =
      parse(
          "<tool_call><function=f><parameter=a><think>x</think></TOOLCALL></parameter></tool_call>"
          "<TOOLCALL>[{\"name\": \"g\", \"arguments\": {\"a\": "
          "\"<tool_call></tool_call></think>\"}}]",
          false, GENERATE(1, 3, 1000))
          .calls;
  REQUIRE(calls.size() == 2);
  CHECK(written(calls[0]) == R"(f{"a": "<think>x</think></TOOLCALL>"})");
  CHECK(written(calls[1]) == R"(g{"a": "<tool_call></tool_call></think>"})");
}

TEST_CASE("v2: a list of calls as JSON") {
  const auto calls = [](std::string_view text) {
    std::string out;
    for (const ToolCall& call : parse(text, false, 3).calls) out += written(call) + ";";
    return out;
  };
  const Parsed parsed = parse(
      "Two.\n</think>\n\nHere:\n\n<TOOLCALL>[{\"name\": \"f\", \"arguments\": {\"i\":12, \"s\": "
      "\"\\u00e9]\"}}, {\"name\": \"g\"}]</TOOLCALL>\n",
      true, GENERATE(1, 2, 5, 1000));
  CHECK(parsed.reasoning == "Two.");
  CHECK(parsed.answer == "Here:");
  CHECK(parsed.order == "rac");
  REQUIRE(parsed.calls.size() == 2);
  CHECK(written(parsed.calls[0]) == "f{\"i\": 12, \"s\": \"\xc3\xa9]\"}");
  CHECK(written(parsed.calls[1]) == "g{}");

  // What models make of it: no list, no end, arguments that are text, the form of the API.
  CHECK(calls(R"(<TOOLCALL> {"name": "f", "arguments": {"a": [1]}} </TOOLCALL>)") ==
        R"(f{"a": [1]};)");
  CHECK(calls(R"(<TOOLCALL>[{"name": "f", "arguments": {}})") == "f{};");
  CHECK(calls(R"(<TOOLCALL>[{"name": "f", "arguments": "{\"a\": 1}"}]</TOOLCALL>)") ==
        R"(f{"a": 1};)");
  CHECK(calls(R"(<TOOLCALL>[{"type": "function", "function": {"name": "f"}}]</TOOLCALL>)") ==
        "f{};");
  CHECK(
      calls(
          R"(<TOOLCALL>[3, {"name": 1}, {"name": "f", "arguments": [1]}, {"name": "g"}]</TOOLCALL>)") ==
      "g{};");
  CHECK(calls("<TOOLCALL>[{\"name\": \"f\", \"arg").empty());
  CHECK(calls("<TOOLCALL>" + std::string(100000, '[') + "</TOOLCALL>").empty());
}

TEST_CASE("arguments get the types that the tool declares") {
  const auto tools = parse_tools(R"([{"function": {"name": "f", "parameters": {"properties": {
    "s": {"type": "string"}, "i": {"type": "integer"}, "b": {"type": "boolean"},
    "l": {"type": "array"}, "two": {"type": ["string", "null"]}, "odd": 3}}}}, {"name": "g"},
    {"name": "h", "parameters": []}])",
                                 "tools");
  REQUIRE(tools.is_ok());
  const ToolCall call{"f",
                      {{"s", "12"},
                       {"i", "12"},
                       {"b", "True"},
                       {"l", "[1, \"a\"]"},
                       {"two", "1"},
                       {"odd", "1"},
                       {"unknown", "\xc3\xa9\""}}};
  CHECK(arguments_json(call, tools.value()) ==
        R"({"s": "12", "i": 12, "b": true, "l": [1, "a"], "two": "1", "odd": "1", )"
        "\"unknown\": \"\xc3\xa9\\\"\"}");
  CHECK(arguments_json({"f", {{"i", "twelve"}}}, tools.value()) == R"({"i": "twelve"})");
  CHECK(arguments_json({"f", {{"i", "1"}, {"i", "2"}}}, tools.value()) == R"({"i": 2})");
  CHECK(arguments_json({"h", {{"i", "1"}}}, tools.value()) == R"({"i": "1"})");
  CHECK(arguments_json({"nobody", {}}, tools.value()) == "{}");
  const std::string deep(100000, '[');  // would exhaust the stack of who recurses
  CHECK(arguments_json({"f", {{"l", deep}}}, tools.value()) == "{\"l\": \"" + deep + "\"}");
}

TEST_CASE("tools that are none are refused") {
  for (const char* text :
       {"{", "3", "{}", "[3]", "[{}]", R"([{"name": 3}])", R"([{"function": 1}])"})
    CHECK(parse_tools(text, "tools").status().code() == StatusCode::kInvalidJson);
  CHECK(parse_tools("", "tools").value().is_null());
}
