// Recorded operations of the CUDA backend: launches, in order, and small inputs from the host that
// they read (token ids, where states lie), which are sent before them in one piece. Launches are
// handed to the device a few at a time, so that a deadline or a cancel leaves little work behind;
// without a limit all at once. A step of a few rows that came before goes as one graph, unless
// there is a deadline: it is short enough for a cancel.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "backend/cuda/device_pool.h"
#include "backend/cuda/graph_cache.h"
#include "backend/cuda/host_buffer.h"
#include "backend/cuda/launch_profile.h"
#include "kernels/cuda/launch.h"
#include "threading/run_limit.h"

namespace nemotron {

class CommandQueue {
 public:
  static constexpr std::size_t kInputBytes = std::size_t{1} << 20;  // of inputs, to begin with

  static constexpr std::int64_t kGraphRows = 64;  // most rows of a step that may be one graph

  CommandQueue(CudaDevice& device, DevicePool& pool)
      : device_(device), pool_(pool), graphs_(device), profile_(device) {}
  ~CommandQueue();
  CommandQueue(const CommandQueue&) = delete;
  CommandQueue& operator=(const CommandQueue&) = delete;

  // Room for that many commands, and for inputs. kOutOfMemory, kOverBudget, kDeviceLost.
  Status reserve(std::size_t n_commands);

  // Recording. It does not fail: what goes wrong is told by the next advance().
  // Begins an operation of at most kMostCommands on that many rows: where there is no room for
  // them, after running what is there.
  static constexpr std::size_t kMostCommands = 4;
  void begin(std::int64_t n_rows = 1);
  // Room for an input of the operation that has begun, one at most: `host` is to be filled before
  // the next advance(), and is at `device` when the following commands run. Null where there is
  // none; the operation is then not to be recorded.
  struct Input {
    std::byte* host = nullptr;
    std::byte* device = nullptr;
  };
  Input add_input(std::size_t size_bytes);
  void record(const kernels::cuda::Launch& launch);
  // What was recorded last, to be changed; null where the device has been given it.
  kernels::cuda::Launch* last_launch();
  // The launches recorded from here on are this work: for the profile.
  void mark(const WorkShape& shape, const WorkAmount& amount) {
    profile_.mark(commands_.size(), shape, amount);
  }
  // Counts how often the inputs so far have become invalid.
  std::uint64_t generation() const { return generation_; }

  // See Backend.
  void start(const RunLimit& limit);
  // The device is done with everything when it returns true.
  Result<bool> advance(const RunLimit& limit);
  // Device to device, after everything recorded; done when it returns. As recording, it does not
  // fail.
  void copy(void* to, const void* from, std::size_t size_bytes);
  WorkProfile& profile() { return profile_.totals(); }
  // Makes the next advance() return the status, unless it is ok.
  void keep_fault(Status status);

 private:
  // Between two looks at the limit, and with the device at once.
  static constexpr std::size_t kWindowCommands = LaunchProfile::kWindowLaunches;
  static constexpr std::size_t kMostWindows = LaunchProfile::kMostWindows;

  Result<bool> run(const RunLimit& limit);
  bool may_be_graph(const RunLimit& limit) const;
  bool has_window_free() const { return next_ < commands_.size() && n_windows_ < kMostWindows; }
  Status enqueue_whole();
  Status enqueue_window(const RunLimit& limit);
  Status send_inputs();
  std::size_t next_window() const { return (oldest_ + n_windows_) % kMostWindows; }
  Status end_window();
  Status wait_for_oldest();
  Status grow_inputs(std::size_t size_bytes);
  void free_inputs() noexcept;
  void drain();
  void run_all();
  void forget();  // everything is done, or never will be

  CudaDevice& device_;
  DevicePool& pool_;
  GraphCache graphs_;
  LaunchProfile profile_;
  std::vector<kernels::cuda::Launch> commands_;
  std::size_t next_ = 0;        // the first that the device has not been given
  std::int64_t most_rows_ = 0;  // of an operation
  // Inputs lie at the same offset on both sides.
  HostBuffer host_inputs_;
  std::byte* device_inputs_ = nullptr;
  std::size_t capacity_bytes_ = 0;
  std::size_t used_bytes_ = 0;
  std::size_t sent_bytes_ = 0;  // of those
  std::uint64_t generation_ = 0;
  std::array<CuEvent, kMostWindows> events_ = {};  // the end of each window, in turns
  std::size_t n_windows_ = 0;                      // with the device
  std::size_t oldest_ = 0;                         // of them: index into events_
  Status fault_;                                   // of recording, not told yet
};

}  // namespace nemotron
