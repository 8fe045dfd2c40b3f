#include "conversation.h"

#include <unistd.h>

#include <algorithm>
#include <cinttypes>
#include <cstdio>

#include "interrupt.h"
#include "program.h"

namespace {

double per_second(std::uint64_t count, std::uint64_t microseconds) {
  return microseconds == 0 ? 0
                           : 1e6 * static_cast<double>(count) / static_cast<double>(microseconds);
}

// Shows a reply as it comes: thoughts dim, each part on lines of its own.
class Display {
 public:
  void show(ReplyParser::Part part, std::string_view text) {
    std::string& shown = part == ReplyParser::Part::kReasoning ? thoughts_ : answer_;
    if (shown.empty()) {  // leading line breaks only separate the parts
      text.remove_prefix(std::min(text.find_first_not_of('\n'), text.size()));
      if (text.empty()) return;
    }
    if (part == ReplyParser::Part::kReasoning) {
      std::fprintf(stderr, is_dimmed_ ? "\033[2m%.*s\033[0m" : "%.*s",
                   static_cast<int>(text.size()), text.data());
    } else {
      end_thoughts();
      write_out(text);
    }
    shown += text;
  }

  void finish(const Reply& reply) {
    end_thoughts();
    if (!answer_.empty() && answer_.back() != '\n') write_out("\n");
    for (const ToolCall& call : reply.tool_calls) write_out("[tool call] " + to_line(call) + "\n");
  }

 private:
  void end_thoughts() {
    if (!thoughts_.empty() && !are_thoughts_over_) std::fputs("\n\n", stderr);
    are_thoughts_over_ = true;
  }

  bool is_dimmed_ = isatty(STDERR_FILENO) == 1;
  bool are_thoughts_over_ = false;
  std::string thoughts_;
  std::string answer_;
};

}  // namespace

Conversation::Conversation(const nemotron::Context& context, ConversationOptions options)
    : options_(std::move(options)), session_(context, 0, options_.kv_type) {
  restart();
}

void Conversation::restart() {
  messages_.clear();
  if (!options_.system.empty()) add(nemotron::Message::system(options_.system));
}

// The conversation's tokens that the session does not hold yet. Rendering may change what went
// before (thoughts of earlier turns are dropped): then the session begins anew.
std::vector<std::int32_t> Conversation::new_tokens() {
  nemotron::ChatOptions chat;
  chat.thinking = options_.thinking ? NEMO_THINKING_ON : NEMO_THINKING_OFF;
  chat.tools = options_.tools_json;
  std::vector<std::int32_t> prompt = session_.context().chat_tokenize(messages_, chat);
  const std::vector<std::int32_t> held = session_.tokens();
  const bool continues =
      held.size() < prompt.size() && std::equal(held.begin(), held.end(), prompt.begin());
  if (continues) {
    prompt.erase(prompt.begin(), prompt.begin() + static_cast<std::ptrdiff_t>(held.size()));
  } else {
    session_.reset();
  }
  return prompt;
}

Reply Conversation::reply() {
  Display display;
  ReplyParser parser(options_.thinking, [&](ReplyParser::Part part, std::string_view text) {
    display.show(part, text);
  });
  const std::vector<std::int32_t> prompt = new_tokens();
  nemo_generate_result result;
  {
    const CancelOnInterrupt cancel(session_);
    result = session_.generate(prompt, options_.generate,
                               [&](std::string_view text) { parser.feed(text); });
  }
  Reply reply = parser.finish();
  display.finish(reply);
  print_timings(result);

  const std::string calls =
      reply.tool_calls.empty() ? std::string() : to_json(reply.tool_calls, options_.tools_json);
  add(nemotron::Message::assistant(reply.content, reply.reasoning, calls));
  if (result.finish_reason == NEMO_FINISH_CANCELLED) reply.tool_calls.clear();  // nobody waits
  return reply;
}

void print_timings(const nemo_generate_result& result) {
  std::fprintf(stderr, "[%" PRIu64 " prompt tokens, %.1f/s; %" PRIu64 " tokens, %.1f/s%s]\n",
               result.n_prompt_tokens, per_second(result.n_prompt_tokens, result.prefill_us),
               result.n_generated_tokens, per_second(result.n_generated_tokens, result.decode_us),
               result.finish_reason == NEMO_FINISH_LENGTH      ? "; at its limit"
               : result.finish_reason == NEMO_FINISH_CANCELLED ? "; interrupted"
                                                               : "");
}
