// An open file of POSIX, which has one owner and is closed with it.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace nemotron {

class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int number) : number_(number) {}  // what open() returned, or -1
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    if (this != &other) {
      (void)close();
      number_ = std::exchange(other.number_, -1);
    }
    return *this;
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() { (void)close(); }

  // open(2), again where a signal interrupts it. Where nothing is opened, errno says why not.
  static Descriptor open(const char* path, int flags, mode_t mode = 0) {
    for (;;) {
      const int number = ::open(path, flags, mode);
      if (number >= 0 || errno != EINTR) return Descriptor(number);
    }
  }

  bool is_open() const { return number_ >= 0; }
  int number() const { return number_; }

  // 0, or the error: where writes are late, the last may fail here. The descriptor is gone in any
  // case; an interrupted close has closed, too, on Linux.
  int close() {
    if (number_ < 0 || ::close(std::exchange(number_, -1)) == 0 || errno == EINTR) return 0;
    return errno;
  }

 private:
  int number_ = -1;
};

}  // namespace nemotron
