// The system's calls about files under a test's control: this executable's open, pread, fsync, ...
// are found by the shared library before libc's. They count, they write down what they were called
// for, and one of them fails on demand, or all deliver little at a time.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace fault {

enum class FileCall : std::uint8_t {
  kOpen,
  kFstat,
  kPread,
  kPwrite,
  kFsync,
  kClose,
  kRename,
  kFallocate,
  kFtruncate,
  kFlock,
  kStat,
  kLstat,
  kMkdir,
  kOpendir,
  kReaddir,
  kMmap,     // of a file
  kMadvise,  // that brings pages of a file in
};
constexpr std::size_t kFileCalls = 17;
std::string_view name_of(FileCall call);

// What a call may be made to do instead of its work.
struct FileFault {
  enum class Kind : std::uint8_t {
    kError,  // fails with `error`, an errno; a close is done all the same
    kShort,  // transfers one byte, or of many a few
    kEnd,    // transfers none: a file that was cut, a disk that takes no more
  };
  Kind kind = Kind::kError;
  int error = 0;
  // The system may do so at any time, and whoever called must go on as if it had not.
  bool is_harmless = false;
};
std::span<const FileFault> faults_of(FileCall call);

// Calls are counted from 0, of all threads. The `n`-th gets the fault, and with `is_lasting` each
// of its kind after it, too.
void fail_file_call(std::int64_t n, const FileFault& fault, bool is_lasting);
// Every read and write is short, and of all calls that may be interrupted every other one is.
void disturb_file_calls();
// Counting alone.
void watch_file_calls();

struct FileCalls {
  std::int64_t n = 0;              // since one of the three above
  std::vector<std::string> paths;  // what those that were hit were about, in order
  bool is_folder = false;          // the first of these was opened as a folder
  bool is_written = false;         // or for writing
};
FileCalls stop_file_faults();
// From now on, a file system that can neither reserve blocks nor lock.
void use_plain_file_system(bool is_plain);
FileCall watched_call(std::int64_t n);  // of the last watch

// Descriptors and folders that were opened and not closed, and mappings of files that are left.
std::int64_t n_open_files();

}  // namespace fault
