// Saving while the world ends: a process that is killed, a disk that is full. The path holds the
// old file or the new one, whole, and nothing piles up beside it.
#include <fcntl.h>
#include <nemotron/nemotron.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <random>
#include <thread>
#include <vector>

#include "lib/io/temp_folder.h"

using nemotron::TempFolder;

namespace {

const std::string kModel = NEMO_TEST_SOURCE_DIR "/data/model/hf/tiny_chat";

struct Free {
  void operator()(nemo_context* context) const { nemo_context_free(context); }
  void operator()(nemo_session* session) const { nemo_session_free(session); }
};
using Context = std::unique_ptr<nemo_context, Free>;
using Session = std::unique_ptr<nemo_session, Free>;
using Tokens = std::vector<std::int32_t>;

Context load() {
  nemo_context* context = nullptr;
  REQUIRE(nemo_context_load(kModel.c_str(), nullptr, &context, nullptr) == NEMO_OK);
  return Context(context);
}

Session session_with(const Context& context, const Tokens& tokens) {
  nemo_session* session = nullptr;
  REQUIRE(nemo_session_create(context.get(), nullptr, &session, nullptr) == NEMO_OK);
  REQUIRE(nemo_session_eval(session, tokens.data(), tokens.size(), nullptr, 0, nullptr) == NEMO_OK);
  return Session(session);
}

Tokens tokens_of(nemo_session* session) {
  Tokens tokens(nemo_session_position(session));
  std::size_t n = 0;
  REQUIRE(nemo_session_tokens(session, tokens.data(), tokens.size(), &n, nullptr) == NEMO_OK);
  return tokens;
}

Session restore(const Context& context, const std::string& path) {
  nemo_session* session = nullptr;
  nemo_error error = NEMO_ERROR_INIT;
  const nemo_status status =
      nemo_session_restore(context.get(), path.c_str(), nullptr, &session, &error);
  INFO(error.message);
  REQUIRE(status == NEMO_OK);
  return Session(session);
}

std::size_t n_files(const std::string& folder) {
  return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder), {}));
}

// The program beside this one that saves in a loop; killed when this goes.
class SaveLoop {
 public:
  explicit SaveLoop(const std::string& path) {
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    std::string program = NEMO_SAVE_LOOP, model = kModel, target = path;
    char* arguments[] = {program.data(), model.data(), target.data(), nullptr};
    const int spawned =
        ::posix_spawn(&process_, program.c_str(), &actions, nullptr, arguments, environ);
    ::posix_spawn_file_actions_destroy(&actions);
    ::close(ends[1]);
    REQUIRE(spawned == 0);
    char first = 0;
    const bool is_ready = ::read(ends[0], &first, 1) == 1;
    ::close(ends[0]);
    REQUIRE(is_ready);
  }
  SaveLoop(const SaveLoop&) = delete;
  SaveLoop& operator=(const SaveLoop&) = delete;

  // Whether it ran until it was killed.
  bool kill() {
    ::kill(process_, SIGKILL);
    int status = 0;
    ::waitpid(process_, &status, 0);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
  }

 private:
  pid_t process_ = 0;
};

}  // namespace

TEST_CASE("killed at any moment, saving leaves the old file or the new one") {
  const char* wanted = std::getenv("NEMO_KILL_ROUNDS");
  const int n_rounds = wanted == nullptr ? 50 : std::atoi(wanted);
  const TempFolder folder;
  const std::string path = folder.file("session");
  const Context context = load();
  std::mt19937 random(1);
  std::uniform_int_distribution<int> microseconds(0, 20000);
  int n_of[2] = {}, n_left_behind = 0;
  for (int round = 0; round < n_rounds; ++round) {
    SaveLoop loop(path);
    std::this_thread::sleep_for(std::chrono::microseconds(microseconds(random)));
    REQUIRE(loop.kill());
    const Tokens tokens = tokens_of(restore(context, path).get());
    REQUIRE((tokens == Tokens(60, 1) || tokens == Tokens(400, 2)));
    ++n_of[tokens.size() == 400];
    n_left_behind += n_files(folder.path()) > 1;
    REQUIRE(n_files(folder.path()) <= 2);  // of the last one killed, not of those before
  }
  INFO(n_of[0] << " of the first, " << n_of[1]
               << " of the second, killed in the middle: " << n_left_behind);
  CHECK(n_of[0] + n_of[1] == n_rounds);
  if (wanted != nullptr) WARN(n_of[0] << " + " << n_of[1] << ", in the middle " << n_left_behind);
  // The next save cleans up.
  const Session session = session_with(context, Tokens(5, 3));
  REQUIRE(nemo_session_save(session.get(), path.c_str(), nullptr, nullptr) == NEMO_OK);
  CHECK(n_files(folder.path()) == 1);
}

TEST_CASE("a full disk leaves the old file, and nothing beside it") {
  const TempFolder folder;
  const std::string path = folder.file("session");
  const Context context = load();
  const Session old = session_with(context, Tokens(5, 3));
  REQUIRE(nemo_session_save(old.get(), path.c_str(), nullptr, nullptr) == NEMO_OK);
  const Session larger = session_with(context, Tokens(400, 4));
  nemo_error error = NEMO_ERROR_INIT;
  {
    const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
    rlimit before{};
    ::getrlimit(RLIMIT_FSIZE, &before);
    const rlimit limit{std::filesystem::file_size(path) + 100, before.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    const nemo_status status = nemo_session_save(larger.get(), path.c_str(), nullptr, &error);
    ::setrlimit(RLIMIT_FSIZE, &before);
    std::signal(SIGXFSZ, old_handler);
    CHECK(status == NEMO_E_FILE_WRITE);
    CHECK(std::string(error.message).find(path) != std::string::npos);
  }
  CHECK(n_files(folder.path()) == 1);
  CHECK(tokens_of(restore(context, path).get()) == Tokens(5, 3));
  CHECK(nemo_session_save(larger.get(), "/dev/full", nullptr, &error) == NEMO_E_FILE_WRITE);
  CHECK(nemo_session_save(larger.get(), folder.file("no/x").c_str(), nullptr, &error) ==
        NEMO_E_FILE_WRITE);
  REQUIRE(nemo_session_save(larger.get(), path.c_str(), nullptr, nullptr) == NEMO_OK);
  CHECK(tokens_of(restore(context, path).get()) == Tokens(400, 4));
}
