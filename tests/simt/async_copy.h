// Copies to shared memory that go on while a thread computes. A device may make them at any time
// between begin_copy() and the wait; so here what is copied to is garbage as soon as the copy
// begins, and the copy is made in the wait: who reads too early, or begins a copy to what is still
// read, gets wrong numbers.
#pragma once

#include <cstdint>
#include <cstring>
#include <deque>
#include <vector>

namespace simt {

// Of a thread.
class AsyncCopies {
 public:
  static constexpr std::size_t kBytes = 16;

  void begin(std::uint8_t* to, const std::uint8_t* from, bool is_there) {
    std::memset(to, 0xff, kBytes);
    begun_.push_back({to, is_there ? from : nullptr});
  }
  void end() {
    groups_.push_back(std::move(begun_));
    begun_.clear();
  }
  void wait(std::size_t n_left) {
    for (; groups_.size() > n_left; groups_.pop_front())
      for (const Copy& copy : groups_.front()) {
        if (copy.from == nullptr) {
          std::memset(copy.to, 0, kBytes);
        } else {
          std::memcpy(copy.to, copy.from, kBytes);
        }
      }
  }

 private:
  struct Copy {
    std::uint8_t* to;
    const std::uint8_t* from;  // null: zeros
  };
  std::vector<Copy> begun_;
  std::deque<std::vector<Copy>> groups_;
};

// Of the thread that runs.
AsyncCopies& async_copies();
inline void begin_copy(std::uint8_t* to, const std::uint8_t* from, bool is_there) {
  async_copies().begin(to, from, is_there);
}
inline void end_copies() { async_copies().end(); }
inline void wait_for_copies(int n_left) { async_copies().wait(static_cast<std::size_t>(n_left)); }

}  // namespace simt
