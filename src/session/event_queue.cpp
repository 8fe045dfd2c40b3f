#include "session/event_queue.h"

namespace nemotron {

void EventQueue::push(const Event& event) {
  const std::lock_guard lock(mutex_);
  text_.append(event.text).append(event.name);
  events_.push_back(event);
}

bool EventQueue::pop(Event& event, std::string& text) {
  const std::lock_guard lock(mutex_);
  if (n_read_ == events_.size()) return false;
  event = events_[n_read_++];
  const std::size_t n_text = event.text.size();
  text.assign(text_, text_read_, n_text + event.name.size());
  text_read_ += text.size();
  event.text = std::string_view(text).substr(0, n_text);
  event.name = std::string_view(text).substr(n_text);
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
