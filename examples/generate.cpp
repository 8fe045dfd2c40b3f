// A question and its answer in C++, as it is made.
#include <iostream>
#include <nemotron/nemotron.hpp>

int main(int argc, char** argv) {
  if (argc != 3) return 2;  // MODEL QUESTION
  const auto context = nemotron::Context::load(argv[1]);
  nemotron::Session session(context);
  session.generate(context.chat_tokenize({nemotron::Message::user(argv[2])}), {.max_tokens = 100},
                   [](std::string_view text) { std::cout << text << std::flush; });
}
