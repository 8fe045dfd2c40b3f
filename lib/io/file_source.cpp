// A file read with pread, so that threads share one descriptor without sharing a position.
// Only regular files: a FIFO or a device could block the host or never end.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/text.h"
#include "io/data_source.h"
#include "io/descriptor.h"
#include "io/system_error.h"

namespace nemotron {
namespace {

class FileSource final : public DataSource {
 public:
  FileSource(std::string path, Descriptor descriptor, const struct stat& info)
      : path_(std::move(path)),
        descriptor_(std::move(descriptor)),
        size_bytes_(static_cast<std::uint64_t>(info.st_size)),
        changed_at_(info.st_mtim) {}

  const std::string& name() const override { return path_; }
  std::uint64_t size_bytes() const override { return size_bytes_; }

  Status read_at(std::uint64_t offset, std::span<std::byte> out) const override {
    if (offset > size_bytes_ || out.size() > size_bytes_ - offset)
      return {StatusCode::kBadFile,
              join("'", path_, "' ends at byte ", size_bytes_, ", before the ", out.size(),
                   " bytes expected at ", offset),
              static_cast<std::int64_t>(std::min(offset, size_bytes_))};
    // The kernel caps one read at about 2 GiB; smaller pieces also keep signals from starving it.
    constexpr std::size_t kMaxReadBytes = std::size_t{1} << 28;
    while (!out.empty()) {
      const ssize_t n_read =
          ::pread(descriptor_.number(), out.data(), std::min(out.size(), kMaxReadBytes),
                  static_cast<off_t>(offset));
      if (n_read < 0 && errno == EINTR) continue;
      if (n_read < 0) return cannot_read("read", path_, errno, static_cast<std::int64_t>(offset));
      if (n_read == 0) return became_shorter(static_cast<std::int64_t>(offset));
      out = out.subspan(static_cast<std::size_t>(n_read));
      offset += static_cast<std::uint64_t>(n_read);
    }
    return Status::ok();
  }

  Result<std::shared_ptr<const MappedBytes>> map() const override {
    NEMO_TRY(check_unchanged());
    return MappedBytes::of_file(descriptor_.number(), size_bytes_, path_);
  }

  Status check_unchanged() const override {
    struct stat now {};
    if (::fstat(descriptor_.number(), &now) != 0) return cannot_read("look at", path_, errno);
    if (static_cast<std::uint64_t>(now.st_size) < size_bytes_) return became_shorter(now.st_size);
    if (static_cast<std::uint64_t>(now.st_size) > size_bytes_)
      return {StatusCode::kFileChanged, join("'", path_, "' became longer than the ", size_bytes_,
                                             " bytes it had when it was opened")};
    if (now.st_mtim.tv_sec != changed_at_.tv_sec || now.st_mtim.tv_nsec != changed_at_.tv_nsec)
      return {StatusCode::kFileChanged, join("'", path_, "' was written to after it was opened")};
    return Status::ok();
  }

 private:
  Status became_shorter(std::int64_t offset) const {
    return {StatusCode::kFileChanged,
            join("'", path_, "' became shorter than the ", size_bytes_,
                 " bytes it had when it was opened"),
            offset};
  }

  std::string path_;
  Descriptor descriptor_;
  std::uint64_t size_bytes_;
  struct timespec changed_at_;  // as far as the file system notes it
};

}  // namespace

Result<std::unique_ptr<DataSource>> open_file(const std::string& path) {
  if (path.empty() || path.find('\0') != std::string::npos)
    return Status{StatusCode::kInvalidArgument, "a file path is empty or holds a NUL byte"};
  // O_NONBLOCK: opening a FIFO without a writer must fail the regular-file check, not wait.
  Descriptor descriptor = Descriptor::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (!descriptor.is_open()) return cannot_read("open", path, errno);
  struct stat info {};
  if (::fstat(descriptor.number(), &info) != 0) return cannot_read("look at", path, errno);
  if (!S_ISREG(info.st_mode))
    return Status{StatusCode::kFileRead, join("'", path, "' is not a regular file")};
  return std::unique_ptr<DataSource>(
      std::make_unique<FileSource>(path, std::move(descriptor), info));
}

}  // namespace nemotron
