// Events that wait to be fetched, in order, with a bound on their bytes: a full queue makes its
// session wait, and nothing is ever dropped. Any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

#include "session/event.h"

namespace nemotron {

class EventQueue {
 public:
  static constexpr std::size_t kMaxBytes = std::size_t{64} << 10;

  // What push() and pop() throw is bad_alloc, and then nothing has changed.
  void push(const Event& event);
  // Makes room for push_end(), and for what usually waits.
  void reserve_end();
  // The event that ends a request. There is always room for it; only its text may get lost.
  void push_end(const Event& event) noexcept;

  enum class Popped : std::uint8_t { kNothing, kEvent, kEventAndMadeRoom };
  // Moves the first event to `event`, its text to `text`.
  Popped pop(Event& event, std::string& text);

  bool is_empty() const;
  bool has_room() const;
  void clear();

 private:
  void reserve_for_two();
  std::size_t size_bytes() const {
    return text_.size() - text_read_ + (events_.size() - n_read_) * sizeof(Event);
  }

  mutable std::mutex mutex_;
  std::vector<Event> events_;  // their texts and names are the next part of text_
  std::string text_;
  std::size_t n_read_ = 0;
  std::size_t text_read_ = 0;
};

}  // namespace nemotron
