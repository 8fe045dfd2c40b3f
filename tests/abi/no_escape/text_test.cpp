// Tokenizing and chat rendering: small buffers, bad ids, bad JSON, bad UTF-8, bad messages.
#include <cstring>

#include "fixture.h"

using namespace no_escape;

namespace {

nemo_chat_message message(const char* role, const std::string& content) {
  nemo_chat_message m = NEMO_CHAT_MESSAGE_INIT;
  m.role = role;
  m.content = content.data();
  m.content_size = content.size();
  return m;
}

struct ChatCalls {
  const Context context = load("hf/tiny_chat", 1);

  // Both functions must answer alike.
  void check(const std::vector<nemo_chat_message>& messages, const nemo_chat_options* options,
             nemo_status expected, std::size_t stride = sizeof(nemo_chat_message)) const {
    Failure render, tokenize;
    std::size_t n = 0;
    char text[4096];
    std::int32_t tokens[4096];
    render.check(nemo_chat_render(context.get(), messages.data(), messages.size(), stride, options,
                                  text, sizeof text, &n, render.out()),
                 expected);
    tokenize.check(nemo_chat_tokenize(context.get(), messages.data(), messages.size(), stride,
                                      options, tokens, 4096, &n, tokenize.out()),
                   expected);
  }
};

}  // namespace

TEST_CASE("a buffer that is too small is not touched") {
  const Silence silence;
  const Context context = load("hf/tiny_chat", 1);
  const std::string text = "Turn off the kitchen light";
  std::size_t n = 0;
  CHECK(nemo_tokenize(context.get(), text.data(), text.size(), 0, nullptr, 0, &n, nullptr) ==
        NEMO_E_BUFFER_TOO_SMALL);
  REQUIRE(n > 2);
  Tokens tokens(n, -7);
  std::size_t again = 0;
  Failure failure;
  failure.check(nemo_tokenize(context.get(), text.data(), text.size(), 0, tokens.data(), n - 1,
                              &again, failure.out()),
                NEMO_E_BUFFER_TOO_SMALL);
  CHECK(again == n);
  CHECK(tokens == Tokens(n, -7));
  REQUIRE(nemo_tokenize(context.get(), text.data(), text.size(), 0, tokens.data(), n, &n,
                        nullptr) == NEMO_OK);

  std::string back(64, '#');
  failure.check(
      nemo_detokenize(context.get(), tokens.data(), n, 0, back.data(), 3, &again, failure.out()),
      NEMO_E_BUFFER_TOO_SMALL);
  CHECK(again == text.size());
  CHECK(back == std::string(64, '#'));
  failure.check(nemo_build_info(back.data(), 1, &again, failure.out()), NEMO_E_BUFFER_TOO_SMALL);
  CHECK(back == std::string(64, '#'));
  CHECK(again > 1);
}

TEST_CASE("ids out of range have no text") {
  const Silence silence;
  const Context context = load("hf/tiny_chat", 1);
  char text[16];
  std::size_t n = 0;
  for (const std::int32_t id : {-1, INT32_MIN, INT32_MAX, std::int32_t{kVocab}}) {
    Failure failure;
    INFO("id " << id);
    failure.check(nemo_detokenize(context.get(), &id, 1, 0, text, sizeof text, &n, failure.out()),
                  NEMO_E_INVALID_TOKEN);
  }
}

TEST_CASE("a model without a tokenizer says so") {
  const Silence silence;
  const Context context = load("hf/one_group_p10", 1);
  std::int32_t tokens[64] = {};
  char text[64];
  std::size_t n = 0;
  Failure failure;
  failure.check(nemo_tokenize(context.get(), "a", 1, 0, tokens, 64, &n, failure.out()),
                NEMO_E_STATE);
  failure.check(nemo_detokenize(context.get(), tokens, 1, 0, text, 64, &n, failure.out()),
                NEMO_E_STATE);
  failure.check(nemo_chat_tokenize(context.get(), nullptr, 0, sizeof(nemo_chat_message), nullptr,
                                   tokens, 64, &n, failure.out()),
                NEMO_E_STATE);
  const Session session = make_session(context);
  failure.check(nemo_session_generate(session.get(), tokens, 1, nullptr, nullptr, failure.out()),
                NEMO_E_STATE);
  CHECK(nemo_session_position(session.get()) == 0);
}

TEST_CASE("messages that cannot be rendered") {
  const Silence silence;
  const ChatCalls calls;
  calls.check({message("wizard", "x")}, nullptr, NEMO_E_INVALID_ARGUMENT);
  calls.check({message(nullptr, "x")}, nullptr, NEMO_E_INVALID_ARGUMENT);
  calls.check({message("user", "half \xC3")}, nullptr, NEMO_E_INVALID_UTF8);
  calls.check({message("user", "\xED\xA0\x80")}, nullptr, NEMO_E_INVALID_UTF8);

  nemo_chat_message no_content = message("user", "");
  no_content.content = nullptr;
  no_content.content_size = 3;
  calls.check({no_content}, nullptr, NEMO_E_INVALID_ARGUMENT);

  nemo_chat_message bad_call = message("assistant", "");
  for (const std::string json : {"{", "[1]", "[{\"name\": 1}]", "[{}]", "\"x\"", "[[[[[[[["}) {
    INFO(json);
    bad_call.tool_calls = json.data();
    bad_call.tool_calls_size = json.size();
    calls.check({message("user", "x"), bad_call}, nullptr, NEMO_E_INVALID_JSON);
  }
}

TEST_CASE("chat options and strides that make no sense") {
  const Silence silence;
  const ChatCalls calls;
  nemo_chat_message short_message = message("user", "x");
  short_message.struct_size = 8;
  calls.check({short_message}, nullptr, NEMO_E_STRUCT_SIZE);
  nemo_chat_message long_message = message("user", "x");
  long_message.struct_size = 1u << 31;  // larger than the stride
  CHECK(long_message.struct_size > sizeof long_message);
  {
    std::size_t n = 0;
    CHECK(nemo_chat_render(calls.context.get(), &long_message, 1, sizeof long_message, nullptr,
                           nullptr, 0, &n, nullptr) < 0);
  }
  nemo_chat_options options = NEMO_CHAT_OPTIONS_INIT;
  options.thinking = 9;
  calls.check({message("user", "x")}, &options, NEMO_E_INVALID_ARGUMENT);
  options = NEMO_CHAT_OPTIONS_INIT;
  options.flags = 1u << 20;
  calls.check({message("user", "x")}, &options, NEMO_E_INVALID_ARGUMENT);
  options = NEMO_CHAT_OPTIONS_INIT;
  options.struct_size = 3;
  calls.check({message("user", "x")}, &options, NEMO_E_STRUCT_SIZE);
  options = NEMO_CHAT_OPTIONS_INIT;
  for (const std::string json : {"{", "[", "[1]", "nonsense"}) {
    INFO(json);
    options.tools = json.data();
    options.tools_size = json.size();
    calls.check({message("user", "x")}, &options, NEMO_E_INVALID_JSON);
  }
  options.tools = "\xFF\xFE";
  options.tools_size = 2;
  calls.check({message("user", "x")}, &options, NEMO_E_INVALID_UTF8);
}
