#include "backend/cuda/launch_profile.h"

namespace nemotron {

namespace {
constexpr const char* kWhat = "measuring a step";
}

LaunchProfile::~LaunchProfile() {
  const CudaDevice::Entry entry(device_);
  if (!entry.status().is_ok()) return;
  for (const Window& window : windows_)
    for (const CuEvent event : window.events)
      if (event != nullptr) device_.driver().destroy_event(event);
}

Status LaunchProfile::reserve(std::size_t n_launches) {
  marks_.reserve(n_launches);
  const CudaDevice::Entry entry(device_);
  NEMO_TRY(entry.status());
  for (Window& window : windows_)
    for (CuEvent& event : window.events)
      if (event == nullptr)
        NEMO_TRY(device_.check(device_.driver().create_event(&event, 0), "making an event"));
  return Status::ok();
}

void LaunchProfile::mark(std::size_t launch, const WorkShape& shape, const WorkAmount& amount) {
  if (totals_.is_enabled() && marks_.size() < marks_.capacity())
    marks_.push_back({launch, shape, amount});
}

void LaunchProfile::forget() {
  marks_.clear();
  next_mark_ = 0;
  for (Window& window : windows_) window.n_parts = 0;
}

// A window begins with the rest of an operation, or with a new one.
Status LaunchProfile::before(std::size_t window, std::size_t launch) {
  Window& w = windows_[window];
  bool is_first = false;
  for (; next_mark_ < marks_.size() && marks_[next_mark_].first_launch <= launch; ++next_mark_)
    is_first = true;
  if (next_mark_ == 0 || (!is_first && w.n_parts > 0)) return Status::ok();
  w.parts[w.n_parts] = {next_mark_ - 1, is_first};
  return record(w.events[w.n_parts++]);
}

Status LaunchProfile::end(std::size_t window) {
  const Window& w = windows_[window];
  return w.n_parts == 0 ? Status::ok() : record(w.events[w.n_parts]);
}

Status LaunchProfile::collect(std::size_t window) {
  Window& w = windows_[window];
  for (std::size_t i = 0; i < w.n_parts; ++i) {
    float ms = 0.0f;
    NEMO_TRY(device_.check(device_.driver().elapsed(&ms, w.events[i], w.events[i + 1]), kWhat));
    const Mark& mark = marks_[w.parts[i].mark];
    totals_.add_time(mark.shape, static_cast<std::int64_t>(1e6 * static_cast<double>(ms)));
    if (w.parts[i].is_first) totals_.add_run(mark.shape, mark.amount);
  }
  w.n_parts = 0;
  return Status::ok();
}

Status LaunchProfile::record(CuEvent event) {
  return device_.check(device_.driver().record_event(event, device_.stream()), kWhat);
}

}  // namespace nemotron
