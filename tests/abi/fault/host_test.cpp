// What a host lends a context: memory, threads, the threads of another context; and what is left of
// a context in a child of fork().
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <catch2/catch.hpp>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "memory.h"
#include "scenario.h"

using namespace fault;

namespace {

const char* const kModel = NEMO_TEST_SOURCE_DIR "/data/model/hf/tiny_chat";
constexpr std::array<std::int32_t, 5> kPrompt = {10, 87, 300, 41, 299};

nemo_context* load_with(const nemo_context_options& options) {
  nemo_context* context = nullptr;
  nemo_error error = NEMO_ERROR_INIT;
  const nemo_status status = nemo_context_load(kModel, &options, &context, &error);
  INFO(error.message);
  REQUIRE(status == NEMO_OK);
  return context;
}

std::array<float, kVocab> logits_of(nemo_context* context) {
  nemo_session* session = nullptr;
  REQUIRE(nemo_session_create(context, nullptr, &session, nullptr) == NEMO_OK);
  std::array<float, kVocab> logits{};
  CHECK(nemo_session_eval(session, kPrompt.data(), kPrompt.size(), logits.data(), kVocab,
                          nullptr) == NEMO_OK);
  nemo_session_free(session);
  return logits;
}

std::array<float, kVocab> plain_logits() {
  nemo_context_options options = NEMO_CONTEXT_OPTIONS_INIT;
  options.n_threads = 1;
  nemo_context* context = load_with(options);
  const auto logits = logits_of(context);
  nemo_context_free(context);
  return logits;
}

nemo_status load_status(const nemo_context_options& options) {
  nemo_context* context = nullptr;
  const nemo_status status = nemo_context_load(kModel, &options, &context, nullptr);
  CHECK((context == nullptr) == (status != NEMO_OK));
  nemo_context_free(context);
  return status;
}

// Jobs on threads that are made for each call, so that every job is another thread's.
void spawn(nemo_job job, void* arg, std::uint32_t n_jobs, void* user) {
  ++*static_cast<std::atomic<int>*>(user);
  std::vector<std::thread> threads;
  for (std::uint32_t i = 0; i < n_jobs; ++i) threads.emplace_back(job, arg, i);
  for (std::thread& thread : threads) thread.join();
}

}  // namespace

TEST_CASE("large memory comes from the host's allocator, dirty as it may be, and goes back") {
  const auto expected = plain_logits();
  const Counts before = buffer_counts();
  nemo_context_options options = NEMO_CONTEXT_OPTIONS_INIT;
  options.n_threads = 1;
  options.allocator = &host_allocator();
  nemo_context* context = load_with(options);
  CHECK(buffer_counts().n_alive > before.n_alive);
  CHECK(logits_of(context) == expected);
  nemo_context_free(context);
  CHECK(buffer_counts().n_alive == before.n_alive);

  nemo_allocator half = host_allocator();
  half.release = nullptr;
  options.allocator = &half;
  CHECK(load_status(options) == NEMO_E_INVALID_ARGUMENT);
  half = host_allocator();
  half.struct_size = 8;
  CHECK(load_status(options) == NEMO_E_STRUCT_SIZE);
  half.struct_size = sizeof half;
  half.allocate = [](std::size_t, std::size_t, void*) -> void* { return nullptr; };
  CHECK(load_status(options) == NEMO_E_OUT_OF_MEMORY);
}

TEST_CASE("a context computes on a host's threads, or on those of another one") {
  const auto expected = plain_logits();
  std::atomic<int> n_calls{0};
  nemo_context_options options = NEMO_CONTEXT_OPTIONS_INIT;
  options.n_threads = 3;
  options.parallel_for = spawn;
  options.parallel_user = &n_calls;
  nemo_context* hosted = load_with(options);
  CHECK(n_calls > 0);
  CHECK(logits_of(hosted) == expected);

  nemo_context_options shared = NEMO_CONTEXT_OPTIONS_INIT;
  shared.share_threads = hosted;
  nemo_context* other = load_with(shared);
  nemo_context_free(hosted);  // its threads stay
  const int before = n_calls;
  CHECK(logits_of(other) == expected);
  CHECK(n_calls >= before);

  shared.share_threads = other;
  shared.parallel_for = spawn;
  CHECK(load_status(shared) == NEMO_E_INVALID_ARGUMENT);
  nemo_context_options bare = NEMO_CONTEXT_OPTIONS_INIT;
  bare.flags = NEMO_LOAD_NO_WEIGHTS;
  nemo_context* no_threads = load_with(bare);
  shared.parallel_for = nullptr;
  shared.share_threads = no_threads;
  CHECK(load_status(shared) == NEMO_E_STATE);
  nemo_context_free(no_threads);
  nemo_context_free(other);
}

