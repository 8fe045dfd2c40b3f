// What the tests of this folder share: silence, handles, the tiny models, and a session whose state
// can be compared with that of one to which nothing bad happened.
#pragma once

#include <nemotron/nemotron.h>

#include <catch2/catch.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace no_escape {

// Redirects stdout and stderr of the process into a file; `bytes()` says how much was written.
class Silence {
 public:
  Silence();
  ~Silence();  // restores, and fails the running test if anything was written
  Silence(const Silence&) = delete;
  Silence& operator=(const Silence&) = delete;

 private:
  int file_ = -1;
  int saved_[2] = {-1, -1};
};

struct Free {
  void operator()(nemo_context* context) const { nemo_context_free(context); }
  void operator()(nemo_session* session) const { nemo_session_free(session); }
};
using Context = std::unique_ptr<nemo_context, Free>;
using Session = std::unique_ptr<nemo_session, Free>;
using Tokens = std::vector<std::int32_t>;

std::string model_path(const std::string& name);  // below tests/data/model
std::string read_file(const std::string& path);

Context load(const std::string& name, std::uint32_t n_threads = 2);
// tiny_chat, with these options.
Context load_chat(const nemo_context_options& options);
Session make_session(const Context& context, std::uint32_t max_tokens = 0);

constexpr std::uint32_t kVocab = 320;  // of tiny_chat
const Tokens& prompt();                // a few ids below kVocab

// What a request told: its text, and how it ended.
struct Told {
  std::string text;
  std::string reasoning;
  std::vector<std::string> calls;  // "name(arguments)"
  Tokens tokens;
  nemo_event end = NEMO_EVENT_INIT;  // its text is not kept, but in `sentence`
  std::string sentence;
  int n_ends = 0;
  int n_after_end = 0;

  void take(const nemo_event& event);
};
// Options for at most `max_tokens` tokens, past stop tokens.
nemo_generate_options limit(std::uint32_t max_tokens);
nemo_status submit(nemo_session* session, const nemo_generate_options& options,
                   const Tokens& tokens = prompt(), std::uint64_t* id = nullptr,
                   nemo_error* error = nullptr);
// Fetches all that is there.
void poll_all(nemo_session* session, Told& told);
// Pumps with this budget, polling, until nothing is left.
void pump_all(nemo_context* context, std::uint64_t max_us, nemo_session* session, Told& told);
// What the blocking form says of the same, on a session of its own.
Told generate_alone(const nemo_context_options& context_options,
                    const nemo_generate_options& options, const Tokens& tokens = prompt());

// Evaluates tokens and returns the logits after the last one.
std::vector<float> eval(nemo_session* session, const Tokens& tokens);
// Whether two logits are the same bytes.
bool same_bytes(const std::vector<float>& a, const std::vector<float>& b);

// Checks a call that must fail: the status, and that the error carries it and a sentence.
struct Failure {
  nemo_error error = NEMO_ERROR_INIT;
  nemo_error* out() { return &error; }
  void check(nemo_status found, nemo_status expected) const;
};

}  // namespace no_escape
