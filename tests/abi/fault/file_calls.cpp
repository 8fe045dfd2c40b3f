#include "file_calls.h"

#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstring>

using fault::FileCall;
using fault::FileFault;

namespace {

enum class Mode : std::uint8_t { kOff, kWatch, kFail, kDisturb };

struct File {
  std::array<char, 512> path{};
  int flags = 0;  // of open
  bool is_open = false;
};
constexpr std::int64_t kMaxWatched = 1 << 16;

std::atomic<Mode> mode{Mode::kOff};
std::atomic<std::int64_t> n_calls{0};
std::atomic<std::int64_t> n_open{0};
std::array<FileCall, kMaxWatched> watched;
std::array<File, 1024> files;  // by descriptor
struct Mapping {
  std::byte* begin = nullptr;
  std::size_t size = 0;
  File file;
};
std::array<Mapping, 64> mappings;  // of files
std::atomic<bool> is_plain{false};

// Of the fault that was ordered.
std::int64_t fault_index = -1;
FileFault the_fault;
FileCall lasting_call;  // of the call that was hit
bool is_fault_lasting = false;
std::atomic<std::size_t> n_hits{0};
std::array<File, 256> hits;

constexpr FileFault kInterrupted = {FileFault::Kind::kError, EINTR, true};
constexpr FileFault kShortTransfer = {FileFault::Kind::kShort, 0, true};
constexpr FileFault kNoTransfer = {FileFault::Kind::kEnd, 0, false};
constexpr FileFault error_of(int error) { return {FileFault::Kind::kError, error, false}; }
constexpr FileFault harmless(int error) { return {FileFault::Kind::kError, error, true}; }

constexpr std::array kOpenFaults = {error_of(EMFILE), error_of(EIO), error_of(EACCES),
                                    kInterrupted};
constexpr std::array kReadFaults = {error_of(EIO), kNoTransfer, kInterrupted, kShortTransfer};
constexpr std::array kWriteFaults = {error_of(ENOSPC), error_of(EIO), kNoTransfer, kInterrupted,
                                     kShortTransfer};
constexpr std::array kErrorOrInterrupt = {error_of(EIO), kInterrupted};
// Not every file system can reserve.
constexpr std::array kReserveFaults = {error_of(ENOSPC), kInterrupted, harmless(EOPNOTSUPP)};
constexpr std::array kNoRoom = {error_of(ENOSPC)};
constexpr std::array kLockFaults = {harmless(ENOLCK), kInterrupted};  // nor lock
constexpr std::array kFailure = {error_of(EIO)};
constexpr std::array kMapFaults = {error_of(ENODEV), error_of(EACCES)};
// Older kernels do not know the advice; where a kernel cannot follow it now, it will later.
constexpr std::array kPopulateFaults = {error_of(EFAULT), kInterrupted, harmless(EINVAL),
                                        harmless(EAGAIN)};
constexpr std::array kListFaults = {error_of(EMFILE), error_of(EACCES)};

constexpr std::array<std::string_view, fault::kFileCalls> kNames = {
    "open",  "fstat", "pread", "pwrite", "fsync",   "close",   "rename", "fallocate", "ftruncate",
    "flock", "stat",  "lstat", "mkdir",  "opendir", "readdir", "mmap",   "madvise"};

File& file_of(int descriptor) {
  static File none;
  const auto i = static_cast<std::size_t>(descriptor);
  return i < files.size() ? files[i] : none;
}

// The mapping that holds the address; null for memory that is no file's.
Mapping* mapping_at(void* at) {
  for (Mapping& mapping : mappings)
    if (mapping.begin != nullptr && at >= mapping.begin && at < mapping.begin + mapping.size)
      return &mapping;
  return nullptr;
}

// Descriptors that others opened, such as libstdc++ by openat, are not counted.
void opened(int descriptor, const File& file) {
  File& to = file_of(descriptor);
  to = file;
  to.is_open = true;
  ++n_open;
}

void closed(int descriptor) {
  File& file = file_of(descriptor);
  if (file.is_open) --n_open;
  file = {};
}

File named(const char* path, int flags = 0) {
  File file;
  std::snprintf(file.path.data(), file.path.size(), "%s", path);
  file.flags = flags;
  return file;
}

bool transfers(FileCall call) { return call == FileCall::kPread || call == FileCall::kPwrite; }

bool may_be_interrupted(FileCall call) {
  for (const FileFault& fault : fault::faults_of(call))
    if (fault.error == EINTR) return true;
  return false;
}

// The fault of this call, or null.
const FileFault* fault_now(FileCall call, const File& file) {
  const Mode now = mode.load(std::memory_order_relaxed);
  if (now == Mode::kOff) return nullptr;
  const std::int64_t n = n_calls.fetch_add(1);
  if (now == Mode::kWatch && n < kMaxWatched) watched[static_cast<std::size_t>(n)] = call;
  if (now == Mode::kDisturb) {
    if (n % 2 == 0 && may_be_interrupted(call)) return &kInterrupted;
    return transfers(call) ? &kShortTransfer : nullptr;
  }
  if (now != Mode::kFail) return nullptr;
  if (n == fault_index) lasting_call = call;
  if (n != fault_index && (!is_fault_lasting || n_hits == 0 || call != lasting_call))
    return nullptr;
  const std::size_t hit = n_hits.fetch_add(1);
  if (hit < hits.size()) hits[hit] = file;
  return &the_fault;
}

template <typename Function>
Function* real(const char* name) {
  return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

int not_there(int error) {
  errno = error;
  return -1;
}

// Counts the call, and fails it or makes it. For calls that return 0, or -1 and errno.
template <typename Call>
int fail_or(FileCall call, const File& file, const Call& make) {
  if (const FileFault* fault = fault_now(call, file)) {
    errno = fault->error;
    return -1;
  }
  return make();
}

// One byte, and of many bytes a few.
std::size_t little_of(std::size_t size) {
  constexpr std::size_t kFew = 4096;
  return size == 0 ? 0 : size < kFew ? 1 : size / 64;
}

// The same for reads and writes of `size` bytes.
template <typename Call>
ssize_t transfer(FileCall call, int descriptor, std::size_t size, const Call& make) {
  const FileFault* fault = fault_now(call, file_of(descriptor));
  if (fault == nullptr) return make(size);
  if (fault->kind == FileFault::Kind::kShort) return make(little_of(size));
  if (fault->kind == FileFault::Kind::kEnd) return 0;
  errno = fault->error;
  return -1;
}

}  // namespace

extern "C" {

int open(const char* path, int flags, ...) {
  static auto* const next = real<int(const char*, int, ...)>("open");
  mode_t permissions = 0;
  if ((flags & O_CREAT) != 0) {
    va_list more;
    va_start(more, flags);
    permissions = va_arg(more, mode_t);
    va_end(more);
  }
  const int descriptor =
      fail_or(FileCall::kOpen, named(path, flags), [&] { return next(path, flags, permissions); });
  if (descriptor >= 0) opened(descriptor, named(path, flags));
  return descriptor;
}

int close(int descriptor) {
  static auto* const next = real<int(int)>("close");
  const File file = file_of(descriptor);
  closed(descriptor);
  if (next(descriptor) != 0) return -1;
  return fail_or(FileCall::kClose, file, [] { return 0; });
}

ssize_t pread(int descriptor, void* out, std::size_t size, off_t offset) {
  static auto* const next = real<ssize_t(int, void*, std::size_t, off_t)>("pread");
  return transfer(FileCall::kPread, descriptor, size,
                  [&](std::size_t n) { return next(descriptor, out, n, offset); });
}

ssize_t pwrite(int descriptor, const void* from, std::size_t size, off_t offset) {
  static auto* const next = real<ssize_t(int, const void*, std::size_t, off_t)>("pwrite");
  return transfer(FileCall::kPwrite, descriptor, size,
                  [&](std::size_t n) { return next(descriptor, from, n, offset); });
}

int fsync(int descriptor) {
  // Nothing is lost that the test needs, and a disk takes its time.
  return fail_or(FileCall::kFsync, file_of(descriptor), [] { return 0; });
}

int flock(int descriptor, int operation) noexcept {
  static auto* const next = real<int(int, int)>("flock");
  return fail_or(FileCall::kFlock, file_of(descriptor),
                 [&] { return is_plain ? not_there(ENOLCK) : next(descriptor, operation); });
}

int fallocate(int descriptor, int how, off_t offset, off_t size) {
  static auto* const next = real<int(int, int, off_t, off_t)>("fallocate");
  return fail_or(FileCall::kFallocate, file_of(descriptor), [&] {
    return is_plain ? not_there(EOPNOTSUPP) : next(descriptor, how, offset, size);
  });
}

int ftruncate(int descriptor, off_t size) noexcept {
  static auto* const next = real<int(int, off_t)>("ftruncate");
  return fail_or(FileCall::kFtruncate, file_of(descriptor), [&] { return next(descriptor, size); });
}

int fstat(int descriptor, struct stat* out) noexcept {
  static auto* const next = real<int(int, struct stat*)>("fstat");
  return fail_or(FileCall::kFstat, file_of(descriptor), [&] { return next(descriptor, out); });
}

int stat(const char* path, struct stat* out) noexcept {
  static auto* const next = real<int(const char*, struct stat*)>("stat");
  return fail_or(FileCall::kStat, named(path), [&] { return next(path, out); });
}

int lstat(const char* path, struct stat* out) noexcept {
  static auto* const next = real<int(const char*, struct stat*)>("lstat");
  return fail_or(FileCall::kLstat, named(path), [&] { return next(path, out); });
}

int rename(const char* from, const char* to) noexcept {
  static auto* const next = real<int(const char*, const char*)>("rename");
  return fail_or(FileCall::kRename, named(to), [&] { return next(from, to); });
}

int mkdir(const char* path, mode_t permissions) noexcept {
  static auto* const next = real<int(const char*, mode_t)>("mkdir");
  return fail_or(FileCall::kMkdir, named(path), [&] { return next(path, permissions); });
}

DIR* opendir(const char* path) {
  static auto* const next = real<DIR*(const char*)>("opendir");
  DIR* folder = nullptr;
  if (fail_or(FileCall::kOpendir, named(path), [] { return 0; }) == 0) folder = next(path);
  if (folder != nullptr) opened(::dirfd(folder), named(path, O_DIRECTORY));
  return folder;
}

dirent* readdir(DIR* folder) {
  static auto* const next = real<dirent*(DIR*)>("readdir");
  if (fail_or(FileCall::kReaddir, file_of(::dirfd(folder)), [] { return 0; }) != 0) return nullptr;
  return next(folder);
}

int closedir(DIR* folder) {
  static auto* const next = real<int(DIR*)>("closedir");
  closed(::dirfd(folder));
  return next(folder);
}

void* mmap(void* at, std::size_t size, int protection, int flags, int descriptor,
           off_t offset) noexcept {
  static auto* const next = real<void*(void*, std::size_t, int, int, int, off_t)>("mmap");
  const auto make = [&] { return next(at, size, protection, flags, descriptor, offset); };
  if (descriptor < 0) return make();
  const File file = file_of(descriptor);
  if (fail_or(FileCall::kMmap, file, [] { return 0; }) != 0) return MAP_FAILED;
  void* memory = make();
  for (Mapping& mapping : mappings) {
    if (memory == MAP_FAILED || mapping.begin != nullptr) continue;
    mapping = {static_cast<std::byte*>(memory), size, file};
    ++n_open;
    break;
  }
  return memory;
}

int munmap(void* at, std::size_t size) noexcept {
  static auto* const next = real<int(void*, std::size_t)>("munmap");
  if (Mapping* mapping = mapping_at(at)) {
    *mapping = {};
    --n_open;
  }
  return next(at, size);
}

int madvise(void* at, std::size_t size, int advice) noexcept {
  static auto* const next = real<int(void*, std::size_t, int)>("madvise");
  const Mapping* mapping = mapping_at(at);
  const auto make = [&] { return next(at, size, advice); };
#ifdef MADV_POPULATE_READ
  if (mapping != nullptr && advice == MADV_POPULATE_READ)
    return fail_or(FileCall::kMadvise, mapping->file, make);
#endif
  return make();
}

}  // extern "C"

namespace fault {

std::string_view name_of(FileCall call) { return kNames[static_cast<std::size_t>(call)]; }

std::span<const FileFault> faults_of(FileCall call) {
  switch (call) {
    case FileCall::kOpen:
      return kOpenFaults;
    case FileCall::kPread:
      return kReadFaults;
    case FileCall::kPwrite:
      return kWriteFaults;
    case FileCall::kFsync:
    case FileCall::kClose:
      return kErrorOrInterrupt;
    case FileCall::kFallocate:
      return kReserveFaults;
    case FileCall::kFtruncate:
    case FileCall::kMkdir:
      return kNoRoom;
    case FileCall::kFlock:
      return kLockFaults;
    case FileCall::kOpendir:
      return kListFaults;
    case FileCall::kMmap:
      return kMapFaults;
    case FileCall::kMadvise:
      return kPopulateFaults;
    default:
      return kFailure;
  }
}

void fail_file_call(std::int64_t n, const FileFault& fault, bool is_lasting) {
  fault_index = n;
  the_fault = fault;
  is_fault_lasting = is_lasting;
  n_hits = 0;
  n_calls = 0;
  mode = Mode::kFail;
}

void disturb_file_calls() {
  n_calls = 0;
  mode = Mode::kDisturb;
}

void watch_file_calls() {
  n_calls = 0;
  mode = Mode::kWatch;
}

FileCalls stop_file_faults() {
  const bool was_failing = mode.exchange(Mode::kOff) == Mode::kFail;
  FileCalls calls;
  calls.n = n_calls;
  if (!was_failing) return calls;
  for (std::size_t i = 0; i < std::min<std::size_t>(n_hits, hits.size()); ++i)
    calls.paths.emplace_back(hits[i].path.data());
  calls.is_folder = (hits[0].flags & O_DIRECTORY) != 0;
  calls.is_written = (hits[0].flags & O_ACCMODE) != O_RDONLY;
  return calls;
}

void use_plain_file_system(bool is_plain_now) { is_plain = is_plain_now; }

FileCall watched_call(std::int64_t n) { return watched[static_cast<std::size_t>(n)]; }

std::int64_t n_open_files() { return n_open; }

}  // namespace fault
