// What surrounds a model's text: the input is tools, a tool call of the assistant, its answer, its
// thoughts and the user's message for the two chat formats; and a reply of the model, which is
// taken apart in pieces of several sizes with those tools.
#include <cstdint>
#include <string>
#include <vector>

#include "chat/chat_format.h"
#include "chat/python_text.h"
#include "chat/reply_parser.h"
#include "model_files.h"

using namespace nemotron;

namespace {

void check_render(ChatFormat format, std::span<const ChatMessage> messages,
                  const ChatOptions& options) {
  const auto prompt = render_chat(format, messages, options);
  if (!prompt.is_ok()) {
    if (prompt.status().code() == StatusCode::kInternal)
      fuzz::broken_promise("a fault", prompt.status().message());
    if (prompt.status().message().empty()) fuzz::broken_promise("the message is empty", "");
    return;
  }
  std::size_t end = 0;
  for (const TextRange& range : prompt->special_ranges) {
    if (range.begin < end || range.end < range.begin || range.end > prompt->text.size())
      fuzz::broken_promise("ranges that are not in order", prompt->text);
    end = range.end;
  }
}

void check_prompts(const std::vector<std::string_view>& parts) {
  const auto part = [&](std::size_t i) { return i < parts.size() ? parts[i] : std::string_view(); };
  const ChatMessage messages[] = {{"system", part(4), {}, {}},
                                  {"user", part(4), {}, {}},
                                  {"assistant", part(2), part(3), part(1)},
                                  {"tool", part(2), {}, {}},
                                  {"user", part(4), {}, {}}};
  for (const ChatFormat format : {ChatFormat::nemotron3, ChatFormat::nano_v2})
    for (const bool is_on : {false, true})
      check_render(format, messages, {is_on, is_on, is_on, part(0)});
}

// Parts and calls as one text, which no cutting may change.
std::string parsed(std::string_view reply, bool in_thoughts, std::size_t piece,
                   const CallerJson& tools) {
  std::string out;
  ReplyPart last = ReplyPart::kToolCall;
  ReplyParser parser(in_thoughts, [&](const ReplyPiece& found) {
    if (found.call == nullptr && found.text.empty()) fuzz::broken_promise("an empty piece", reply);
    if (found.part != last || found.call != nullptr)
      out += static_cast<char>(1 + static_cast<int>(found.part));
    last = found.part;
    out += found.text;
    if (found.call == nullptr) return;
    out += found.call->name;
    const std::string arguments = arguments_json(*found.call, tools);
    if (check_utf8(reply, "reply").is_ok() && !parse_caller_json(arguments, "arguments").is_ok())
      fuzz::broken_promise("arguments that are no JSON", arguments);
    out += arguments;
  });
  for (std::size_t at = 0; at < reply.size(); at += piece) parser.feed(reply.substr(at, piece));
  parser.finish(true);
  if (parser.is_undecided()) fuzz::broken_promise("something is left", reply);
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto parts = fuzz::split(data, size, 6);
  check_prompts(parts);
  const auto tools = parse_tools(parts[0], "tools");
  const std::string_view reply = parts.back();
  for (const bool in_thoughts : {false, true}) {
    const CallerJson& known = tools.is_ok() ? tools.value() : CallerJson();
    const std::string whole = parsed(reply, in_thoughts, reply.size() + 1, known);
    for (const std::size_t piece : {1u, 7u})
      if (parsed(reply, in_thoughts, piece, known) != whole)
        fuzz::broken_promise("it depends on pieces", reply);
  }
  return 0;
}
