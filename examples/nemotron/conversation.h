// A chat with the model: keeps the messages, runs each turn on one session, shows it as it comes.
// Answers and tool calls go to standard output, thoughts and timings to standard error.
#pragma once

#include <nemotron/nemotron.hpp>
#include <string>
#include <vector>

#include "tool_call.h"

struct ConversationOptions {
  std::string system;
  std::string tools_json;
  bool thinking = true;
  std::uint32_t kv_type = NEMO_KV_DEFAULT;
  nemotron::GenerateOptions generate;
};

class Conversation {
 public:
  Conversation(const nemotron::Context& context, ConversationOptions options);

  // What the user says or a tool answered; reply() takes it up.
  void add(nemotron::Message message) { messages_.push_back(std::move(message)); }

  // The model's turn. Its reply, as far as it came, becomes part of the conversation.
  Reply reply();

  // Back to the system message alone.
  void restart();

 private:
  std::vector<std::int32_t> prompt() const;

  ConversationOptions options_;
  nemotron::Session session_;
  std::vector<nemotron::Message> messages_;
};

// "[8 prompt tokens, 85.1/s; 20 tokens, 43.0/s]" to standard error, and why it ended unless at a
// stop.
void print_timings(const nemo_generate_result& result);
