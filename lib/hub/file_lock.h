// An advisory lock on a file (flock), the kind that huggingface_hub takes, so that one of several
// programs downloads a file and the others wait for it. It ends with its process, however that
// ends.
#pragma once

#include <functional>
#include <string>

#include "base/result.h"

namespace nemotron::hub {

class FileLock {
 public:
  // Makes the file where it is missing. Calls `on_wait` once if somebody else holds the lock, and
  // waits until it is free or `is_cancelled` (kCancelled). Where the file system knows no locks the
  // call succeeds without one. kFileWrite.
  static Result<FileLock> acquire(const std::string& path,
                                  const std::function<bool()>& is_cancelled,
                                  const std::function<void()>& on_wait);
  ~FileLock();
  FileLock(FileLock&& other) noexcept;
  FileLock& operator=(FileLock&&) = delete;

 private:
  explicit FileLock(int descriptor) : descriptor_(descriptor) {}

  int descriptor_;  // -1: nothing to release
};

}  // namespace nemotron::hub
