#include "backend/cuda/command_queue.h"

#include <algorithm>
#include <exception>
#include <utility>

#include "base/checked_math.h"
#include "base/text.h"

namespace nemotron {

namespace {

constexpr std::size_t kInputAlignment = 16;

CuPointer address(const void* device) { return reinterpret_cast<std::uintptr_t>(device); }

bool is_over(const RunLimit& limit) {
  if (limit.is_stopped()) return true;
  return limit.has_deadline() && RunLimit::Clock::now() >= limit.deadline;
}

}  // namespace

CommandQueue::~CommandQueue() {
  drain();
  const CudaDevice::Entry entry(device_);
  if (entry.status().is_ok())
    for (const CuEvent event : events_)
      if (event != nullptr) device_.driver().destroy_event(event);
  free_inputs();
}

Status CommandQueue::reserve(std::size_t n_commands) {
  try {
    commands_.reserve(std::max(n_commands, kMostCommands));
    NEMO_TRY(profile_.reserve(commands_.capacity()));
  } catch (const std::exception&) {  // bad_alloc, length_error
    return {StatusCode::kOutOfMemory, join("cannot allocate room for ", n_commands, " operations")};
  }
  {
    const CudaDevice::Entry entry(device_);
    NEMO_TRY(entry.status());
    for (CuEvent& event : events_)
      if (event == nullptr)
        NEMO_TRY(device_.check(device_.driver().create_event(&event, kCuEventNoTiming),
                               "making an event"));
  }
  return capacity_bytes_ > 0 ? Status::ok() : grow_inputs(kInputBytes);
}

void CommandQueue::begin(std::int64_t n_rows) {
  if (commands_.size() + kMostCommands > commands_.capacity()) run_all();
  most_rows_ = std::max(most_rows_, n_rows);
}

CommandQueue::Input CommandQueue::add_input(std::size_t size_bytes) {
  const std::size_t size = round_up(size_bytes, kInputAlignment);
  if (used_bytes_ + size > capacity_bytes_) run_all();
  if (size > capacity_bytes_) keep_fault(grow_inputs(size + size / 4));
  if (!fault_.is_ok() || used_bytes_ + size > capacity_bytes_) return {};
  const std::size_t offset = std::exchange(used_bytes_, used_bytes_ + size);
  return {host_inputs_.data() + offset, device_inputs_ + offset};
}

void CommandQueue::record(const kernels::cuda::Launch& launch) {
  if (fault_.is_ok()) commands_.push_back(launch);
}

kernels::cuda::Launch* CommandQueue::last_launch() {
  return next_ == commands_.size() ? nullptr : &commands_.back();
}

void CommandQueue::start(const RunLimit& limit) {
  if (!fault_.is_ok()) return;
  const CudaDevice::Entry entry(device_);
  Status status = entry.status();
  if (status.is_ok() && may_be_graph(limit)) status = enqueue_whole();
  while (status.is_ok() && has_window_free()) status = enqueue_window(limit);
  keep_fault(std::move(status));
}

Result<bool> CommandQueue::advance(const RunLimit& limit) {
  if (!fault_.is_ok()) next_ = commands_.size();  // what is left would work with what is not there
  Result<bool> result = run(limit);
  if (result.is_ok() && !result.value()) return false;
  if (!result.is_ok()) drain();
  forget();
  if (!fault_.is_ok()) return std::exchange(fault_, Status::ok());
  return result;
}

Result<bool> CommandQueue::run(const RunLimit& limit) {
  const CudaDevice::Entry entry(device_);
  NEMO_TRY(entry.status());
  if (may_be_graph(limit)) NEMO_TRY(enqueue_whole());
  for (bool is_first = true; next_ < commands_.size() || n_windows_ > 0; is_first = false) {
    if (!is_first && is_over(limit)) return false;
    NEMO_TRY(has_window_free() ? enqueue_window(limit) : wait_for_oldest());
  }
  return true;
}

bool CommandQueue::may_be_graph(const RunLimit& limit) const {
  return next_ == 0 && n_windows_ == 0 && most_rows_ <= kGraphRows && !limit.has_deadline() &&
         !limit.is_stopped() && !profile_.has_marks();
}

// What the device has been given still reads the inputs. Does not wait for the whole stream, on
// which a host may have enqueued more.
void CommandQueue::drain() {
  const CudaDevice::Entry entry(device_);
  const CuEvent event = events_[0];
  if (!entry.status().is_ok() || event == nullptr) return;
  if (device_.check(device_.driver().record_event(event, device_.stream()), "a step").is_ok())
    (void)device_.check(device_.driver().wait_event(event), "a step");
}

void CommandQueue::run_all() {
  const std::int64_t n_rows = most_rows_;  // of the step, if it is not at its end
  Result<bool> result = advance({});
  most_rows_ = n_rows;
  if (!result.is_ok()) keep_fault(std::move(result).status());
}

// All that is recorded as one window, if there is a graph of it.
Status CommandQueue::enqueue_whole() {
  NEMO_TRY(send_inputs());
  NEMO_ASSIGN(const bool is_enqueued, graphs_.enqueue(commands_));
  if (!is_enqueued) return Status::ok();
  next_ = commands_.size();
  return end_window();
}

// All that is left where nobody looks in between.
Status CommandQueue::enqueue_window(const RunLimit& limit) {
  NEMO_TRY(send_inputs());
  const bool has_windows = limit.is_limited() || profile_.has_marks();
  const std::size_t n_left = commands_.size() - next_;
  const std::size_t end = next_ + (has_windows ? std::min(kWindowCommands, n_left) : n_left);
  for (; next_ < end; ++next_) {
    NEMO_TRY(profile_.before(next_window(), next_));
    NEMO_TRY(device_.launch(commands_[next_], device_.stream()));
  }
  NEMO_TRY(profile_.end(next_window()));
  return end_window();
}

Status CommandQueue::send_inputs() {
  const std::size_t begin = std::exchange(sent_bytes_, used_bytes_);
  if (begin == used_bytes_) return Status::ok();
  return device_.check(
      device_.driver().copy_to_device(address(device_inputs_ + begin), host_inputs_.data() + begin,
                                      used_bytes_ - begin, device_.stream()),
      "sending a step's inputs");
}

Status CommandQueue::end_window() {
  const CuEvent event = events_[next_window()];
  NEMO_TRY(device_.check(device_.driver().record_event(event, device_.stream()), "a step"));
  ++n_windows_;
  return Status::ok();
}

Status CommandQueue::wait_for_oldest() {
  const std::size_t window = oldest_;
  oldest_ = (oldest_ + 1) % kMostWindows;
  --n_windows_;
  NEMO_TRY(device_.check(device_.driver().wait_event(events_[window]), "a step"));
  NEMO_TRY(graphs_.finish());
  return profile_.collect(window);
}

// Waits, since `from` may be given back, and written through another stream, as soon as it returns.
void CommandQueue::copy(void* to, const void* from, std::size_t size_bytes) {
  run_all();
  if (size_bytes == 0 || !fault_.is_ok()) return;
  const CudaDevice::Entry entry(device_);
  Status status = entry.status();
  if (status.is_ok())
    status = device_.check(
        device_.driver().copy_on_device(address(to), address(from), size_bytes, device_.stream()),
        "copying");
  if (status.is_ok()) status = end_window();
  if (status.is_ok()) status = wait_for_oldest();
  keep_fault(std::move(status));
}

Status CommandQueue::grow_inputs(std::size_t size_bytes) {
  const CudaDevice::Entry entry(device_);
  NEMO_TRY(entry.status());
  graphs_.clear();  // their launches read what is freed here
  free_inputs();
  NEMO_ASSIGN(host_inputs_, HostBuffer::create(device_, size_bytes, "the inputs of a step"));
  NEMO_ASSIGN(void* device, pool_.take(size_bytes));
  device_inputs_ = static_cast<std::byte*>(device);
  capacity_bytes_ = size_bytes;
  return Status::ok();
}

void CommandQueue::free_inputs() noexcept {
  host_inputs_ = {};
  if (device_inputs_ != nullptr) pool_.give_back(device_inputs_);
  device_inputs_ = nullptr;
  capacity_bytes_ = used_bytes_ = sent_bytes_ = 0;
}

void CommandQueue::forget() {
  commands_.clear();
  profile_.forget();
  next_ = 0;
  used_bytes_ = sent_bytes_ = 0;
  most_rows_ = 0;
  n_windows_ = 0;
  oldest_ = 0;
  ++generation_;
}

void CommandQueue::keep_fault(Status status) {
  if (fault_.is_ok()) fault_ = std::move(status);
}

}  // namespace nemotron
