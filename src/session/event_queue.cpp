#include "session/event_queue.h"

namespace nemotron {

void EventQueue::push(const Event& event) {
  const std::lock_guard lock(mutex_);
  text_.append(event.text);
  events_.push_back(event);
}

bool EventQueue::pop(Event& event, std::string& text) {
  const std::lock_guard lock(mutex_);
  if (n_read_ == events_.size()) return false;
  event = events_[n_read_++];
  text.assign(text_, text_read_, event.text.size());
  text_read_ += event.text.size();
  event.text = text;
  if (n_read_ == events_.size()) {  // keeps the capacity: nothing is allocated at steady state
    events_.clear();
    text_.clear();
    n_read_ = 0;
    text_read_ = 0;
  }
  return true;
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
