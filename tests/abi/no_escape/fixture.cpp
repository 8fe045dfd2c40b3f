#include "fixture.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <fstream>
#include <sstream>

namespace no_escape {

Silence::Silence() {
  std::fflush(nullptr);
  file_ = memfd_create("output", 0);
  REQUIRE(file_ >= 0);
  for (int fd : {STDOUT_FILENO, STDERR_FILENO}) {
    saved_[fd - 1] = dup(fd);
    dup2(file_, fd);
  }
}

Silence::~Silence() {
  std::fflush(nullptr);
  for (int fd : {STDOUT_FILENO, STDERR_FILENO}) {
    dup2(saved_[fd - 1], fd);
    close(saved_[fd - 1]);
  }
  const off_t bytes = lseek(file_, 0, SEEK_END);
  std::string text(static_cast<std::size_t>(bytes), '\0');
  if (pread(file_, text.data(), text.size(), 0) != bytes) text = "(unreadable)";
  close(file_);
  // What Catch2 itself had to say of a failed check went the same way: pass it on.
  if (bytes > 0) std::fwrite(text.data(), 1, text.size(), stdout);
  INFO("the bytes above were written to stdout or stderr");
  CHECK(bytes == 0);
}

std::string model_path(const std::string& name) {
  return std::string(NEMO_TEST_SOURCE_DIR) + "/data/model/" + name;
}

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  REQUIRE(file.good());
  std::stringstream bytes;
  bytes << file.rdbuf();
  return bytes.str();
}

Context load_with(const std::string& name, const nemo_context_options& options) {
  nemo_context* context = nullptr;
  nemo_error error = NEMO_ERROR_INIT;
  const nemo_status status =
      nemo_context_load(model_path(name).c_str(), &options, &context, &error);
  INFO(error.message);
  REQUIRE(status == NEMO_OK);
  return Context(context);
}

Context load(const std::string& name, std::uint32_t n_threads) {
  nemo_context_options options = NEMO_CONTEXT_OPTIONS_INIT;
  options.n_threads = n_threads;
  return load_with(name, options);
}

Context load_chat(const nemo_context_options& options) {
  return load_with("hf/tiny_chat", options);
}

Session make_session(const Context& context, std::uint32_t max_tokens) {
  nemo_session_options options = NEMO_SESSION_OPTIONS_INIT;
  options.max_tokens = max_tokens;
  nemo_session* session = nullptr;
  REQUIRE(nemo_session_create(context.get(), &options, &session, nullptr) == NEMO_OK);
  return Session(session);
}

const Tokens& prompt() {
  static const Tokens tokens = {10, 87, 300, 41, 299, 32, 258, 11, 177};
  return tokens;
}

void Told::take(const nemo_event& event) {
  if (n_ends > 0) ++n_after_end;
  const std::string piece(event.text, event.text_size);
  if (event.type == NEMO_EVENT_TEXT) {
    text += piece;
  } else if (event.type == NEMO_EVENT_REASONING) {
    reasoning += piece;
  } else if (event.type == NEMO_EVENT_TOOL_CALL) {
    calls.push_back(std::string(event.name, event.name_size) + piece);
  } else if (event.type == NEMO_EVENT_FINISH || event.type == NEMO_EVENT_ERROR) {
    ++n_ends;
    end = event;
    sentence = piece;
  }
  if (event.token >= 0) tokens.push_back(event.token);
}

nemo_generate_options limit(std::uint32_t max_tokens) {
  nemo_generate_options options = NEMO_GENERATE_OPTIONS_INIT;
  options.max_tokens = max_tokens;
  options.ignore_stop_tokens = 1;
  return options;
}

nemo_status submit(nemo_session* session, const nemo_generate_options& options,
                   const Tokens& tokens, std::uint64_t* id, nemo_error* error) {
  nemo_request request = NEMO_REQUEST_INIT;
  request.prompt = tokens.data();
  request.n_prompt = tokens.size();
  request.options = &options;
  return nemo_session_submit(session, &request, id, error);
}

void poll_all(nemo_session* session, Told& told) {
  for (;;) {
    nemo_event event = NEMO_EVENT_INIT;
    REQUIRE(nemo_session_poll(session, &event, nullptr) == NEMO_OK);
    if (event.type == NEMO_EVENT_NONE) return;
    told.take(event);
  }
}

void pump_all(nemo_context* context, std::uint64_t max_us, nemo_session* session, Told& told) {
  nemo_pump_result result = NEMO_PUMP_RESULT_INIT;
  do {
    REQUIRE(nemo_context_pump(context, max_us, &result, nullptr) == NEMO_OK);
    poll_all(session, told);
  } while (result.has_more != 0);
}

Told generate_alone(const nemo_context_options& context_options,
                    const nemo_generate_options& options, const Tokens& tokens) {
  const Context context = load_chat(context_options);
  const Session session = make_session(context);
  Told told;
  nemo_generate_options with_sink = options;
  with_sink.user = &told;
  with_sink.on_event = [](const nemo_generate_event* event, void* user) -> std::int32_t {
    Told& out = *static_cast<Told*>(user);
    out.text.append(event->text, event->text_size);
    if (event->token >= 0) out.tokens.push_back(event->token);
    return 0;
  };
  nemo_generate_result result = NEMO_GENERATE_RESULT_INIT;
  REQUIRE(nemo_session_generate(session.get(), tokens.data(), tokens.size(), &with_sink, &result,
                                nullptr) == NEMO_OK);
  told.end.finish_reason = result.finish_reason;
  told.end.n_prompt_tokens = result.n_prompt_tokens;
  told.end.n_generated_tokens = result.n_generated_tokens;
  return told;
}

std::vector<float> eval(nemo_session* session, const Tokens& tokens) {
  std::vector<float> logits(kVocab);
  nemo_error error = NEMO_ERROR_INIT;
  const nemo_status status = nemo_session_eval(session, tokens.data(), tokens.size(), logits.data(),
                                               logits.size(), &error);
  INFO(error.message);
  REQUIRE(status == NEMO_OK);
  return logits;
}

bool same_bytes(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

void Failure::check(nemo_status found, nemo_status expected) const {
  INFO("message: " << error.message);
  CHECK(std::string(nemo_status_string(found)) == nemo_status_string(expected));
  CHECK(error.code == found);
  CHECK(error.message[0] != '\0');
}

}  // namespace no_escape
