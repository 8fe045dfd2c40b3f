#include "session/event_queue.h"

#include <new>

namespace nemotron {

namespace {
// Of a consumer that is not far behind: room for them is made at once.
constexpr std::size_t kFewEvents = 64;
constexpr std::size_t kUsualEventBytes = 1024;
}  // namespace

void EventQueue::push(const Event& event) {
  const std::lock_guard lock(mutex_);
  reserve_for_two();
  const std::size_t n_before = text_.size();
  text_.append(event.text);
  try {
    text_.append(event.name);
  } catch (const std::bad_alloc&) {
    text_.resize(n_before);
    throw;
  }
  events_.push_back(event);
}

void EventQueue::reserve_end() {
  const std::lock_guard lock(mutex_);
  reserve_for_two();
  text_.reserve(text_.size() + kUsualEventBytes);
}

// One, and the end behind it.
void EventQueue::reserve_for_two() {
  if (events_.capacity() >= events_.size() + 2) return;
  if (n_read_ > events_.size() / 2) {  // a consumer that is always a little behind
    events_.erase(events_.begin(), events_.begin() + static_cast<std::ptrdiff_t>(n_read_));
    text_.erase(0, text_read_);
    n_read_ = 0;
    text_read_ = 0;
  } else {
    events_.reserve(2 * events_.size() + kFewEvents);
  }
}

void EventQueue::push_end(const Event& event) noexcept {
  const std::lock_guard lock(mutex_);
  Event end = event;
  try {
    text_.append(event.text);
  } catch (const std::bad_alloc&) {
    end.text = {};
  }
  events_.push_back(end);
}

EventQueue::Popped EventQueue::pop(Event& event, std::string& text) {
  const std::lock_guard lock(mutex_);
  if (n_read_ == events_.size()) return Popped::kNothing;
  const bool was_full = size_bytes() >= kMaxBytes;
  const std::size_t n_text = events_[n_read_].text.size();
  text.assign(text_, text_read_, n_text + events_[n_read_].name.size());
  event = events_[n_read_++];
  text_read_ += text.size();
  event.text = std::string_view(text).substr(0, n_text);
  event.name = std::string_view(text).substr(n_text);
  if (n_read_ == events_.size()) {  // keeps the capacity: nothing is allocated at steady state
    events_.clear();
    text_.clear();
    n_read_ = 0;
    text_read_ = 0;
  }
  return was_full && size_bytes() < kMaxBytes ? Popped::kEventAndMadeRoom : Popped::kEvent;
}

bool EventQueue::is_empty() const {
  const std::lock_guard lock(mutex_);
  return n_read_ == events_.size();
}

bool EventQueue::has_room() const {
  const std::lock_guard lock(mutex_);
  return size_bytes() < kMaxBytes;
}

void EventQueue::clear() {
  const std::lock_guard lock(mutex_);
  events_.clear();
  text_.clear();
  n_read_ = 0;
  text_read_ = 0;
}

}  // namespace nemotron
