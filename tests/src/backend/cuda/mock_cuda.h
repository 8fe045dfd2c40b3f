// A CUDA driver without a device: memory is the host's, kernels run on the SIMT machine. Streams
// really are queues: what is enqueued runs when somebody waits for it, so that who forgets to wait,
// or fills a buffer again too early, gets wrong numbers. What is enqueued while a stream is
// captured becomes a graph. Calls are counted, the stack of contexts is watched, copies must stay
// inside one allocation, and any call can be made to fail.
//
// What it cannot show: races, the order of different streams, and speed.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "backend/cuda/cuda_module.h"
#include "backend/cuda/driver.h"

namespace nemotron::test {

struct MockCuda {
  // Forgets everything. A driver's functions have no argument for this: there is one.
  static MockCuda& reset();
  static CudaDriver driver();
  static CudaModule module();

  static constexpr double kLaunchMs = 1.0 / 64;  // what each takes

  // Settings.
  std::uint64_t memory_bytes = std::uint64_t{4} << 30;
  std::int64_t fail_at = -1;       // the call, counted from 0, that fails with `failure`
  CuResult failure = 719;          // CUDA_ERROR_LAUNCH_FAILED
  std::set<std::string> may_fail;  // names of the calls that are counted for it; empty: all
  std::string skipped_kernel;      // is launched, and does nothing
  int n_devices = 1;
  std::function<void()> on_kernel;  // called before each that runs
  int compute_major = 9;            // of its compute capability
  int compute_minor = 0;
  int compiled_for = 0;  // of the code that is loaded, 75 for compute_75; 0: the device's own
  int shared_bytes = 227 << 10;  // that a block may have, if its kernel was told so

  // What has happened.
  std::int64_t n_calls = 0;  // that may fail
  std::string failed_call;   // of the one that was made to fail; "captured launch"
  std::map<std::string, std::int64_t> counts;    // of calls, by their name in CudaDriver
  std::map<std::string, std::int64_t> launches;  // of kernels, by their exported name
  std::uint64_t copied_to_host_bytes = 0;
  unsigned launched_shared_bytes = 0;  // the most of a launch
  double now_ms = 0.0;                 // of a clock that only launches move
  std::uint64_t used_bytes = 0;        // of the device
  std::int64_t n_objects = 0;  // streams, events, modules, graphs, host memory, primary contexts
  std::map<CuFunction, int>
      function_shared_bytes;        // that a block of it may have, of more than 48 KiB
  std::vector<CuContext> contexts;  // pushed
  std::vector<std::string> faults;  // uses that a device would not forgive
  bool is_lost = false;             // after a failure that ends a context

  std::int64_t count(const std::string& name) const {
    const auto found = counts.find(name);
    return found == counts.end() ? 0 : found->second;
  }
  // No object and no memory is left, every context was popped, and nothing was used wrongly.
  std::string leftovers() const;

  using Work = std::vector<std::function<void()>>;
  struct Stream {
    std::deque<std::function<void()>> work;
    std::uint64_t n_done = 0;
    int priority = 0;
    std::shared_ptr<Work> captured;   // while it is captured
    bool is_capture_invalid = false;  // something failed meanwhile
  };
  bool is_capturing() const;
  struct Event {
    Stream* stream = nullptr;
    std::uint64_t position = 0;  // of the stream, n_done and what is queued
    bool is_timed = false;
    double ms = -1.0;  // when the stream came to it
  };
  struct Memory {
    std::vector<std::byte> bytes;
    std::byte* begin = nullptr;
    std::size_t size = 0;
  };
  std::map<std::uintptr_t, Memory> memory;  // by address
  std::map<CuStream, std::unique_ptr<Stream>> streams;
  std::map<CuEvent, std::shared_ptr<Event>> events;
  std::map<void*, std::vector<std::byte>> host_memory;
  std::map<void*, std::shared_ptr<Work>> graphs;  // and executable ones
};

}  // namespace nemotron::test
