// Disks and limits that fail while a session is saved or restored. The old file or the new one is
// there, whole, and nothing beside it; the session is what it was.
#include <catch2/catch.hpp>

#include "file_faults.h"
#include "file_fixture.h"

using namespace fault;

namespace {

const char* const kModel = "model/hf/tiny_chat";

// What the folder holds behind an attempt to replace `old`, as words, or null.
const char* look_at(const QuickFolder& folder, const std::string& old, const std::string& saved,
                    const Attempt& attempt) {
  if (names_in(folder.path()) != "session ") return "not one file alone";
  const std::string found = content(folder.file("session"));
  if (found == saved) return nullptr;
  if (attempt.status == NEMO_OK) return "success, and not what was saved";
  return found == old ? nullptr : "the old file is damaged";
}

int check_save() {
  const Context context = load(data_path(kModel));
  const Session session = session_with(context.get(), 70);
  const std::string saved = bytes_of(session.get());
  const std::string old = bytes_of(session_with(context.get(), 3).get());
  REQUIRE_FALSE(saved.empty());
  const QuickFolder folder;
  return check_each_fault([&](const Armed& armed) {
    Attempt attempt;
    folder.write("session", old);
    armed([&] {
      attempt.status =
          nemo_session_save(session.get(), folder.file("session").c_str(), nullptr, &attempt.error);
    });
    attempt.wrong = look_at(folder, old, saved, attempt);
    if (bytes_of(session.get()) != saved) attempt.wrong = "the session changed";
    return attempt;
  });
}

std::uint64_t used_bytes(nemo_context* context) {
  nemo_context_stats stats = NEMO_CONTEXT_STATS_INIT;
  nemo_context_get_stats(context, &stats, nullptr);
  return stats.state_bytes;
}

}  // namespace

TEST_CASE("files fail while a session is saved") { CHECK(check_save() > 20); }

TEST_CASE("files fail while a session is saved where blocks are not reserved") {
  use_plain_file_system(true);
  CHECK(check_save() > 20);
  use_plain_file_system(false);
}

TEST_CASE("a file that cannot even be removed is removed by the next save") {
  const Context context = load(data_path(kModel));
  const Session session = session_with(context.get(), 9);
  const QuickFolder folder;
  const std::string path = folder.file("session");
  folder.write(".session.4711.0.part", "left by a save that failed so");
  REQUIRE(nemo_session_save(session.get(), path.c_str(), nullptr, nullptr) == NEMO_OK);
  CHECK(names_in(folder.path()) == "session ");
}

TEST_CASE("files fail while a session is restored") {
  const Context context = load(data_path(kModel));
  const QuickFolder folder;
  const std::string path = folder.write("session", bytes_of(session_with(context.get(), 70).get()));
  const std::uint64_t used = used_bytes(context.get());
  const int n_failed = check_each_fault([&](const Armed& armed) {
    Attempt attempt;
    nemo_session* session = nullptr;
    armed([&] {
      attempt.status =
          nemo_session_restore(context.get(), path.c_str(), nullptr, &session, &attempt.error);
    });
    const Session owner(session);
    if ((session != nullptr) != (attempt.status == NEMO_OK))
      attempt.wrong = "a session and an error";
    if (session != nullptr) attempt.outcome = bytes_of(session);
    if (session == nullptr && used_bytes(context.get()) != used) attempt.wrong = "states are lost";
    return attempt;
  });
  CHECK(n_failed > 10);
}

TEST_CASE("memory runs out while a session is saved to a file") {
  const Context context = load(data_path(kModel));
  const Session session = session_with(context.get(), 70);
  const std::string saved = bytes_of(session.get());
  const QuickFolder folder;
  const std::string path = folder.write("session", "old");
  bool has_failed = true;
  int n = 0;
  for (; has_failed; ++n) {
    const std::int64_t n_files = n_open_files();
    fail_after(n, Failing::kUntilStopped);
    const nemo_status status = nemo_session_save(session.get(), path.c_str(), nullptr, nullptr);
    has_failed = stop_failing();
    INFO("allocation " << n);
    CHECK(status == (has_failed ? NEMO_E_OUT_OF_MEMORY : NEMO_OK));
    CHECK(n_open_files() == n_files);
    CHECK(names_in(folder.path()) == "session ");
    CHECK(content(path) == (has_failed ? "old" : saved));
  }
  CHECK(n > 20);
}
