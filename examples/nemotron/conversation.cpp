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
  void show(bool is_thought, std::string_view text) {
    if (is_thought) {
      std::fprintf(stderr, is_dimmed_ ? "\033[2m%.*s\033[0m" : "%.*s",
                   static_cast<int>(text.size()), text.data());
      has_thoughts_ = true;
    } else {
      end_thoughts();
      write_out(text);
    }
  }

  void finish(const Reply& reply) {
    end_thoughts();
    if (!reply.content.empty()) write_out("\n");
    for (const ToolCall& call : reply.tool_calls) write_out("[tool call] " + to_line(call) + "\n");
  }

 private:
  void end_thoughts() {
    if (has_thoughts_) std::fputs("\n\n", stderr);
    has_thoughts_ = false;
  }

  bool is_dimmed_ = isatty(STDERR_FILENO) == 1;
  bool has_thoughts_ = false;  // shown last
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

// The whole conversation, rendered anew: it may change what went before (thoughts of earlier turns
// are dropped). The session computes what it does not know.
std::vector<std::int32_t> Conversation::prompt() const {
  nemotron::ChatOptions chat;
  chat.thinking = options_.thinking ? NEMO_THINKING_ON : NEMO_THINKING_OFF;
  chat.tools = options_.tools_json;
  return session_.context().chat_tokenize(messages_, chat);
}

Reply Conversation::reply() {
  Display display;
  Reply reply;
  nemotron::GenerateOptions generate = options_.generate;
  generate.whole_prompt = true;
  generate.parse_reply = true;
  generate.tools = options_.tools_json;
  nemo_generate_result result;
  {
    const CancelOnInterrupt cancel(session_);
    result = session_.generate(prompt(), generate, [&](const nemo_generate_event& event) {
      const std::string_view text(event.text, event.text_size);
      if (event.type == NEMO_EVENT_TOOL_CALL) {
        reply.tool_calls.push_back({std::string(event.name, event.name_size), std::string(text)});
      } else if (!text.empty()) {
        const bool is_thought = event.type == NEMO_EVENT_REASONING;
        display.show(is_thought, text);
        (is_thought ? reply.reasoning : reply.content) += text;
      }
    });
  }
  display.finish(reply);
  print_timings(result);

  add(nemotron::Message::assistant(reply.content, reply.reasoning, to_json(reply.tool_calls)));
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