namespace {

// In the child: 0, or the number of the first check that failed.
int check_child(nemo_context* context, nemo_session* session) {
  const std::int32_t token = 5;
  std::int32_t tokens[8];
  std::size_t n = 0;
  nemo_session* made = nullptr;
  nemo_event event = NEMO_EVENT_INIT;
  nemo_context_stats stats = NEMO_CONTEXT_STATS_INIT;
  nemo_session_stats session_stats = NEMO_SESSION_STATS_INIT;
  nemo_model_info info = NEMO_MODEL_INFO_INIT;
  nemo_request request = NEMO_REQUEST_INIT;
  nemo_error error = NEMO_ERROR_INIT;
  const nemo_status found[] = {
      nemo_session_eval(session, &token, 1, nullptr, 0, &error),
      nemo_session_generate(session, &token, 1, nullptr, nullptr, nullptr),
      nemo_session_submit(session, &request, nullptr, nullptr),
      nemo_session_poll(session, &event, nullptr),
      nemo_session_wait(session, 1000, &event, nullptr),
      nemo_session_cancel(session, 0, nullptr),
      nemo_session_reset(session, nullptr),
      nemo_session_rewind(session, 0, nullptr),
      nemo_session_keep(session, nullptr),
      nemo_session_fork(session, &made, nullptr),
      nemo_session_tokens(session, tokens, 8, &n, nullptr),
      nemo_session_get_stats(session, &session_stats, nullptr),
      nemo_session_create(context, nullptr, &made, nullptr),
      nemo_context_pump(context, 0, nullptr, nullptr),
      nemo_context_get_stats(context, &stats, nullptr),
      nemo_context_model_info(context, &info, nullptr),
      nemo_tokenize(context, "a", 1, 0, tokens, 8, &n, nullptr),
  };
  int number = 1;
  for (const nemo_status status : found) {
    if (status != NEMO_E_FORKED) return number;
    ++number;
  }
  if (error.code != NEMO_E_FORKED || error.message[0] == '\0') return 100;
  if (std::strcmp(nemo_status_string(NEMO_E_FORKED), "NEMO_E_FORKED") != 0) return 101;
  nemo_session_free(session);
  nemo_context_free(context);
  nemo_session_free(session);  // did nothing: so once more
  nemo_context_free(context);
  // A context of the child's own works.
  nemo_context_options options = NEMO_CONTEXT_OPTIONS_INIT;
  options.n_threads = 2;
  nemo_context* own = nullptr;
  if (nemo_context_load(kModel, &options, &own, nullptr) != NEMO_OK) return 102;
  if (nemo_session_create(own, nullptr, &made, nullptr) != NEMO_OK) return 103;
  if (nemo_session_eval(made, kPrompt.data(), kPrompt.size(), nullptr, 0, nullptr) != NEMO_OK)
    return 104;
  nemo_session_free(made);
  nemo_context_free(own);
  return 0;
}

#ifdef __SANITIZE_ADDRESS__
// Whether every thread but this one sleeps.
bool others_sleep() {
  const auto self = static_cast<pid_t>(syscall(SYS_gettid));
  for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
    if (task.path().filename() == std::to_string(self)) continue;
    std::ifstream file(task.path() / "stat");
    std::string line;
    std::getline(file, line);
    const std::size_t name_end = line.rfind(") ");  // "id (name) state ..."
    if (name_end != std::string::npos && line[name_end + 2] != 'S') return false;
  }
  return true;
}
#endif

// fork(), from any moment of the other threads. Not under AddressSanitizer: that of GCC 12 leaves
// the locks of its allocator in the child as they were, so there no thread may be inside it.
pid_t fork_anywhere() {
#ifdef __SANITIZE_ADDRESS__
  while (!others_sleep()) std::this_thread::yield();
#endif
  return fork();
}

}  // namespace

TEST_CASE("in a child of fork() a context says so, and the parent's goes on") {
  const auto expected = plain_logits();
  nemo_context_options options = NEMO_CONTEXT_OPTIONS_INIT;
  options.n_threads = 2;
  options.worker = GENERATE(0u, 1u);
  nemo_context* context = load_with(options);
  nemo_session* session = nullptr;
  REQUIRE(nemo_session_create(context, nullptr, &session, nullptr) == NEMO_OK);
  const pid_t child = fork_anywhere();
  REQUIRE(child >= 0);
  if (child == 0) {
    alarm(20);
    _exit(check_child(context, session));
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  REQUIRE(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
  CHECK(logits_of(context) == expected);
  nemo_session_free(session);
  nemo_context_free(context);
}
