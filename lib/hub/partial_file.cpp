// POSIX files. The file is never truncated: on file systems whose locks do nothing, another process
// may be at work on the same one, and then both write the same bytes to the same places.
#include "hub/partial_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>
#include <vector>

#include "base/text.h"
#include "hub/names.h"

namespace nemotron::hub {
namespace {

Status cannot(std::string_view what, const std::string& path, int error) {
  return {StatusCode::kFileWrite,
          join("cannot ", what, " '", path, "': ", std::generic_category().message(error))};
}

Result<Digest> digest_for(const RepoFile& file) {
  return file.is_large ? Digest::create(Digest::Kind::kSha256)
                       : Digest::create_for_git_blob(file.size_bytes);
}

}  // namespace

PartialFile::PartialFile(PartialFile&& other) noexcept
    : path_(std::move(other.path_)),
      file_(other.file_),
      descriptor_(std::exchange(other.descriptor_, -1)),
      size_bytes_(other.size_bytes_),
      digest_(std::move(other.digest_)) {}

PartialFile::~PartialFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

Status PartialFile::reopen(bool is_new) {
  if (descriptor_ >= 0) ::close(std::exchange(descriptor_, -1));
  if (is_new && ::unlink(path_.c_str()) != 0 && errno != ENOENT)
    return cannot("remove", path_, errno);
  descriptor_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
  if (descriptor_ < 0) return cannot("write", path_, errno);
  NEMO_ASSIGN(digest_, digest_for(*file_));
  size_bytes_ = 0;
  return Status::ok();
}

Status PartialFile::restart() { return reopen(/*is_new=*/true); }

Result<PartialFile> PartialFile::open(const std::string& path, const RepoFile& file,
                                      const std::function<bool()>& is_cancelled) {
  PartialFile partial(path, file);
  NEMO_TRY(partial.reopen(/*is_new=*/false));
  NEMO_TRY(partial.take_over(is_cancelled));
  return partial;
}

// Hashes what is there. What is longer than the file cannot be its beginning.
Status PartialFile::take_over(const std::function<bool()>& is_cancelled) {
  struct stat info {};
  if (::fstat(descriptor_, &info) != 0) return cannot("look at", path_, errno);
  const auto end = static_cast<std::uint64_t>(info.st_size);
  if (!S_ISREG(info.st_mode) || end > file_->size_bytes) return restart();
  std::vector<std::byte> buffer(std::min<std::uint64_t>(end, std::uint64_t{1} << 20));
  while (size_bytes_ < end) {
    if (is_cancelled()) return {StatusCode::kCancelled, "cancelled"};
    const ssize_t n_read = ::pread(descriptor_, buffer.data(),
                                   std::min<std::uint64_t>(buffer.size(), end - size_bytes_),
                                   static_cast<off_t>(size_bytes_));
    if (n_read < 0 && errno == EINTR) continue;
    if (n_read <= 0) return restart();
    digest_->update(std::span(buffer).first(static_cast<std::size_t>(n_read)));
    size_bytes_ += static_cast<std::uint64_t>(n_read);
  }
  return Status::ok();
}

Status PartialFile::append(std::span<const std::byte> bytes) {
  if (bytes.size() > file_->size_bytes - size_bytes_)
    return {StatusCode::kBadFile, join("more than the ", file_->size_bytes, " bytes that '",
                                       printable(file_->path), "' has")};
  digest_->update(bytes);
  while (!bytes.empty()) {
    const ssize_t n_written =
        ::pwrite(descriptor_, bytes.data(), bytes.size(), static_cast<off_t>(size_bytes_));
    if (n_written < 0 && errno == EINTR) continue;
    if (n_written <= 0) return cannot("write", path_, n_written < 0 ? errno : ENOSPC);
    bytes = bytes.subspan(static_cast<std::size_t>(n_written));
    size_bytes_ += static_cast<std::uint64_t>(n_written);
  }
  return Status::ok();
}

Status PartialFile::finish(const std::string& final_path) {
  const std::string hash = digest_->finish();
  if (hash != file_->hash) {
    ::unlink(path_.c_str());
    return {StatusCode::kBadFile, join("the bytes of '", printable(file_->path),
                                       "' do not have the hash ", file_->hash, " but ", hash)};
  }
  if (::fsync(descriptor_) != 0) return cannot("sync", path_, errno);
  if (::rename(path_.c_str(), final_path.c_str()) != 0)
    return cannot("rename to", final_path, errno);
  return Status::ok();
}

}  // namespace nemotron::hub
