// POSIX: O_EXCL for a name nobody has, a lock as long as it is written, pwrite from any thread,
// fsync, rename, fsync of the folder.
#include "io/output_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <utility>

#include "base/text.h"
#include "io/paths.h"
#include "io/system_error.h"

namespace nemotron {
namespace {

Status check_path(const std::string& path) {
  if (!path.empty() && path.find('\0') == std::string::npos) return Status::ok();
  return {StatusCode::kInvalidArgument, "an output path is empty or holds a NUL byte"};
}

// "folder/.name.PID.N.part": hidden, and of this process.
std::string temporary_name(const std::string& path, int attempt) {
  return join_path(parent_directory(path),
                   join(".", file_name_of(path), ".", ::getpid(), ".", attempt, ".part"));
}

constexpr int kMaxAttempts = 1000;

// Looking at what is to be written to is part of writing.
template <typename T>
Result<T> for_writing(Result<T> result) {
  if (result.is_ok()) return result;
  return Status(StatusCode::kFileWrite, result.status().message());
}

// A device, a pipe or a socket would be replaced by a file: nobody means that.
Status check_target(const std::string& path) {
  NEMO_ASSIGN(const PathKind kind, for_writing(kind_of(path)));
  if (kind == PathKind::kFolder) return cannot_write("write", path, EISDIR);
  if (kind != PathKind::kOther) return Status::ok();
  return {StatusCode::kFileWrite, join("cannot write '", path, "': it is not a regular file")};
}

// Calls until the call is not interrupted: 0, or the error.
template <typename Call>
int error_of(const Call& call) {
  for (;;) {
    if (call() == 0) return 0;
    if (errno != EINTR) return errno;
  }
}

// Whoever writes a temporary file holds its lock, and a process that was killed holds none. EEXIST
// when there is such a file, and when this one was taken for an abandoned one before it was locked.
int open_locked(const std::string& path, Descriptor& out) {
  Descriptor file = Descriptor::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (!file.is_open()) return errno;
  (void)error_of([&] { return ::flock(file.number(), LOCK_EX); });  // not everywhere can one lock
  struct stat info {};
  if (::fstat(file.number(), &info) != 0) {
    const int error = errno;
    ::unlink(path.c_str());
    return error;
  }
  if (info.st_nlink == 0) return EEXIST;
  out = std::move(file);
  return 0;
}

// Removes what writers of `path` left behind that were killed.
void remove_abandoned(const std::string& path) {
  const std::string folder = parent_directory(path);
  const std::string prefix = join(".", file_name_of(path), ".");
  constexpr std::string_view kSuffix = ".part";
  const auto names = list_directory(folder);
  if (!names.is_ok()) return;
  for (const std::string& name : names.value()) {
    if (!name.starts_with(prefix) || !name.ends_with(kSuffix)) continue;
    const std::string_view numbers =
        std::string_view(name).substr(prefix.size(), name.size() - prefix.size() - kSuffix.size());
    if (numbers.empty() || numbers.find_first_not_of("0123456789.") != numbers.npos) continue;
    const std::string abandoned = join_path(folder, name);
    const Descriptor file =
        Descriptor::open(abandoned.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (file.is_open() && ::flock(file.number(), LOCK_EX | LOCK_NB) == 0)
      ::unlink(abandoned.c_str());
  }
}

// The folder of `path`, to sync it; closed when it may be written to and not be read.
Status open_folder(const std::string& path, Descriptor& out) {
  const std::string folder = parent_directory(path);
  out = Descriptor::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (out.is_open() || errno == EACCES) return Status::ok();
  return cannot_write("open the folder", folder, errno);
}

// `temporary` is empty as soon as nothing has that name: it is for another writer to take then.
Status rename_whole(std::string& temporary, const std::string& path) {
  // Before there is something to sync: afterwards this failure would come too late.
  Descriptor folder;
  NEMO_TRY(open_folder(path, folder));
  if (::rename(temporary.c_str(), path.c_str()) != 0) return cannot_write("rename to", path, errno);
  temporary.clear();
  if (!folder.is_open()) return Status::ok();
  // Without this a crash could lose the name again. Some file systems cannot sync a folder; then
  // there is nothing more to be done.
  const int error = error_of([&] { return ::fsync(folder.number()); });
  if (error == 0 || error == EINVAL) return Status::ok();
  return cannot_write("sync the folder", parent_directory(path), error)
      .with_prefix(join("'", path, "' is written, but may not outlast a power cut"));
}

// 0, or the error; EOPNOTSUPP becomes a file of that length without reserved blocks.
int reserve(const Descriptor& file, std::uint64_t size_bytes) {
  if (size_bytes == 0) return 0;
  const auto size = static_cast<off_t>(size_bytes);
#if defined(__linux__)
  const int error = error_of([&] { return ::fallocate(file.number(), 0, 0, size); });
  if (error != EOPNOTSUPP && error != ENOSYS) return error;
#endif
  return error_of([&] { return ::ftruncate(file.number(), size); });
}

}  // namespace

OutputFile::OutputFile(std::string path, std::uint64_t size_bytes)
    : path_(std::move(path)), size_bytes_(size_bytes) {}

OutputFile::~OutputFile() {
  (void)descriptor_.close();
  if (!temporary_path_.empty()) ::unlink(temporary_path_.c_str());
}

Result<std::unique_ptr<OutputFile>> OutputFile::create(const std::string& path,
                                                       std::uint64_t size_bytes) {
  NEMO_TRY(check_path(path));
  NEMO_TRY(check_target(path));
  if (size_bytes > INT64_MAX) return cannot_write("write", path, EFBIG);
  remove_abandoned(path);
  std::unique_ptr<OutputFile> file(new OutputFile(path, size_bytes));
  for (int attempt = 0;; ++attempt) {
    std::string temporary = temporary_name(path, attempt);
    const int error = open_locked(temporary, file->descriptor_);
    if (error == EEXIST && attempt < kMaxAttempts) continue;
    if (error != 0) return cannot_write("create", path, error);
    file->temporary_path_ = std::move(temporary);
    break;
  }
  const int error = reserve(file->descriptor_, size_bytes);
  if (error != 0) return cannot_write(join("reserve ", size_bytes, " bytes for"), path, error);
  return file;
}

Status OutputFile::write_at(std::uint64_t offset, std::span<const std::byte> bytes) {
  if (offset > size_bytes_ || bytes.size() > size_bytes_ - offset)
    return {StatusCode::kInternal, join("writing behind the end of '", path_, "'")};
  constexpr std::size_t kMaxWriteBytes = std::size_t{1} << 28;
  while (!bytes.empty()) {
    const ssize_t n_written =
        ::pwrite(descriptor_.number(), bytes.data(), std::min(bytes.size(), kMaxWriteBytes),
                 static_cast<off_t>(offset));
    if (n_written < 0 && errno == EINTR) continue;
    // A regular file that takes nothing without an error would be taken again for ever.
    if (n_written <= 0) return cannot_write("write", path_, n_written < 0 ? errno : ENOSPC);
    bytes = bytes.subspan(static_cast<std::size_t>(n_written));
    offset += static_cast<std::uint64_t>(n_written);
  }
  return Status::ok();
}

Status OutputFile::commit() {
  const int sync_error = error_of([&] { return ::fsync(descriptor_.number()); });
  if (sync_error != 0) return cannot_write("sync", path_, sync_error);
  const int close_error = descriptor_.close();
  if (close_error != 0) return cannot_write("close", path_, close_error);
  return rename_whole(temporary_path_, path_);
}

Status write_file(const std::string& path, std::string_view text) {
  NEMO_ASSIGN(const auto file, OutputFile::create(path, text.size()));
  NEMO_TRY(file->write_at(0, std::as_bytes(std::span(text))));
  return file->commit();
}

Result<std::unique_ptr<OutputFolder>> OutputFolder::create(const std::string& user_path) {
  NEMO_TRY(check_path(user_path));
  std::string path = user_path;
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  struct stat info {};
  const bool is_there = ::lstat(path.c_str(), &info) == 0;
  if (!is_there && errno != ENOENT) return cannot_write("make the folder", path, errno);
  if (is_there) {
    NEMO_ASSIGN(const PathKind kind, for_writing(kind_of(path)));
    if (kind != PathKind::kFolder) return cannot_write("make the folder", path, EEXIST);
    NEMO_ASSIGN(const auto names, for_writing(list_directory(path)));
    if (!names.empty()) return cannot_write("make the folder", path, ENOTEMPTY);
  }
  std::unique_ptr<OutputFolder> folder(new OutputFolder(path));
  for (int attempt = 0;; ++attempt) {
    std::string temporary = temporary_name(path, attempt);
    if (::mkdir(temporary.c_str(), 0777) == 0) {
      folder->temporary_path_ = std::move(temporary);
      return folder;
    }
    if (errno != EEXIST || attempt == kMaxAttempts)
      return cannot_write("make the folder", path, errno);
  }
}

// Nothing that could fail on the way: it may be memory or descriptors that ran out.
OutputFolder::~OutputFolder() {
  if (temporary_path_.empty()) return;
  for (const std::string& file : files_) ::unlink(file.c_str());
  ::rmdir(temporary_path_.c_str());
}

std::string OutputFolder::file(const std::string& name) {
  return files_.emplace_back(join_path(temporary_path_, name));
}

Status OutputFolder::commit() { return rename_whole(temporary_path_, path_); }

}  // namespace nemotron
