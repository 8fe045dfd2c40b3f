#include "file_faults.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstring>

#include "memory.h"

namespace fault {

namespace {

struct Alive {
  std::int64_t news = new_counts().n_alive;
  std::int64_t buffers = buffer_counts().n_alive;
  std::int64_t files = n_open_files();
};

// "folder/.name.PID.N.part" is "name" in messages.
std::string_view known_name(std::string_view path) {
  while (path.ends_with('/')) path.remove_suffix(1);
  path = path.substr(path.rfind('/') + 1);
  if (!path.starts_with('.') || !path.ends_with(".part")) return path;
  path.remove_prefix(1);
  for (int i = 0; i < 3; ++i) path = path.substr(0, path.rfind('.'));
  return path;
}

bool holds(const char* text, std::string_view part) {
  return std::string_view(text).find(part) != std::string_view::npos;
}

// What was ordered and what came of it.
struct Case {
  FileCall call = FileCall::kOpen;
  FileFault fault;
  FileCalls calls;
};

// Whether a call's failure may be passed over where it does not matter.
bool may_be_ignored(const Case& c) {
  switch (c.call) {
    case FileCall::kClose:
      return !c.calls.is_written;
    // Names of abandoned files are asked for in passing.
    case FileCall::kOpendir:
    case FileCall::kReaddir:
      return true;
    // A folder that may be written and not read cannot be synced.
    case FileCall::kOpen:
      return c.calls.is_folder && c.fault.error == EACCES;
    default:
      return false;
  }
}

const char* judge_failure(const Attempt& attempt, const Case& c) {
  if (attempt.status != attempt.error.code) return "the error has another status";
  if (c.fault.kind == FileFault::Kind::kEnd && c.call == FileCall::kPread)
    return attempt.status == NEMO_E_FILE_CHANGED ? nullptr
                                                 : "a cut file is not NEMO_E_FILE_CHANGED";
  if (attempt.status != NEMO_E_FILE_READ && attempt.status != NEMO_E_FILE_WRITE)
    return "neither NEMO_E_FILE_READ nor NEMO_E_FILE_WRITE";
  if (std::ranges::none_of(c.calls.paths, [&](const std::string& path) {
        return holds(attempt.error.message, known_name(path));
      }))
    return "the message does not name the file";
  const int error = c.fault.kind == FileFault::Kind::kEnd ? ENOSPC : c.fault.error;
  if (!holds(attempt.error.message, std::strerror(error)))
    return "the message does not tell the reason";
  return nullptr;
}

// Null, or what is wrong.
const char* judge(const Attempt& attempt, const Attempt& truth, const Case& c) {
  if (attempt.wrong != nullptr) return attempt.wrong;
  if (c.calls.paths.empty()) return "another sequence of calls";
  if (attempt.status == NEMO_OK) {
    if (!c.fault.is_harmless && !may_be_ignored(c)) return "the fault was passed over";
    return attempt.outcome == truth.outcome ? nullptr : "another outcome";
  }
  return c.fault.is_harmless ? "a harmless fault shows" : judge_failure(attempt, c);
}

struct Verdict {
  const char* wrong = nullptr;
  bool has_failed = false;
  nemo_error error = NEMO_ERROR_INIT;
};

Verdict run(const Attempting& attempt, const Attempt& truth, std::int64_t n, const Case& ordered,
            bool is_lasting) {
  const Alive before;
  Verdict verdict;
  {
    Case c = ordered;
    const Attempt found = attempt([&](const std::function<void()>& call) {
      fail_file_call(n, c.fault, is_lasting);
      call();
      c.calls = stop_file_faults();
    });
    verdict = {judge(found, truth, c), found.status != NEMO_OK, found.error};
  }
  const Alive after;
  if (verdict.wrong != nullptr) return verdict;
  if (after.news != before.news) verdict.wrong = "memory is lost";
  if (after.buffers != before.buffers) verdict.wrong = "a buffer is lost";
  if (after.files != before.files) verdict.wrong = "a descriptor is lost";
  return verdict;
}

void report(const Verdict& verdict, std::int64_t n, const Case& c, bool is_lasting) {
  const char* const how = c.fault.kind == FileFault::Kind::kShort ? "one byte"
                          : c.fault.kind == FileFault::Kind::kEnd ? "nothing"
                                                                  : std::strerror(c.fault.error);
  INFO("call " << n << ", " << name_of(c.call) << ": " << how
               << (is_lasting ? ", from then on" : ""));
  INFO("message: " << verdict.error.message);
  CHECK(std::string(verdict.wrong) == "");
}

}  // namespace

int check_each_fault(const Attempting& attempt, Faults which) {
  std::int64_t n_calls = 0;
  const auto watched = [&](const std::function<void()>& call) {
    watch_file_calls();
    call();
    n_calls = stop_file_faults().n;
  };
  attempt(watched);  // what is made once in a process
  const Attempt truth = attempt(watched);
  INFO(truth.error.message);
  REQUIRE(truth.status == NEMO_OK);
  REQUIRE(std::string(truth.wrong == nullptr ? "" : truth.wrong) == "");
  REQUIRE(n_calls > 0);

  const Attempt slow = attempt([](const std::function<void()>& call) {
    disturb_file_calls();
    call();
    stop_file_faults();
  });
  {
    INFO(slow.error.message);
    CHECK(slow.status == NEMO_OK);
    CHECK(slow.outcome == truth.outcome);
  }

  int n_failed = 0;
  for (std::int64_t n = 0; n < n_calls; ++n) {
    Case c;
    c.call = watched_call(n);
    for (const FileFault& fault : faults_of(c.call)) {
      c.fault = fault;
      const auto n_faults = static_cast<std::int64_t>(faults_of(c.call).size());
      const bool is_turn = &fault == &faults_of(c.call)[static_cast<std::size_t>(n % n_faults)];
      if (which == Faults::kOneOfEachCall && !is_turn) continue;
      for (const bool is_lasting : {false, true}) {
        if (is_lasting && fault.is_harmless) continue;  // the slow attempt was that
        const Verdict verdict = run(attempt, truth, n, c, is_lasting);
        n_failed += verdict.has_failed;
        if (verdict.wrong != nullptr) report(verdict, n, c, is_lasting);
      }
    }
  }
  return n_failed;
}

}  // namespace fault
