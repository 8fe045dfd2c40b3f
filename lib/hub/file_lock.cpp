// flock, asked for again and again, because a waiting flock could not be cancelled.
#include "hub/file_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <system_error>
#include <thread>
#include <utility>

#include "base/text.h"

namespace nemotron::hub {
namespace {

Status cannot_lock(const std::string& path, int error) {
  return {StatusCode::kFileWrite,
          join("cannot lock '", path, "': ", std::generic_category().message(error))};
}

bool is_unsupported(int error) {
  return error == ENOSYS || error == ENOLCK || error == EOPNOTSUPP || error == EINVAL;
}

}  // namespace

FileLock::FileLock(FileLock&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}

FileLock::~FileLock() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

Result<FileLock> FileLock::acquire(const std::string& path,
                                   const std::function<bool()>& is_cancelled,
                                   const std::function<void()>& on_wait) {
  constexpr mode_t kMode = 0664;  // as huggingface_hub: a group may share the cache
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, kMode);
  if (descriptor < 0) return cannot_lock(path, errno);
  FileLock lock(descriptor);
  for (bool is_first = true; ::flock(descriptor, LOCK_EX | LOCK_NB) != 0; is_first = false) {
    if (is_unsupported(errno)) return lock;
    if (errno != EWOULDBLOCK && errno != EINTR) return cannot_lock(path, errno);
    if (is_first) on_wait();
    if (is_cancelled()) return Status{StatusCode::kCancelled, "cancelled"};
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  return lock;
}

}  // namespace nemotron::hub
