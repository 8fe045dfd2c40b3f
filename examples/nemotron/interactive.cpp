#include "interactive.h"

#include <stdio.h>  // getline
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <memory>
#include <optional>

#include "interrupt.h"
#include "program.h"

namespace {

struct FreeMemory {
  void operator()(char* memory) const { std::free(memory); }
};

// Asks for a line; nothing at the end of the input or after ^C twice.
std::optional<std::string> read_line(const std::string& prompt) {
  const bool is_terminal = isatty(STDIN_FILENO) == 1;
  bool was_interrupted = false;
  take_interrupt();
  while (true) {
    if (is_terminal) std::fprintf(stderr, "%s> ", prompt.c_str());
    char* memory = nullptr;
    std::size_t capacity = 0;
    errno = 0;
    const ssize_t size = getline(&memory, &capacity, stdin);
    const std::unique_ptr<char, FreeMemory> line(memory);
    if (size >= 0) {
      std::string text(line.get(), static_cast<std::size_t>(size));
      while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
      return text;
    }
    const bool is_first_interrupt = errno == EINTR && take_interrupt() && !was_interrupted;
    std::fputs("\n", stderr);
    if (!is_first_interrupt) return std::nullopt;
    was_interrupted = true;
    std::clearerr(stdin);
    std::fputs("(^C again, ^D or /exit leaves)\n", stderr);
  }
}

// Asks the user what each tool returned. False at the end of the input.
bool add_tool_results(Conversation& conversation, const std::vector<ToolCall>& calls) {
  for (const ToolCall& call : calls) {
    const auto result = read_line("result of " + call.name);
    if (!result) return false;
    conversation.add(nemotron::Message::tool(*result));
  }
  return true;
}

// One turn, with the tool calls in it. False at the end of the input.
bool answer(Conversation& conversation, const std::string& question) {
  conversation.add(nemotron::Message::user(question));
  Reply reply = conversation.reply();
  while (!reply.tool_calls.empty()) {
    if (!add_tool_results(conversation, reply.tool_calls)) return false;
    reply = conversation.reply();
  }
  return true;
}

}  // namespace

void chat(Conversation& conversation) {
  if (isatty(STDIN_FILENO) == 1)
    std::fputs("^C ends an answer, /new begins again, /exit or ^D leaves.\n", stderr);
  while (const auto line = read_line("")) {
    if (*line == "/exit" || *line == "/quit") return;
    if (line->empty()) continue;
    if (*line == "/new") {
      conversation.restart();
      continue;
    }
    try {
      if (!answer(conversation, *line)) return;
    } catch (const nemotron::Error& error) {  // too long a conversation, for one
      std::fprintf(stderr, "nemotron: %s (/new begins again)\n", error.what());
    }
  }
}
