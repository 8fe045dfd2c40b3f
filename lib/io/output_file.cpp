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
#include <system_error>
#include <utility>

#include "base/text.h"
#include "io/paths.h"

namespace nemotron {
namespace {

Status cannot(std::string_view what, const std::string& path, int error) {
  return {StatusCode::kFileWrite,
          join("cannot ", what, " '", path, "': ", std::generic_category().message(error))};
}

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

// A device, a pipe or a socket would be replaced by a file: nobody means that.
Status check_target(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0 || S_ISREG(info.st_mode)) return Status::ok();
  if (S_ISDIR(info.st_mode)) return cannot("write", path, EISDIR);
  return {StatusCode::kFileWrite, join("cannot write '", path, "': it is not a regular file")};
}

// Whoever writes a temporary file holds its lock, and a process that was killed holds none.
int open_locked(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (descriptor < 0) return descriptor;
  while (::flock(descriptor, LOCK_EX) != 0 && errno == EINTR) {
  }
  struct stat info {};
  if (::fstat(descriptor, &info) == 0 && info.st_nlink > 0) return descriptor;
  ::close(descriptor);  // taken for an abandoned one before it was locked
  errno = EINTR;
  return -1;
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
    const int descriptor =
        ::open(abandoned.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (descriptor < 0) continue;
    if (::flock(descriptor, LOCK_EX | LOCK_NB) == 0) ::unlink(abandoned.c_str());
    ::close(descriptor);
  }
}

// Renames last over new names: without the folder's own sync a crash could lose the name again.
Status sync_folder(const std::string& folder) {
  const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return cannot("open the folder", folder, errno);
  const int error = ::fsync(descriptor) == 0 ? 0 : errno;
  ::close(descriptor);
  // Some file systems cannot sync a folder; then there is nothing more to be done.
  return error == 0 || error == EINVAL ? Status::ok() : cannot("sync the folder", folder, error);
}

Status rename_whole(const std::string& from, const std::string& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) return cannot("rename to", to, errno);
  return sync_folder(parent_directory(to));
}

// 0, or the error; EOPNOTSUPP becomes a file of that length without reserved blocks.
int reserve(int descriptor, std::uint64_t size_bytes) {
  if (size_bytes == 0) return 0;
  const auto size = static_cast<off_t>(size_bytes);
#if defined(__linux__)
  int error = 0;
  do {
    error = ::fallocate(descriptor, 0, 0, size) == 0 ? 0 : errno;
  } while (error == EINTR);
  if (error != EOPNOTSUPP && error != ENOSYS) return error;
#endif
  return ::ftruncate(descriptor, size) == 0 ? 0 : errno;
}

}  // namespace

OutputFile::OutputFile(std::string path, std::string temporary_path, int descriptor,
                       std::uint64_t size_bytes)
    : path_(std::move(path)),
      temporary_path_(std::move(temporary_path)),
      descriptor_(descriptor),
      size_bytes_(size_bytes) {}

OutputFile::~OutputFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
  if (!temporary_path_.empty()) ::unlink(temporary_path_.c_str());
}

Result<std::unique_ptr<OutputFile>> OutputFile::create(const std::string& path,
                                                       std::uint64_t size_bytes) {
  NEMO_TRY(check_path(path));
  NEMO_TRY(check_target(path));
  if (size_bytes > INT64_MAX) return cannot("write", path, EFBIG);
  remove_abandoned(path);
  for (int attempt = 0;; ++attempt) {
    std::string temporary = temporary_name(path, attempt);
    const int descriptor = open_locked(temporary);
    if (descriptor < 0) {
      if ((errno == EEXIST || errno == EINTR) && attempt < kMaxAttempts) continue;
      return cannot("create", path, errno);
    }
    std::unique_ptr<OutputFile> file(
        new OutputFile(path, std::move(temporary), descriptor, size_bytes));
    const int error = reserve(descriptor, size_bytes);
    if (error != 0) return cannot(join("reserve ", size_bytes, " bytes for"), path, error);
    return file;
  }
}

Status OutputFile::write_at(std::uint64_t offset, std::span<const std::byte> bytes) {
  if (offset > size_bytes_ || bytes.size() > size_bytes_ - offset)
    return {StatusCode::kInternal, join("writing behind the end of '", path_, "'")};
  constexpr std::size_t kMaxWriteBytes = std::size_t{1} << 28;
  while (!bytes.empty()) {
    const ssize_t n_written =
        ::pwrite(descriptor_, bytes.data(), std::min(bytes.size(), kMaxWriteBytes),
                 static_cast<off_t>(offset));
    if (n_written < 0 && errno == EINTR) continue;
    // A regular file that takes nothing without an error would be taken again for ever.
    if (n_written <= 0) return cannot("write", path_, n_written < 0 ? errno : ENOSPC);
    bytes = bytes.subspan(static_cast<std::size_t>(n_written));
    offset += static_cast<std::uint64_t>(n_written);
  }
  return Status::ok();
}

Status OutputFile::commit() {
  if (::fsync(descriptor_) != 0) return cannot("sync", path_, errno);
  if (::close(std::exchange(descriptor_, -1)) != 0) return cannot("close", path_, errno);
  NEMO_TRY(rename_whole(temporary_path_, path_));
  temporary_path_.clear();
  return Status::ok();
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
  if (::lstat(path.c_str(), &info) == 0) {
    if (!is_directory(path)) return cannot("make the folder", path, EEXIST);
    NEMO_ASSIGN(const auto names, list_directory(path));
    if (!names.empty()) return cannot("make the folder", path, ENOTEMPTY);
  }
  std::unique_ptr<OutputFolder> folder(new OutputFolder(path));
  for (int attempt = 0;; ++attempt) {
    const std::string temporary = temporary_name(path, attempt);
    if (::mkdir(temporary.c_str(), 0777) == 0) {
      folder->temporary_path_ = temporary;
      return folder;
    }
    if (errno != EEXIST || attempt == kMaxAttempts) return cannot("make the folder", path, errno);
  }
}

OutputFolder::~OutputFolder() {
  if (temporary_path_.empty()) return;
  const auto names = list_directory(temporary_path_);
  if (names.is_ok())
    for (const std::string& name : names.value())
      ::unlink(join_path(temporary_path_, name).c_str());
  ::rmdir(temporary_path_.c_str());
}

std::string OutputFolder::file(const std::string& name) const {
  return join_path(temporary_path_, name);
}

Status OutputFolder::commit() {
  NEMO_TRY(rename_whole(temporary_path_, path_));
  temporary_path_.clear();
  return Status::ok();
}

}  // namespace nemotron
